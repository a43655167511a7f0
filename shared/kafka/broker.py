"""FastStream as we use it: raw batch subscribers with manual acknowledgement, every default set on purpose.

What FastStream does by default (auto-commit, at most once, `latest`) loses facts; `docs/architecture/delivery.md` lists
each default and the test that holds ours.
"""

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram256

from shared.errors import Transient
from shared.kafka.access import KafkaAccess, cluster_of
from shared.kafka.effect import Raw
from shared.kafka.guard import Guard
from shared.kafka.topics import BY_NAME

_MAX_RECORDS = 500
_COMMIT_RETRY_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Counts rebalances: a poll's offsets are committed only under the assignment in which it was read."""

    def __init__(self) -> None:
        self.generation = 0

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """What was read before no longer counts."""
        self.generation += 1

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """A new generation of polls begins."""
        self.generation += 1


class Subscription:
    """One consumer group's subscription in this process: reads, hands to the guard, commits."""

    def __init__(self, guard: Guard, cluster: str) -> None:
        self.guard = guard
        self.assignment = Assignment()
        self._cluster = cluster
        self._subscriber: Any = None
        self._done: dict[TopicPartition, int] = {}

    def attach(self, broker: KafkaBroker) -> None:
        """Declare the subscriber; the broker starts it."""
        consumer = self.guard.consumer
        self._subscriber = broker.subscriber(
            *[topic.name for topic in consumer.topics],
            batch=True,
            group_id=consumer.group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_records=_MAX_RECORDS,
            batch_timeout_ms=200,
            fetch_max_wait_ms=200,
            session_timeout_ms=6000,
            heartbeat_interval_ms=1000,
            listener=self.assignment,
            no_reply=True,
            parser=_parse_nothing,
            decoder=_decode_nothing,
        )
        self._subscriber(self._on_poll)

    async def _on_poll(self, records: list[Any], message: KafkaMessage) -> None:
        """Everything is settled before the offsets are: an exception here would let the next poll commit past it."""
        generation = self.assignment.generation
        raws = [Raw(self._cluster, r.topic, r.partition, r.offset, r.key, r.headers, r.value) for r in records]
        await self.guard.process(raws)
        ends = {TopicPartition(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
        consumer: AIOKafkaConsumer = message.consumer
        while self.assignment.generation == generation:
            try:
                if await self._may_commit(consumer, generation):
                    await consumer.commit(ends)
                    self._done |= ends
                return
            except (CommitFailedError, IllegalStateError) as lost:
                _log.info("subscription.reassigned", group=self.guard.consumer.group, reason=type(lost).__name__)
                return
            except (KafkaError, Transient) as fault:
                _log.warning("subscription.commit_failed", group=self.guard.consumer.group, reason=str(fault))
                await asyncio.sleep(_COMMIT_RETRY_SECONDS)

    async def _may_commit(self, consumer: AIOKafkaConsumer, generation: int) -> bool:
        met = await cluster_of(consumer._client)  # noqa: SLF001 (it has no public name)
        if met != self._cluster:
            _log.error("subscription.other_cluster", group=self.guard.consumer.group, met=met, known=self._cluster)
            return False
        return self.assignment.generation == generation

    async def lag(self) -> int:
        """Records of our partitions that are not yet settled and committed; 1 while it cannot be told."""
        consumer: AIOKafkaConsumer | None = getattr(self._subscriber, "consumer", None)
        if consumer is None or not consumer.assignment():
            return 0 if consumer is not None and self.assignment.generation else 1
        places = list(consumer.assignment())
        try:
            ends = await asyncio.wait_for(consumer.end_offsets(places), 2)
            return sum([end - await self._settled(consumer, place, end) for place, end in ends.items()])
        except (KafkaError, TimeoutError):
            return 1

    async def _settled(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> int:
        if BY_NAME[place.topic].is_state:
            # A transaction's end marker takes an offset that no poll returns: the position has passed it.
            position = await asyncio.wait_for(consumer.position(place), 1)
            return end if position >= end and self.guard.idle else min(position, end - 1)
        if place not in self._done:
            self._done[place] = await consumer.committed(place) or 0
        return min(self._done[place], end)


def build_broker(access: KafkaAccess) -> KafkaBroker:
    """A broker for consuming; publishing is the relay's alone."""
    options = access.options()
    return KafkaBroker(
        access.bootstrap,
        security=SASLScram256(
            username=access.user,
            password=access.password,
            use_ssl=access.tls,
            ssl_context=options["ssl_context"],
        ),
        graceful_timeout=8,
        allow_auto_create_topics=False,
        logger=None,
    )


async def _parse_nothing(message: Any, original: Any) -> Any:
    """Raw records to the guard: with the default parser one header that is not UTF-8 fails the whole poll."""
    bare = tuple(_Bare(record) for record in message)
    parsed = await original(bare)
    parsed.raw_message = message
    return parsed


async def _decode_nothing(message: Any, original: Any) -> list[Any]:
    return list(message.raw_message)


class _Bare:
    """A record as the original parser may see it: without headers."""

    headers = ()

    def __init__(self, record: Any) -> None:
        self._record = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)
