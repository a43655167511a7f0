"""What an operator watches: measured every few seconds, shown at `/metrics`, named by the alerts of deploy/prometheus.

Ages rather than counts: a thousand records that flow are no trouble, one that has stood for ten minutes is.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog

from shared import telemetry
from shared.db import Connection, transaction
from shared.kafka.lateness import Lateness
from shared.kafka.topics import topics_of
from shared.lives import get_life

if TYPE_CHECKING:
    from shared.assembly import Running

_EVERY_SECONDS = 10.0
_STATES = ("waiting", "failing", "quarantined", "refused")

_log = structlog.get_logger(__name__)

UNPROCESSED = telemetry.gauge(
    "gemba_oldest_unprocessed_seconds",
    "Age of the oldest record on the log that a consumer group has not settled.",
    ("group",),
)
UNPUBLISHED = telemetry.gauge(
    "gemba_oldest_unpublished_seconds",
    "Age of the oldest fact in the outbox that the broker has not acknowledged.",
    ("lane",),
)
SET_ASIDE = telemetry.gauge("gemba_records_set_aside", "Records that are parked, by state.", ("state",))
OVERDUE = telemetry.gauge(
    "gemba_oldest_overdue_deadline_seconds", "How long the oldest due deadline waits, in business time."
)
WAITING = telemetry.gauge("gemba_waiting", "What waits and is due now, by kind.", ("what",))
TROUBLE = telemetry.gauge("gemba_log_trouble", "1 while nothing is published or consumed; /readyz says why.")
DATABASE = telemetry.gauge("gemba_database_answers", "1 while the database answers, 0 while it does not.")
ON_HOLD = telemetry.gauge("gemba_on_hold", "1 while deadlines and messages stand still after a restore.")
MEASURED = telemetry.gauge(
    "gemba_measured_timestamp_seconds", "When these were measured: an old one means nothing is known."
)

OLDEST_PENDING = """
    select p.lane, min(o.occurred_at) from outbox_pending p join outbox o using (seq)
    where p.seq in (select min(seq) from outbox_pending group by lane) group by p.lane
"""
OLDEST_DUE = "select min(due_at) from timers where due_at <= $1 and not on_hold()"
COUNT_ASIDE = "select state, count(*) from parked group by state"


class Gauges:
    """Measures one service in one process until cancelled."""

    def __init__(self, service: "Running", groups: list[str]) -> None:
        self._service = service
        self._groups = groups

    async def run(self) -> None:
        """Each group and the database by themselves: what one of them does not answer must not hide the others."""
        async with asyncio.TaskGroup() as looking:
            looking.create_task(self._watch_database())
            for group in self._groups:
                looking.create_task(self._watch_group(group))

    async def _watch_database(self) -> None:
        while True:
            try:
                async with transaction(self._service.pool) as conn:
                    await self._measure(conn)
                DATABASE.set(1)
            except Exception as fault:
                DATABASE.set(0)
                _log.warning("gauges.database", fault=type(fault).__name__)
            MEASURED.set_to_current_time()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _measure(self, conn: Connection) -> None:
        service = self._service
        now = service.clock.now()
        oldest = {row[0]: (now - row[1]).total_seconds() for row in await conn.fetch(OLDEST_PENDING)}
        for lane in ("general", "zero_tolerance", "state"):
            UNPUBLISHED.labels(lane).set(max(0.0, oldest.get(lane, 0.0)))
        aside = {row[0]: row[1] for row in await conn.fetch(COUNT_ASIDE)}
        for state in _STATES:
            SET_ASIDE.labels(state).set(aside.get(state, 0))
        due = await conn.fetchval(OLDEST_DUE, now)
        OVERDUE.set((now - due).total_seconds() if due else 0.0)
        ON_HOLD.set(int((await get_life(conn)).on_hold))
        TROUBLE.set(int(bool(service.trouble or any(relay.trouble for relay in service.relays))))
        assert service.parts is not None
        if service.parts.waiting:
            for what, count in (await service.parts.waiting(conn)).items():
                WAITING.labels(what).set(count)

    async def _watch_group(self, group: str) -> None:
        while True:
            with contextlib.suppress(Exception):  # the broker is away: the age that was known stands, and grows stale
                async with Lateness(self._service.access, group, topics_of(group)) as lateness:
                    while True:
                        UNPROCESSED.labels(group).set(await lateness.seconds())
                        await asyncio.sleep(_EVERY_SECONDS)
            await asyncio.sleep(_EVERY_SECONDS)
