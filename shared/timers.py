"""Deadlines are rows: armed in the transaction that makes them necessary, fired in the one that holds their effect.

Firing locks the *aggregates* first, in the order of their ids, then deletes the timers that are still of
the generation that was read: aggregate before timer everywhere, so an acknowledgement and its deadline
cannot deadlock, and whoever commits first wins. A batch that fails is halved until the bad one stands alone.
What falls due in the next moments is read ahead, so that only its firing stands between its time and its effect; the
generation says whether it still stands.
"""

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.db import Connection, Pool, Record, session, transaction
from shared.errors import Transient
from shared.wakeups import Wakeup

_BATCH = 500
_ONE_BY_ONE = 50
"""So many effects that come one after the other share a transaction: whoever answers a case meanwhile waits for it."""
_POLL_SECONDS = 1.0
_AHEAD = timedelta(seconds=2)
_MOST_AHEAD = 2000
_LOCKED_ELSEWHERE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 300.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline whose time has come. `due_at` may lie long before `now` after an outage."""

    kind: str
    aggregate: UUID
    generation: int
    due_at: datetime


Fire = Callable[..., Awaitable[None]]
"""`async def on_due(due, *, now, conn, deps)`: the effect, in the transaction that deletes the timer."""

FireTogether = Callable[..., Awaitable[None]]
"""`async def on_all_due(dues, *, now, conn, deps)`: the effects of several, in the order of their times."""


@dataclass(frozen=True, slots=True)
class TimerKind:
    """One kind of deadline. `table` and `key` name the aggregate's row, which is locked before the timer."""

    name: str
    table: str
    key: str
    fire: Fire
    on_failure: Fire | None = None
    """A smaller effect, in a transaction of its own, when `fire` raised: for deadlines that must not go quiet."""
    fire_together: FireTogether | None = None
    """The same effect for a whole batch, for kinds that come by the thousand: a statement for all, not one for each.
    When it raises, the batch is halved, and what stands alone is fired by `fire`."""

    @property
    def lock_sql(self) -> str:
        """Locks the aggregates that nobody else holds, in the order of their ids."""
        return (
            f"select {self.key} from {self.table} where {self.key} = any($1::uuid[]) "
            f"order by {self.key} for update skip locked"
        )

    @property
    def exists_sql(self) -> str:
        """Which of the aggregates exist: a deadline without one is a defect that must not spin."""
        return f"select {self.key} from {self.table} where {self.key} = any($1::uuid[])"


ARM = """
    insert into timers (kind, aggregate, generation, due_at, armed_at)
    values ($1, $2, nextval('timer_generation'), $3, $4)
    on conflict (kind, aggregate) do update
    set generation = excluded.generation, due_at = excluded.due_at, armed_at = excluded.armed_at,
        failures = 0, retry_at = null
    returning pg_notify('timers', floor(extract(epoch from due_at))::text)
"""
DISARM = "delete from timers where kind = $1 and aggregate = $2"


async def arm(conn: Connection, kind: str, aggregate: UUID, due_at: datetime, *, now: datetime) -> None:
    """Set the one deadline of this kind for an aggregate whose row is locked; an earlier one is replaced."""
    await conn.execute(ARM, kind, aggregate, due_at, now)


async def disarm(conn: Connection, kind: str, aggregate: UUID) -> None:
    """What it waited for has happened. The aggregate's row is locked."""
    await conn.execute(DISARM, kind, aggregate)


READ_DUE = """
    select kind, aggregate, generation, due_at from timers
    where due_at <= $1 and (retry_at is null or retry_at <= clock_timestamp()) and kind = any($2::text[])
      and not on_hold()
    order by due_at, kind, aggregate limit $3
"""
READ_AHEAD = """
    select kind, aggregate, generation, due_at from timers
    where due_at > $1 and due_at <= $2 and retry_at is null and kind = any($3::text[]) and not on_hold()
    order by due_at, kind, aggregate limit $4
"""
NEXT_DUE = "select min(due_at) from timers where kind = any($1::text[]) and retry_at is null and not on_hold()"
TAKE = """
    delete from timers t using unnest($2::uuid[], $3::bigint[]) as read (aggregate, generation)
    where t.kind = $1 and t.aggregate = read.aggregate and t.generation = read.generation and t.due_at <= $4
      and (t.retry_at is null or t.retry_at <= clock_timestamp()) and not (select on_hold())
    returning t.kind, t.aggregate, t.generation, t.due_at
"""
FAILED = """
    update timers set failures = failures + 1,
           retry_at = clock_timestamp() + make_interval(secs => least($4, power(2, least(failures, 10))))
    where kind = $1 and aggregate = $2 and generation = $3
    returning true
"""
COUNT_DUE = "select count(*) from timers where due_at <= $1 and kind = any($2::text[]) and not on_hold()"
LIST_TIMERS = "select * from timers order by due_at limit $1"


async def count_due(conn: Connection, kinds: Sequence[str], now: datetime) -> int:
    """How many deadlines have come and not been acted upon; after a restore none, until they are released."""
    count: int = await conn.fetchval(COUNT_DUE, now, kinds)
    return count


FIRST_DUE = "select min(due_at) from timers where kind = any($1::text[]) and not on_hold()"


async def next_due(conn: Connection, kinds: Sequence[str]) -> datetime | None:
    """The earliest armed deadline, in business time."""
    due_at: datetime | None = await conn.fetchval(FIRST_DUE, kinds)
    return due_at


async def list_timers(conn: Connection, limit: int = 200) -> list[Record]:
    """Armed deadlines, the next one first."""
    rows: list[Record] = await conn.fetch(LIST_TIMERS, limit)
    return rows


class TimerRunner:
    """Fires the deadlines of one service until cancelled; several replicas may run side by side."""

    def __init__(self, kinds: Sequence[TimerKind], pool: Pool, clock: Clock, deps: Any, wakeup: Wakeup) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._pool = pool
        self._clock = clock
        self._deps = deps
        self._wakeup = wakeup
        self._wakeup.concerns = self._comes_first
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
            rows = await conn.fetch(READ_AHEAD, now, now + _AHEAD, self.kinds, _MOST_AHEAD)
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
        now = self._clock.now()
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
            size = _ONE_BY_ONE if kind.fire_together is None else len(of_kind)
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
            if kind.fire_together is not None and len(dues) > 1:
                await kind.fire_together(dues, now=now, conn=conn, deps=self._deps)
            else:
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
            stands = await conn.fetchval(FAILED, kind.name, due.aggregate, due.generation, _LONGEST_PAUSE_SECONDS)
        if stands and fault is not None and kind.on_failure is not None:
            try:
                async with transaction(self._pool) as conn:
                    # Under the aggregate's lock, like every effect; one that is locked is being acted upon.
                    if await conn.fetch(kind.lock_sql, [due.aggregate]):
                        await kind.on_failure(due, now=self._clock.now(), conn=conn, deps=self._deps)
            except Exception:
                _log.exception("timers.on_failure_failed", kind=kind.name, aggregate=str(due.aggregate))
        return 1
