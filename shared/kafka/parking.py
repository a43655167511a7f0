"""Parked records are tried again when the watermark moves past their predecessor and, always, at a time of their own."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from shared.clock import Clock
from shared.db import Connection, Pool, Record, savepoint, transaction
from shared.errors import NotKnownYet, Rejected, Transient
from shared.kafka.access import KafkaAccess
from shared.kafka.consumer import Consumer
from shared.kafka.effect import Raw, apply, pass_over, read
from shared.kafka.envelope import Head, Poison
from shared.kafka.guard import FIRST_RETRY, MAX_FAILURES, announce, tell_stuck
from shared.kafka.inbox import Verdict
from shared.kafka.log_reader import read_record
from shared.kafka.parked import aggregate_of, claim, claim_due, delete_parked, save_aside, save_retry, unpack
from shared.kafka.topics import BY_NAME
from shared.telemetry import tracing
from shared.wakeups import Wakeup

_POLL_SECONDS = 1.0
_LONGEST_PAUSE = timedelta(seconds=60)

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
                await self._later(conn, row, row["state"], str(fault), row["failures"])
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
        await self._settled(conn, row, await pass_over(conn, self._consumer, row["topic"], head))

    async def _retry(self, conn: Connection, row: Record, raw: Raw) -> None:
        try:
            record = read(raw)
            with tracing(record.envelope.traceparent):
                async with savepoint(conn):  # the row itself stays claimed when the effect fails
                    verdict = await apply(record, self._consumer, conn, self._deps)
        except Poison as poison:
            await self._quarantine(conn, row, raw, poison.reason, row["failures"])
        except NotKnownYet as unknown:
            await self._later(conn, row, "waiting", f"not known yet: {unknown}", row["failures"])
        except Rejected as refusal:
            await pass_over(conn, self._consumer, raw.topic, record.envelope)
            await save_aside(conn, row["id"], state="refused", reason=refusal.code, failures=row["failures"])
        except Transient as fault:
            await self._later(conn, row, "failing", str(fault), row["failures"])
        except Exception as bug:
            _log.exception("parking.handler_failed", topic=row["topic"], position=row["position"])
            await self._failed(conn, row, raw, bug)
        else:
            await self._settled(conn, row, verdict)

    async def _settled(self, conn: Connection, row: Record, verdict: Verdict) -> None:
        if verdict is Verdict.GAP:
            state = row["state"] if row["state"] == "skip" else "waiting"
            await self._later(conn, row, state, "an earlier fact of its aggregate is missing", row["failures"])
        elif row["state"] == "skip":
            await save_aside(conn, row["id"], state="skipped", reason=row["reason"], failures=row["failures"])
        else:
            await delete_parked(conn, row["id"])

    async def _failed(self, conn: Connection, row: Record, raw: Raw, bug: Exception) -> None:
        failures = row["failures"] + 1
        if failures >= MAX_FAILURES:
            await self._quarantine(conn, row, raw, f"raised {failures} times: {type(bug).__name__}", failures)
        else:
            await self._later(conn, row, "failing", type(bug).__name__, failures)

    async def _later(self, conn: Connection, row: Record, state: str, reason: str, failures: int) -> None:
        pause = min(FIRST_RETRY * 2 ** min(row["tries"], 10), _LONGEST_PAUSE)
        kept = row["reason"] if state == "skip" else reason
        await save_retry(conn, row["id"], state=state, reason=kept, failures=failures, next_in=pause)

    async def _quarantine(self, conn: Connection, row: Record, raw: Raw, reason: str, failures: int) -> None:
        await save_aside(conn, row["id"], state="quarantined", reason=reason, failures=failures)
        await announce(conn, self._consumer, raw, aggregate_of(row), row["version"], reason, self._clock)
        await tell_stuck(conn, self._consumer, raw.topic, aggregate_of(row), self._deps)
