"""The database's clock may be set back: what was to wait for seconds must not wait for an hour then.

Claims, leases and pauses are instants of that clock. When it is set back, by whoever puts it right, all of them lie too
far ahead: a relay's lease whose holder died would stop a lane, a fact that waits for another one would go on waiting.
No instant lies further ahead than its pause is long, so those that do are told at once, and are moved.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.db import Connection, Pool, session
from shared.errors import Transient
from shared.kafka.fate import LONGEST_PAUSE
from shared.kafka.relay import LEASE_SECONDS
from shared.timer_runner import LONGEST_PAUSE_SECONDS

_LOOK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wait:
    """A column of instants, and how far ahead of the database's clock they may lie.

    A pause that lies further is over. A claim belongs to somebody who may be at work: it lasts as long as a new one.
    `only` is a condition on the row.
    """

    table: str
    column: str
    longest: timedelta
    is_claim: bool = False
    only: str = "true"

    @property
    def statement(self) -> str:
        """Moves what lies too far ahead."""
        furthest = f"clock_timestamp() + interval '{self.longest.total_seconds()} s'"
        then = furthest if self.is_claim else "clock_timestamp()"
        return f"update {self.table} set {self.column} = {then} where {self.column} > {furthest} and {self.only}"


KIT_WAITS = (
    Wait("leases", "until", timedelta(seconds=LEASE_SECONDS), is_claim=True),
    Wait("parked", "next_at", LONGEST_PAUSE),
    Wait("timers", "retry_at", timedelta(seconds=LONGEST_PAUSE_SECONDS)),
)


async def shorten(conn: Connection, waits: Sequence[Wait]) -> int:
    """Move what lies too far ahead; returns how much that was."""
    moved = 0
    for wait in waits:
        status = await conn.execute(wait.statement)
        moved += int(status.rpartition(" ")[2])
    return moved


class ClockWatch:
    """Looks at the database's clock every five seconds, and at what lies too far ahead when it was set back.

    And once at the start: the clock may have been set back while nobody looked.
    """

    def __init__(self, pool: Pool, waits: Sequence[Wait]) -> None:
        self._pool = pool
        self._waits = waits
        self.seen: datetime | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except Transient as fault:
                _log.warning("clock.wait", reason=str(fault))
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Raises `Transient`; then the next look sees the same."""
        async with session(self._pool) as conn:
            now: datetime = await conn.fetchval("select clock_timestamp()")
            if self.seen is None or now < self.seen:
                moved = await shorten(conn, self._waits)
                if moved:
                    _log.warning("clock.set_back", moved=moved)
            self.seen = now
