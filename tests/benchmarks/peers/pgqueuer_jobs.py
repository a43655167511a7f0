"""pgqueuer, tuned: asyncpg pool, batches of 500, jobs that only count."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
from pgqueuer.applications import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from tests.benchmarks.stage import Stage

_BATCH = 500
_ASK_EVERY = timedelta(milliseconds=20)
_AHEAD_SECONDS = 3.0
_INSERT = """
    insert into pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint, payload)
    select 0, now(), now(), now(), $2::timestamptz + $3::interval * n, 'queued', 'bench', null
    from generate_series(1, $1::int) n
"""


async def backlog(stage: Stage, pending: int, due: int) -> float:
    """Seconds in which `due` jobs are done while the others wait."""
    now = datetime.now(UTC)
    done, times, start = await _run(stage, pending - due, (due, now - timedelta(hours=1), timedelta(0)))
    assert done == due
    return times[-1].timestamp() - start


async def steady(stage: Stage, pending: int, count: int, each_second: int) -> list[float]:
    """Seconds by which each was late."""
    first = datetime.now(UTC) + timedelta(seconds=_AHEAD_SECONDS + 4)
    _, times, _ = await _run(stage, pending, (count, first, timedelta(seconds=1 / each_second)))
    dues = [first + timedelta(seconds=1 / each_second) * number for number in range(1, count + 1)]
    return [(at - due).total_seconds() for at, due in zip(sorted(times), dues, strict=True)]


async def _run(stage: Stage, pending: int, due: tuple[int, datetime, timedelta]) -> tuple[int, list[datetime], float]:
    pool = await asyncpg.create_pool(stage.bare_database(), min_size=4, max_size=6)
    try:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        later = datetime.now(UTC) + timedelta(days=1)
        await pool.execute(_INSERT, pending, later, timedelta(seconds=1), timeout=300)
        await pool.execute(_INSERT, *due, timeout=300)
        await pool.execute("analyze pgqueuer", timeout=60)
        stage.tidy()
        worker = PgQueuer.from_asyncpg_pool(pool)
        times: list[datetime] = []

        @worker.entrypoint("bench")
        async def count(job: Job) -> None:
            times.append(datetime.now(UTC))
            if len(times) == due[0]:
                worker.shutdown.set()

        start = time.time()
        running = asyncio.ensure_future(worker.run(dequeue_timeout=_ASK_EVERY, batch_size=_BATCH))
        await asyncio.wait({running}, timeout=120)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return len(times), times, start
    finally:
        pool.terminate()
