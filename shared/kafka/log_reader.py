"""Looking at the log outside any consumer group: one record again, or the end of one's own topics."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.db import Pool
from shared.errors import Transient
from shared.kafka.access import KafkaAccess, cluster_of
from shared.kafka.effect import Raw
from shared.kafka.envelope import Poison, read_envelope
from shared.kafka.topics import Topic

_ANSWER_SECONDS = 5.0


async def read_record(access: KafkaAccess, cluster: str, topic: str, partition: int, offset: int) -> Raw | None:
    """The record at a position; None when compaction or another cluster took it away."""
    consumer = access.reader()
    await access.start(consumer)
    try:
        if await cluster_of(consumer._client) != cluster:  # noqa: SLF001 (it has no public name)
            return None  # another record stands there now; the replay brought the state itself again
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        ends = await consumer.end_offsets([where])
        if offset >= ends[where]:
            return None
        consumer.seek(where, offset)
        record = await asyncio.wait_for(consumer.getone(where), _ANSWER_SECONDS)
    except (KafkaError, TimeoutError) as fault:
        raise Transient(f"The log did not give {topic}/{partition}/{offset} again.") from fault
    finally:
        await consumer.stop()
    if record.offset != offset:
        return None
    return Raw(cluster, topic, partition, offset, record.key, record.headers, record.value)


class LogAhead(Exception):
    """The log holds facts of ours that our database does not: the database is older than the log."""


KNOWN_EVENT = "select true from outbox where event_id = $1"
KNOWN_VERSION = "select true from state_copies where topic = $1 and aggregate = $2 and version >= $3"


async def refuse_log_ahead(access: KafkaAccess, pool: Pool, owned: Iterable[Topic]) -> None:
    """Check the last record of each partition of our own topics against the outbox, before anything is consumed.

    A restored database on a surviving log would take facts from after its instant as news, and drop its own
    new facts as repeats. Raises `LogAhead`.
    """
    topics = {topic.name: topic for topic in owned}
    if not topics:
        return
    consumer = access.reader()
    await access.start(consumer)
    try:
        places = [TopicPartition(name, number) for name, topic in topics.items() for number in range(topic.partitions)]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            if ends[place] > begins[place]:
                await _check_end(consumer, pool, topics[place.topic], place, begins[place], ends[place])
    except KafkaError as fault:
        raise Transient("Kafka did not show the end of our topics.") from fault
    finally:
        await consumer.stop()


async def _check_end(
    consumer: AIOKafkaConsumer, pool: Pool, topic: Topic, place: TopicPartition, begin: int, end: int
) -> None:
    # A transaction's end marker takes an offset of its own: look back a few places for the last record.
    consumer.seek(place, max(begin, end - 20))
    last = None
    while await consumer.position(place) < end:
        records = (await consumer.getmany(place, timeout_ms=2000)).get(place, [])
        if not records:
            break
        last = records[-1]
    if last is None:
        return
    try:
        envelope = read_envelope(last.headers, last.key)
    except Poison:
        return  # not one of ours
    async with pool.acquire() as conn:
        known = (
            await conn.fetchval(KNOWN_VERSION, topic.name, envelope.subject, envelope.version)
            if topic.is_state
            else await conn.fetchval(KNOWN_EVENT, envelope.event_id)
        )
    if not known:
        raise LogAhead(
            f"{place.topic}/{place.partition} ends with event {envelope.event_id}, which is not in this database's "
            "outbox: the database is older than the log. Restore onto a newly formatted log only."
        )
