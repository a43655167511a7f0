"""Deadlines: a backlog, a steady stream, and a million that are not due, against what others would use.

Ours commits an effect with each deadline. The peers' handlers only count: what their effects would cost is not on their
account. Every side has the same number pending, in a database of its own, and none is due but those that are timed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import RealClock
from shared.db import Connection, Pool, open_pool
from shared.timer_runner import TimerRunner
from shared.timers import Due, TimerKind
from shared.wakeups import Wakeups
from tests.benchmarks.figures import Row, at_least, at_most, ratio_at_least, ratio_at_most, spread
from tests.benchmarks.peers import apscheduler_jobs, pgqueuer_jobs, procrastinate_jobs
from tests.benchmarks.stage import Stage

_ROUNDS = 3
_STEADY_SECONDS = 10
_EACH_SECOND = 500
_AHEAD_SECONDS = 3.0

TABLES = """
    create table bench_visits (visit_id uuid primary key, fired integer not null default 0);
    grant select, insert, update on bench_visits to public;
"""
PENDING = """
    with made as (
        insert into bench_visits (visit_id) select gen_random_uuid() from generate_series(1, $1::int) returning visit_id
    )
    insert into timers (kind, aggregate, generation, due_at, armed_at)
    select 'bench', visit_id, nextval('timer_generation'), $2::timestamptz + $3::interval * (row_number() over ()), now() from made
"""
FIRE = "update bench_visits set fired = fired + 1 where visit_id = $1"
FIRE_TOGETHER = "update bench_visits set fired = fired + 1 where visit_id = any($1::uuid[])"
FIRED = "select count(*) filter (where fired = 1), count(*) filter (where fired > 1) from bench_visits"
BY_HAND = """
    with due as (
        select kind, aggregate from timers where due_at <= $1 order by due_at limit 500 for update skip locked
    ), gone as (
        delete from timers t using due where t.kind = due.kind and t.aggregate = due.aggregate returning t.aggregate
    )
    update bench_visits set fired = fired + 1 from gone where visit_id = gone.aggregate
"""


async def fire(due: Due, *, now: datetime, conn: Connection, deps: Any) -> None:
    """The effect of one deadline: one statement."""
    await conn.execute(FIRE, due.aggregate)


async def fire_together(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Any) -> None:
    """The effects of a batch: one statement, as `services/*/timers.py` have it."""
    await conn.execute(FIRE_TOGETHER, [due.aggregate for due in dues])


async def measure_backlog(stage: Stage, size: int) -> list[Row]:
    """A tenth of `size` pending deadlines are due at once."""
    due = size // 10
    ours, each, by_hand = [], [], []
    for _ in range(_ROUNDS):
        by_hand.append(due / await _backlog_by_hand(stage, size, due))
        ours.append(due / await backlog(stage, size, due))
        each.append(due / await backlog(stage, size, due, together=False))
    pgqueuer = [due / await pgqueuer_jobs.backlog(stage, size, due) for _ in range(_ROUNDS - 1)]
    apscheduler = (few := due // 5) / await apscheduler_jobs.backlog(stage, size, few)
    procrastinate = (fewer := due // 30) / await procrastinate_jobs.backlog(stage, size, fewer)
    middle = statistics.median(ours)
    job = f"timers: {due:,} due of {size:,}"
    return [
        Row(job, "fired/s", middle, "", None, at_least(10_000)),
        Row(job, "fired/s", middle, "pgqueuer, tuned", statistics.median(pgqueuer), ratio_at_least(2)),
        Row(job, "fired/s", middle, "APScheduler, PostgreSQL job store", apscheduler, ratio_at_least(15)),
        Row(job, "fired/s", middle, "procrastinate", procrastinate),
        Row(job, "fired/s", middle, "by hand, batches of 500", statistics.median(by_hand)),
        Row(job, "fired/s", middle, "ours, a statement for each effect", statistics.median(each)),
    ]


async def measure_million(stage: Stage, size: int) -> list[Row]:
    """The same number due, once of `size` pending and once of a tenth of them: those that wait must cost nothing."""
    due = size // 100
    many = [await backlog(stage, size, due) for _ in range(2)]
    few = [await backlog(stage, size // 10, due) for _ in range(2)]
    return [
        Row(
            f"timers: {due:,} due of {size:,}",
            "ms",
            1000 * min(many),
            f"ours, of {size // 10:,}",
            1000 * min(few),
            ratio_at_most(1.3),
        )
    ]


async def measure_steady(stage: Stage, size: int) -> list[Row]:
    """500 fall due each second for ten seconds, `size` are pending; late is counted after the effect's commit."""
    late, early, doubled = await _steady_ours(stage, size)
    theirs = spread(await pgqueuer_jobs.steady(stage, size, _STEADY_SECONDS * _EACH_SECOND, _EACH_SECOND))
    ours = spread(late)
    job = f"timers: {_EACH_SECOND} due each second of {size:,}"
    return [
        Row(f"{job}, p50", "ms late", ours.p50, "pgqueuer, tuned", theirs.p50),
        Row(f"{job}, p99", "ms late", ours.p99, "pgqueuer, tuned", theirs.p99),
        Row(f"{job}, p99", "ms late", ours.p99, "", None, at_most(20)),
        Row(f"{job}, early", "deadlines", early, "", None, at_most(0)),
        Row(f"{job}, doubled", "deadlines", doubled, "", None, at_most(0)),
    ]


async def backlog(stage: Stage, pending: int, due: int, *, together: bool = True) -> float:
    """Seconds in which what is due is fired with its effects."""
    urls = stage.database("visits", TABLES)
    pool = await open_pool(urls.run, size=6, name="bench")
    try:
        await _arm(pool, pending - due, due)
        stage.tidy(urls)
        runner = _runner(pool, Wakeups(""), together=together)
        start = time.perf_counter()
        while await runner.fire_due():
            pass
        seconds = time.perf_counter() - start
        once, doubled = await pool.fetchrow(FIRED)
        assert (once, doubled, runner.fired) == (due, 0, due), (once, doubled, runner.fired)
        return seconds
    finally:
        pool.terminate()


async def _backlog_by_hand(stage: Stage, pending: int, due: int) -> float:
    urls = stage.database("visits", TABLES)
    pool = await open_pool(urls.run, size=2, name="bench")
    try:
        await _arm(pool, pending - due, due)
        stage.tidy(urls)
        start = time.perf_counter()
        while (await pool.execute(BY_HAND, datetime.now(UTC))) != "UPDATE 0":
            pass
        return time.perf_counter() - start
    finally:
        pool.terminate()


async def _arm(pool: Pool, pending: int, due: int) -> None:
    now = datetime.now(UTC)
    await pool.execute(PENDING, pending, now + timedelta(days=1), timedelta(seconds=1), timeout=300)
    await pool.execute(PENDING, due, now - timedelta(hours=1), timedelta(milliseconds=1), timeout=300)


def _runner(pool: Pool, wakeups: Wakeups, *, together: bool = True) -> _Watched:
    effect: dict[str, Any] = {"fire_together": fire_together} if together else {"fire": fire}
    kind = TimerKind("bench", "bench_visits", "visit_id", **effect)
    return _Watched([kind], pool, RealClock(), None, wakeups.on("timers"))


class _Watched(TimerRunner):
    """Notes when the effects of a batch were committed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.late: list[float] = []

    async def _commit(self, kind: TimerKind, batch: Sequence[Due]) -> tuple[int, list[Due]]:
        done = await super()._commit(kind, batch)
        now = datetime.now(UTC)
        self.late += [(now - due.due_at).total_seconds() for due in batch]
        return done


async def _steady_ours(stage: Stage, size: int) -> tuple[list[float], int, int]:
    urls = stage.database("visits", TABLES)
    pool = await open_pool(urls.run, size=6, name="bench")
    wakeups = Wakeups(urls.run)
    try:
        await _arm(pool, size, 0)
        stage.tidy(urls)
        runner = _runner(pool, wakeups)
        tasks = [asyncio.create_task(runner.run()), asyncio.create_task(wakeups.run())]
        first = datetime.now(UTC) + timedelta(seconds=_AHEAD_SECONDS)
        goal = _STEADY_SECONDS * _EACH_SECOND
        await pool.execute(PENDING, goal, first, timedelta(seconds=1 / _EACH_SECOND), timeout=60)
        patience = time.monotonic() + _AHEAD_SECONDS + _STEADY_SECONDS + 60
        while runner.fired < goal and time.monotonic() < patience:
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        once, doubled = await pool.fetchrow(FIRED)
        assert once + doubled == goal, f"{once} of {goal} fired"
        return runner.late, sum(late < 0 for late in runner.late), doubled
    finally:
        pool.terminate()
