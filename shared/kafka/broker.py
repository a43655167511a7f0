"""FastStream as we use it: raw batch subscribers with manual acknowledgement, every default set on purpose.

What FastStream does by default (auto-commit, at most once, `latest`) loses facts; `docs/architecture/delivery.md` lists
each default and the test that holds ours.
"""

import asyncio
import contextlib
import logging
from itertools import chain
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram256

from shared.errors import Transient
from shared.kafka.access import KafkaAccess, cluster_of
from shared.kafka.assignment import Assignment
from shared.kafka.effect import Raw
from shared.kafka.guard import Guard
from shared.kafka.topics import BY_NAME

_MAX_RECORDS = 500
_POLL_MILLISECONDS = 200
_UNHURRIED_SECONDS = 0.05
_HEARTBEAT_MILLISECONDS = 400
"""Members learn by their heartbeats that somebody comes or goes: until then nobody has the partitions."""
_RETRY_SECONDS = 0.5
CLOSE_SECONDS = 15.0
"""To stop consuming: for a poll in hand, and for telling a coordinator that may be gone."""
_LOOK_SECONDS = 2.0
_LAG_SECONDS = 3.0
"""A coordinator that is being looked for answers nobody: then it cannot be told, rather than asked for ever."""

GRACE_SECONDS = 4.0
"""How long a poll in hand may take to be settled when the process is asked to stop."""

_log = structlog.get_logger(__name__)
_faststream_log = logging.getLogger("faststream.subscriptions")  # of its own, it would not propagate to ours
_faststream_log.setLevel(logging.ERROR)


class Subscription:
    """One consumer group's subscription in this process: reads, hands to the guard, commits."""

    def __init__(self, guard: Guard, cluster: str) -> None:
        self.guard = guard
        self.assignment = Assignment()
        self.met_other_cluster = asyncio.Event()
        """Set when the broker turned out to be another one: what it holds is not handled, and we are to be closed."""
        self._cluster = cluster
        self._subscriber: Any = None
        self._done: dict[TopicPartition, int] = {}
        self._done_under = 0

    @property
    def idle(self) -> bool:
        """Whether no poll is in hand."""
        return self.assignment.idle

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
            batch_timeout_ms=_POLL_MILLISECONDS,
            fetch_max_wait_ms=_POLL_MILLISECONDS,
            session_timeout_ms=6000,
            heartbeat_interval_ms=_HEARTBEAT_MILLISECONDS,
            listener=self.assignment,
            no_reply=True,
            parser=_parse_nothing,
            decoder=_decode_nothing,
        )
        self._subscriber.get_msg = self._get_poll
        self._subscriber(self._on_poll)

    async def _get_poll(self, consumer: AIOKafkaConsumer) -> tuple[Any, ...]:
        """The next poll; FastStream's own sleeps for as long again after an empty one, which would be 100 ms at the median."""
        self.assignment.settled_poll()  # also when FastStream did not hand the last one over
        polled = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS, max_records=_MAX_RECORDS)
        records = tuple(chain.from_iterable(polled.values()))
        if records:
            self.assignment.took_poll()
            if self.guard.consumer.unhurried:
                await asyncio.sleep(_UNHURRIED_SECONDS)
        return records

    async def _on_poll(self, records: list[Any], message: KafkaMessage) -> None:
        """Everything is settled before the offsets are: an exception here would let the next poll commit past it."""
        try:
            await self._settle_poll(records, message.consumer)
        finally:
            self.assignment.settled_poll()

    async def _settle_poll(self, records: list[Any], consumer: AIOKafkaConsumer) -> None:
        generation = self.assignment.generation
        if not await self._is_ours(consumer, generation):
            return
        raws = [Raw(self._cluster, r.topic, r.partition, r.offset, r.key, r.headers, r.value) for r in records]
        await self.guard.process(raws)
        ends = {TopicPartition(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
        while self.assignment.generation == generation:
            try:
                if await self._commit(consumer, ends, generation):
                    self._note(ends, generation)
                return
            except (CommitFailedError, IllegalStateError) as lost:
                _log.info("subscription.reassigned", group=self.guard.consumer.group, reason=type(lost).__name__)
                return
            except (KafkaError, Transient) as fault:
                _log.warning("subscription.commit_failed", group=self.guard.consumer.group, reason=str(fault))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _is_ours(self, consumer: AIOKafkaConsumer, generation: int) -> bool:
        """Asked *after* the poll was read: an answer that names our cluster means that it was read there.

        What is committed later needs no second look: in another cluster this member would first have to join, which ends
        the assignment.
        """
        while self.assignment.generation == generation:
            try:
                met = await cluster_of(consumer._client)  # noqa: SLF001 (it has no public name)
            except (KafkaError, Transient, OSError) as fault:
                _log.warning("subscription.waits", group=self.guard.consumer.group, reason=str(fault))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if met == self._cluster:
                return True
            _log.error("subscription.other_cluster", group=self.guard.consumer.group, met=met, known=self._cluster)
            self.met_other_cluster.set()
            return False
        return False

    async def left_cluster(self) -> None:
        """Return when the broker is of another cluster: a poll said so, or, when there are no polls, a look at it."""
        while not self.met_other_cluster.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self.met_other_cluster.wait()
            consumer: AIOKafkaConsumer | None = getattr(self._subscriber, "consumer", None)
            if consumer is not None:
                with contextlib.suppress(KafkaError, Transient, OSError):
                    if await cluster_of(consumer._client) != self._cluster:  # noqa: SLF001 (it has no public name)
                        self.met_other_cluster.set()

    async def _commit(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], generation: int) -> bool:
        """Commit, and stop trying when the assignment ends: aiokafka would go on under the next one."""
        committing = asyncio.ensure_future(consumer.commit(ends))
        ended = asyncio.ensure_future(self.assignment.ended(generation))
        try:
            await asyncio.wait({committing, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not committing.done():
                return False
            committing.result()
            return True
        finally:
            for task in (committing, ended):
                task.cancel()
            await asyncio.gather(committing, ended, return_exceptions=True)

    def _note(self, ends: dict[TopicPartition, int], generation: int) -> None:
        if self._done_under != generation:
            self._done.clear()  # somebody else may have gone further meanwhile
            self._done_under = generation
        self._done |= ends

    async def lag(self) -> int:
        """Records of our partitions that are not yet settled and committed; 1 while it cannot be told."""
        consumer: AIOKafkaConsumer | None = getattr(self._subscriber, "consumer", None)
        if consumer is None or not self.assignment.held:
            return 1
        self._note({}, self.assignment.generation)
        places = list(consumer.assignment())
        if not places:
            return 0
        try:
            async with asyncio.timeout(_LAG_SECONDS):
                ends = await consumer.end_offsets(places)
                return sum([end - await self._settled(consumer, place, end) for place, end in ends.items()])
        except (KafkaError, TimeoutError, IllegalStateError):
            return 1

    async def _settled(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> int:
        if BY_NAME[place.topic].is_state:
            # A transaction's end marker takes an offset that no poll returns: the position has passed it.
            position: int = await consumer.position(place)
            return end if position >= end and self.idle else min(position, end - 1)
        if place not in self._done:
            self._done[place] = await consumer.committed(place) or 0
        return min(self._done[place], end)


class ConsumingBroker(KafkaBroker):
    """Groups are joined side by side: each join waits for the next heartbeats of the group's other members."""

    async def start(self) -> None:
        await self.connect()
        joining = [asyncio.ensure_future(subscriber.start()) for subscriber in self.subscribers]
        try:
            await asyncio.gather(*joining)
        finally:
            for one in joining:
                one.cancel()
            await asyncio.gather(*joining, return_exceptions=True)
        self.running = True


def build_broker(access: KafkaAccess) -> ConsumingBroker:
    """A broker for consuming; publishing is the relay's alone."""
    options = access.options()
    return ConsumingBroker(
        access.bootstrap.split(","),
        security=SASLScram256(
            username=access.user,
            password=access.password,
            use_ssl=access.tls,
            ssl_context=options["ssl_context"],
        ),
        graceful_timeout=GRACE_SECONDS,
        allow_auto_create_topics=False,
        consumer_only=True,
        logger=_faststream_log,
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
