"""The guard between the log and the handlers: every record of a poll is handled, parked or quarantined.

What becomes of a record is decided in `fate.py`. Effect and watermark are one commit; what is set aside, another.
Records of one key are handled in order, those of different keys side by side.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.contracts.quarantine import Quarantined
from shared.db import Connection, Pool, Session, savepoint
from shared.errors import Transient
from shared.ids import new_id
from shared.kafka.consumer import Consumer
from shared.kafka.effect import Raw, Readable, apply, pass_over, read
from shared.kafka.envelope import Envelope, Head, Poison, read_head
from shared.kafka.fate import DONE, Fate, Outcome, fate_of, is_bug
from shared.kafka.inbox import Verdict
from shared.kafka.outbox import emit
from shared.kafka.parked import insert_parked
from shared.kafka.projection import Overtaken, Turn, readable_together, take_next, take_together
from shared.kafka.topics import dlq_name
from shared.telemetry import correlation_id_of, counter, following

_PATIENCE_SECONDS = 2.0
_LANES = 8
_BUGS = 3
"""How often the guard itself may fail on a record before it is quarantined with nothing read of it."""
_UNFIT = Fate("quarantined", "it could not even be set aside")
_repeated = counter(
    "gemba_facts_repeated_total", "Facts that came again and had no second effect, by consumer group.", ("consumer",)
)

_log = structlog.get_logger(__name__)


class Guard:
    """Handles the records of one consumer group."""

    def __init__(self, consumer: Consumer, pool: Pool, clock: Clock, deps: Any, *, lanes: int = _LANES) -> None:
        self.consumer = consumer
        self._pool = pool
        self._clock = clock
        self._deps = deps
        self._lanes = lanes
        self.handled = 0
        """Records done with by this process, in whatever way; only grows."""
        self._in_hand = 0

    @property
    def idle(self) -> bool:
        """Whether no poll is in hand."""
        return self._in_hand == 0

    async def process(self, records: Sequence[Raw]) -> None:
        """Return when every record is handled, parked or quarantined: only then may offsets be committed."""
        self._in_hand += 1
        try:
            if self.consumer.projections:
                records = await self._process_together(records)
            by_key: dict[tuple[str, bytes | None], list[Raw]] = {}
            for raw in records:
                by_key.setdefault((raw.topic, raw.key), []).append(raw)
            waiting = deque(by_key.values())
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._lanes, len(by_key))):
                    group.create_task(self._process_lane(waiting))
        finally:
            self._in_hand -= 1

    async def _process_together(self, records: Sequence[Raw]) -> Sequence[Raw]:
        """One transaction for what a projection can take; returns what is left, or all of it when that failed."""
        together, others = readable_together(self.consumer, records)
        if not together:
            return records
        turn = await self._take(together)
        if turn is None:
            return records
        left = others + [record.raw for record in turn.later]
        self.handled += len(records) - len(left)
        return sorted(left, key=lambda raw: (raw.topic, raw.partition, raw.offset))

    async def _take(self, together: Sequence[Readable]) -> Turn | None:
        """As if everything were next; if it is not, with a look at the watermarks first. None: record by record, then."""
        try:
            try:
                async with Session(self._pool) as session, session.transaction() as conn:
                    return await take_next(self.consumer, together, conn, self._deps)
            except Overtaken:
                async with Session(self._pool) as session, session.transaction() as conn:
                    return await take_together(self.consumer, together, conn, self._deps)
        except Exception as fault:
            _log.warning("guard.one_by_one", consumer=self.consumer.group, reason=type(fault).__name__)
            return None

    async def _process_lane(self, waiting: deque[list[Raw]]) -> None:
        """One key after another, all lanes from the same heap, each lane on a connection of its own."""
        async with Session(self._pool) as session:
            while waiting:
                of_one_key = waiting.popleft()
                for raw in of_one_key:
                    session.goes_on = raw is not of_one_key[-1] or bool(waiting)
                    await self._process_one(raw, session)
                    self.handled += 1

    async def _process_one(self, raw: Raw, session: Session) -> None:
        """Never gives up: while the database is away, the record stays in hand and its offset uncommitted.

        An exception that left here would be swallowed by FastStream, and the next poll would commit past the record.
        """
        pause, bugs = 0.05, 0
        while True:
            try:
                if bugs < _BUGS:
                    await self._settle(raw, session)
                else:
                    await self._park(raw, None, _UNFIT, session, bare=True)
                return
            except Transient as fault:
                _log.warning("guard.waits", consumer=self.consumer.group, topic=raw.topic, reason=str(fault))
            except Exception:
                bugs += 1
                _log.exception("guard.bug", consumer=self.consumer.group, topic=raw.topic, offset=raw.offset)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def _settle(self, raw: Raw, session: Session) -> None:
        try:
            record = read(raw)
        except Poison as poison:
            await self._park(raw, read_head(raw.headers, raw.key), fate_of(poison), session)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            consumer=self.consumer.group,
            event=record.envelope.type,
            event_id=str(record.envelope.event_id),
            correlation_id=correlation_id_of(record.envelope.traceparent),
        )
        with following(record.envelope.traceparent):
            await self._attempt(record, session)

    async def _attempt(self, record: Readable, session: Session) -> None:
        raw = record.raw
        outcome: Outcome
        try:
            outcome = await self._apply_patiently(record, session)
        except Exception as fault:
            if is_bug(fault):
                _log.exception("guard.handler_failed", topic=raw.topic, offset=raw.offset)
            outcome = fault
        if outcome is Verdict.REPEAT:
            _repeated.labels(self.consumer.group).inc()
        fate = fate_of(outcome)
        if fate.state == "refused":
            await self._refuse(record, fate, session)
        elif fate is not DONE:
            await self._park(raw, record.envelope, fate, session)

    async def _apply_patiently(self, record: Readable, session: Session) -> Verdict:
        machine_time = asyncio.get_running_loop().time
        give_up = machine_time() + _PATIENCE_SECONDS
        pause = 0.02
        while True:
            try:
                async with session.transaction() as conn:
                    return await apply(record, self.consumer, conn, self._deps)
            except Transient:
                if machine_time() + pause > give_up:
                    raise
                await asyncio.sleep(pause)
                pause *= 2

    async def _refuse(self, record: Readable, fate: Fate, session: Session) -> None:
        async with session.transaction() as conn:
            if await pass_over(conn, self.consumer, record.raw.topic, record.envelope) is Verdict.HANDLE:
                await insert_parked(conn, self.consumer.group, record.raw, record.envelope, fate)
                await tell_stuck(conn, self.consumer, record.raw.topic, record.envelope.subject, self._deps)
        _log.warning("guard.refused", code=fate.reason, topic=record.raw.topic)

    async def _park(
        self, raw: Raw, envelope: Envelope | Head | None, fate: Fate, session: Session, *, bare: bool = False
    ) -> None:
        async with session.transaction() as conn:
            if not await insert_parked(conn, self.consumer.group, raw, envelope, fate):
                return
            aggregate = envelope.subject if envelope else None
            if fate.state == "quarantined":
                version = envelope.version if envelope else None
                await announce(conn, self.consumer, raw, aggregate, version, fate.reason, self._clock)
            if fate.state != "waiting" and not bare:
                await tell_stuck(conn, self.consumer, raw.topic, aggregate, self._deps)
        _log.warning("guard.parked", state=fate.state, topic=raw.topic, offset=raw.offset, reason=fate.reason)


async def tell_stuck(conn: Connection, consumer: Consumer, topic: str, aggregate: UUID | None, deps: Any) -> None:
    """What a consumer wants done when a record was set aside; its own failure must not keep the record in the way."""
    if consumer.on_stuck is None:
        return
    try:
        async with savepoint(conn):
            await consumer.on_stuck(topic, aggregate, conn, deps)
    except Transient:
        raise
    except Exception:
        _log.exception("guard.on_stuck_failed", consumer=consumer.group, topic=topic)


async def announce(
    conn: Connection,
    consumer: Consumer,
    raw: Raw,
    aggregate: UUID | None,
    version: int | None,
    reason: str,
    clock: Clock,
) -> None:
    """Say on the group's dead-letter topic, through the outbox, that a record was quarantined."""
    notice = Quarantined(
        notice_id=new_id(),
        group=consumer.group,
        read_topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        aggregate=aggregate,
        version=version,
        reason=reason[:500],
    )
    await emit(conn, notice, now=clock.now(), topic=dlq_name(raw.topic, consumer.group))
