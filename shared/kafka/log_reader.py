"""Looking at the log outside any consumer group: one record again, or the end of one's own topics."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.db import Pool, session
from shared.errors import Transient
from shared.kafka.access import KafkaAccess, cluster_of, end_client
from shared.kafka.effect import Raw
from shared.kafka.envelope import Poison, read_envelope
from shared.kafka.topics import Topic

_ANSWER_SECONDS = 5.0
_LOOK_BACK = 20


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
        async with asyncio.timeout(_ANSWER_SECONDS):
            record = await consumer.getone(where)
    except (KafkaError, TimeoutError) as fault:
        raise Transient(f"The log did not give {topic}/{partition}/{offset} again.") from fault
    finally:
        await end_client(consumer.stop())
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
        lasts = await _last_records(consumer, places)
    except KafkaError as fault:
        raise Transient("Kafka did not show the end of our topics.") from fault
    finally:
        await end_client(consumer.stop())
    for place, last in lasts.items():
        await _check_end(pool, topics[place.topic], place, last)


async def _last_records(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[TopicPartition, Any]:
    """The last record of each place that has one; all places side by side, because every start waits for this."""
    begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    left = [place for place in places if ends[place] > begins[place]]
    consumer.pause(*(place for place in places if place not in left))
    for place in left:
        # A transaction's end marker takes an offset of its own: look back a few places for the last record.
        consumer.seek(place, max(begins[place], ends[place] - _LOOK_BACK))
    lasts: dict[TopicPartition, Any] = {}
    while left:
        polled = await consumer.getmany(*left, timeout_ms=2000)
        if not polled:
            break
        lasts |= {place: records[-1] for place, records in polled.items() if records}
        left = [place for place in left if await consumer.position(place) < ends[place]]
    return lasts


async def _check_end(pool: Pool, topic: Topic, place: TopicPartition, last: Any) -> None:
    try:
        envelope = read_envelope(last.headers, last.key)
    except Poison:
        return  # not one of ours
    async with session(pool) as conn:
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
