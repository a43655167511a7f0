"""Parked records are tried again when the watermark moves past their predecessor and, always, at a time of their own."""

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from shared.clock import Clock
from shared.db import Connection, Pool, Record, savepoint, session, transaction
from shared.errors import Transient
from shared.kafka.access import KafkaAccess
from shared.kafka.consumer import Consumer
from shared.kafka.effect import Raw, apply, pass_over, read
from shared.kafka.envelope import Head
from shared.kafka.fate import DONE, Fate, Outcome, fate_of, is_bug
from shared.kafka.guard import announce, tell_stuck
from shared.kafka.log_reader import read_record
from shared.kafka.parked import aggregate_of, claim, claim_due, delete_parked, has_due, save_fate, unpack
from shared.kafka.topics import BY_NAME
from shared.telemetry import tracing
from shared.wakeups import Wakeup

_POLL_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Parking:
    """Tries one consumer group's parked records again until cancelled."""

    def __init__(
        self, consumer: Consumer, pool: Pool, clock: Clock, deps: Any, access: KafkaAccess, wakeup: Wakeup
    ) -> None:
        self._consumer = consumer
        self._pool = pool
        self._clock = clock
        self._deps = deps
        self._access = access
        self._wakeup = wakeup

    async def run(self) -> None:
        """Several replicas may do this side by side: each row is claimed."""
        while True:
            try:
                while await self.retry_next():
                    pass
            except Transient as fault:
                _log.warning("parking.waits", reason=str(fault))
            except Exception:
                _log.exception("parking.bug", consumer=self._consumer.group)
                await asyncio.sleep(_POLL_SECONDS)
            await self._wakeup.wait(_POLL_SECONDS)

    async def retry_next(self) -> bool:
        """Try the next row whose time has come; False when there is none."""
        async with session(self._pool) as conn:
            if not await has_due(conn, self._consumer.group):
                return False
        async with transaction(self._pool) as conn:
            row = await claim_due(conn, self._consumer.group)
            if row is None:
                return False
            if row["state"] == "skip":
                await self._skip(conn, row)
                return True
            if not BY_NAME[row["topic"]].is_state:
                await self._retry(conn, row, unpack(row, row["value"]))
                return True
        await self._retry_from_log(row)
        return True

    async def _retry_from_log(self, row: Record) -> None:
        """A record of a state topic is asked of the log again: no body of it is kept. No connection is held for that."""
        where = (row["cluster"], row["topic"], row["partition"], row["position"])
        try:
            raw = await read_record(self._access, *where)
        except Transient as fault:
            async with transaction(self._pool) as conn:
                later = fate_of(fault, failures=row["failures"], tries=row["tries"])
                await save_fate(conn, row["id"], replace(later, state=row["state"]))
            return
        async with transaction(self._pool) as conn:
            if await claim(conn, row["id"]) is None:
                return  # another replica was faster
            if raw is None:
                await delete_parked(conn, row["id"])  # compacted away: a newer record of the key came after it
            else:
                await self._retry(conn, row, raw)

    async def _skip(self, conn: Connection, row: Record) -> None:
        """A no-op in its place, in its turn; where the record does not even say what its place is, nothing more."""
        head = Head(row["aggregate"], row["version"], row["event_id"])
        verdict = await pass_over(conn, self._consumer, row["topic"], head)
        fate = fate_of(verdict, failures=row["failures"], tries=row["tries"])
        fate = replace(
            fate, state="skipped" if fate is DONE else "skip", reason=row["reason"], failures=row["failures"]
        )
        await save_fate(conn, row["id"], fate)

    async def _retry(self, conn: Connection, row: Record, raw: Raw) -> None:
        outcome: Outcome
        try:
            record = read(raw)
            with tracing(record.envelope.traceparent):
                async with savepoint(conn):  # the row itself stays claimed when the effect fails
                    outcome = await apply(record, self._consumer, conn, self._deps)
        except Exception as fault:
            if is_bug(fault):
                _log.exception("parking.handler_failed", topic=row["topic"], position=row["position"])
            outcome = fault
        await self._settle(conn, row, raw, fate_of(outcome, failures=row["failures"], tries=row["tries"]))

    async def _settle(self, conn: Connection, row: Record, raw: Raw, fate: Fate) -> None:
        if fate is DONE:
            await delete_parked(conn, row["id"])
            return
        if fate.state == "refused":
            await pass_over(conn, self._consumer, raw.topic, read(raw).envelope)
        await save_fate(conn, row["id"], fate)
        if fate.state == "quarantined":
            await announce(conn, self._consumer, raw, aggregate_of(row), row["version"], fate.reason, self._clock)
        if fate.state in {"quarantined", "refused"}:
            await tell_stuck(conn, self._consumer, raw.topic, aggregate_of(row), self._deps)
