"""procrastinate with eight jobs at a time, which only count."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import procrastinate
import psycopg

from tests.benchmarks.stage import Stage

_FILL = """
    insert into procrastinate_jobs (queue_name, task_name, args, scheduled_at, status)
    select 'default', 'count', '{}', %s::timestamptz, 'todo' from generate_series(1, %s)
"""


async def backlog(stage: Stage, pending: int, due: int) -> float:
    """Seconds in which `due` jobs are done while the others wait."""
    dsn = stage.bare_database()
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=4, max_size=10))
    done: list[float] = []

    @app.task(name="count")
    async def count() -> None:
        done.append(time.perf_counter())

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        now = datetime.now(UTC)
        await asyncio.to_thread(_fill, dsn, now, pending - due, due)
        stage.tidy()
        start = time.perf_counter()
        worker = asyncio.create_task(app.run_worker_async(concurrency=8, install_signal_handlers=False))
        while len(done) < due:
            await asyncio.sleep(0.01)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        return done[-1] - start


def _fill(dsn: str, now: datetime, pending: int, due: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(_FILL, (now - timedelta(hours=1), due))
        connection.execute(_FILL, (now + timedelta(days=1), pending))
        connection.execute("analyze procrastinate_jobs")
