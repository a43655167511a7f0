"""APScheduler 3 with its PostgreSQL job store: one-shot jobs that only count."""

from __future__ import annotations

import asyncio
import pickle
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from tests.benchmarks.stage import Stage

_done: list[float] = []


async def count() -> None:
    """The job: found again by its name in this module, as the store keeps it."""
    _done.append(time.perf_counter())


async def backlog(stage: Stage, pending: int, due: int) -> float:
    """Seconds in which `due` jobs are run while the others wait."""
    dsn = stage.bare_database()
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        jobstores={"default": SQLAlchemyJobStore(url=dsn.replace("postgresql://", "postgresql+psycopg://"))},
        executors={"default": AsyncIOExecutor()},
        job_defaults={"misfire_grace_time": None, "coalesce": True},
    )
    scheduler.start(paused=True)
    try:
        await asyncio.to_thread(_fill, dsn, scheduler, pending, due)
        stage.tidy()
        _done.clear()
        start = time.perf_counter()
        scheduler.resume()
        while len(_done) < due:
            await asyncio.sleep(0.01)
        return _done[-1] - start
    finally:
        scheduler.shutdown(wait=False)


def _fill(dsn: str, scheduler: Any, pending: int, due: int) -> None:
    """What `add_job` would store, by COPY: adding them one by one would take minutes."""
    now = datetime.now(UTC)
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        with cursor.copy("copy apscheduler_jobs (id, next_run_time, job_state) from stdin") as copy:
            for number in range(pending):
                at = now - timedelta(hours=1) if number < due else now + timedelta(days=1, seconds=number)
                job = Job(
                    scheduler,
                    id=str(number),
                    func=f"{__name__}:count",
                    args=(),
                    kwargs={},
                    name="count",
                    trigger=DateTrigger(at, "UTC"),
                    executor="default",
                    misfire_grace_time=None,
                    coalesce=True,
                    max_instances=1,
                    next_run_time=at,
                )
                copy.write_row((str(number), at.timestamp(), pickle.dumps(job.__getstate__(), 5)))
