"""Deadlines are fired: once, never early, whoever else is at work, each with its effect in one transaction.

Firing locks the *aggregates* first, in the order of their ids, then deletes the timers that are still of
the generation that was read: aggregate before timer everywhere, so an acknowledgement and its deadline
cannot deadlock, and whoever commits first wins. A batch that fails is halved until the bad one stands alone.
What falls due in the next moments is read ahead, so that only its firing stands between its time and its effect; the
generation says whether it still stands.
"""

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from shared.clock import Clock
from shared.db import Pool, session, transaction
from shared.errors import Transient
from shared.timers import FAILED, NEXT_DUE, READ_AHEAD, READ_DUE, TAKE, Due, TimerKind
from shared.wakeups import Wakeup

_BATCH = 500
_ONE_BY_ONE = 50
"""So many effects that come one after the other share a transaction: whoever answers a case meanwhile waits for it."""
_POLL_SECONDS = 1.0
_AHEAD = timedelta(seconds=2)
_MOST_AHEAD = 2000
_LOCKED_ELSEWHERE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 300.0

_log = structlog.get_logger(__name__)


class TimerRunner:
    """Fires the deadlines of one service until cancelled; several replicas may run side by side."""

    def __init__(self, kinds: Sequence[TimerKind], pool: Pool, clock: Clock, deps: Any, wakeup: Wakeup) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._pool = pool
        self._clock = clock
        self._deps = deps
        self._wakeup = wakeup
        self._wakeup.concerns = self._comes_first
        self._looked_up_to = clock.now()
        self.waits_for: datetime | None = None
        """The next deadline that it knows of, in business time; None while it looks, or when it knows of none."""
        self.fired = 0
        """Deadlines whose effects this process committed; only grows."""

    @property
    def kinds(self) -> list[str]:
        """The names of the kinds it fires."""
        return list(self._kinds)

    async def run(self) -> None:
        """Look ahead, sleep until the next deadline in business time, fire."""
        while True:
            try:
                if await self.fire_due():
                    continue
                await self._fire_as_they_fall_due()
            except Transient as fault:
                _log.warning("timers.wait", reason=str(fault))
                await asyncio.sleep(_POLL_SECONDS)
            except Exception:
                _log.exception("timers.bug")
                await asyncio.sleep(_POLL_SECONDS)

    async def _fire_as_they_fall_due(self) -> None:
        """Until woken by a new deadline, or for a poll's length of machine time; then it is all looked at again."""
        machine_time = asyncio.get_running_loop().time
        until = machine_time() + _POLL_SECONDS
        now = self._clock.now()
        async with session(self._pool) as conn:
            # From where the last look ended: what fell due since then would else wait for the next one.
            since = min(self._looked_up_to, now)
            rows = await conn.fetch(READ_AHEAD, since, now + _AHEAD, self.kinds, _MOST_AHEAD)
            upcoming = rows[0]["due_at"] if rows else await conn.fetchval(NEXT_DUE, self.kinds)
        ahead = [Due(**dict(row)) for row in rows]
        self.waits_for = upcoming
        while not await self._sleep(upcoming, until - machine_time()):
            count = bisect_right(ahead, self._clock.now(), key=lambda due: due.due_at)
            if not count or await self._fire(ahead[:count]) < count:
                return  # further ahead than was read, or not ours to fire: look again
            ahead = ahead[count:]
            if not ahead or machine_time() > until:
                return
            upcoming = ahead[0].due_at

    def _comes_first(self, payload: str) -> bool:
        """Whether a deadline that was armed (Unix seconds) is before what is waited for, or too near for the next look."""
        due_at = datetime.fromtimestamp(float(payload), UTC)
        return self.waits_for is None or due_at < self.waits_for or due_at <= self._clock.now() + _AHEAD

    async def _sleep(self, upcoming: datetime | None, longest: float) -> bool:
        """Until `upcoming` in business time; True when woken before it, or when machine time ran out."""
        woken = asyncio.ensure_future(self._wakeup.wait(max(0.0, longest)))
        waiting: set[asyncio.Future[Any]] = {woken}
        if upcoming is not None:
            waiting.add(asyncio.ensure_future(self._clock.sleep_until(upcoming)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return woken.done()
        finally:
            for future in waiting:
                future.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def fire_due(self) -> int:
        """Fire one batch of what is due now; returns how many were acted upon (fired or set back after a failure)."""
        self.waits_for = None
        self._looked_up_to = now = self._clock.now()
        async with session(self._pool) as conn:
            rows = await conn.fetch(READ_DUE, now, self.kinds, _BATCH)
        if not rows:
            return 0
        acted = await self._fire([Due(**dict(row)) for row in rows])
        if not acted:
            await asyncio.sleep(_LOCKED_ELSEWHERE_SECONDS)
        return acted

    async def _fire(self, dues: Sequence[Due]) -> int:
        acted = 0
        for name in dict.fromkeys(due.kind for due in dues):
            kind, of_kind = self._kinds[name], [due for due in dues if due.kind == name]
            size = _ONE_BY_ONE if kind.fire_together is None else _BATCH
            for first in range(0, len(of_kind), size):
                acted += await self._fire_batch(kind, of_kind[first : first + size])
        return acted

    async def _fire_batch(self, kind: TimerKind, batch: Sequence[Due]) -> int:
        try:
            fired, orphans = await self._commit(kind, batch)
        except Transient:
            raise
        except Exception:
            if len(batch) == 1:
                return await self._set_back(kind, batch[0], sys.exc_info()[1])
            half = len(batch) // 2
            return await self._fire_batch(kind, batch[:half]) + await self._fire_batch(kind, batch[half:])
        self.fired += fired
        for due in orphans:
            await self._set_back(kind, due, None)
        return fired

    async def _commit(self, kind: TimerKind, batch: Sequence[Due]) -> tuple[int, list[Due]]:
        """How many were fired, and deadlines of aggregates that do not exist; locked ones are left for later."""
        now = self._clock.now()  # again: it may have been set back since the deadlines were read
        async with transaction(self._pool) as conn:
            aggregates = sorted({due.aggregate for due in batch})
            locked = {row[0] for row in await conn.fetch(kind.lock_sql, aggregates)}
            mine = [due for due in batch if due.aggregate in locked]
            taken = await conn.fetch(
                TAKE, kind.name, [due.aggregate for due in mine], [due.generation for due in mine], now
            )
            dues = sorted((Due(**dict(row)) for row in taken), key=lambda due: (due.due_at, due.aggregate))
            if kind.fire_together is not None and dues:
                await kind.fire_together(dues, now=now, conn=conn, deps=self._deps)
            elif kind.fire is not None:
                for due in dues:
                    await kind.fire(due, now=now, conn=conn, deps=self._deps)
            if len(locked) == len(aggregates):
                return len(taken), []
            there = {row[0] for row in await conn.fetch(kind.exists_sql, aggregates)}
            return len(taken), [due for due in batch if due.aggregate not in there]

    async def _set_back(self, kind: TimerKind, due: Due, fault: BaseException | None) -> int:
        """Try again after a pause of machine time; meanwhile the smaller effect, if the deadline still stands."""
        reason = "its aggregate does not exist" if fault is None else type(fault).__name__
        _log.error("timers.fire_failed", kind=kind.name, aggregate=str(due.aggregate), reason=reason, exc_info=fault)
        async with transaction(self._pool) as conn:
            stands = await conn.fetchval(FAILED, kind.name, due.aggregate, due.generation, LONGEST_PAUSE_SECONDS)
        if stands and fault is not None and kind.on_failure is not None:
            try:
                async with transaction(self._pool) as conn:
                    # Under the aggregate's lock, like every effect; one that is locked is being acted upon.
                    if await conn.fetch(kind.lock_sql, [due.aggregate]):
                        await kind.on_failure(due, now=self._clock.now(), conn=conn, deps=self._deps)
            except Exception:
                _log.exception("timers.on_failure_failed", kind=kind.name, aggregate=str(due.aggregate))
        return 1
