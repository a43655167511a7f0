"""The planner's queue: rows claimed by lease, in database time, so that a job whose process died is taken over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.clock_watch import Wait
from shared.db import Connection, Record
from shared.ids import new_id

CHANNEL = "planning"
LEASE_SECONDS = 20.0
MAX_ATTEMPTS = 3
"""How often a job is begun before it is taken for one that kills its process."""

WAITS = (
    Wait("planning_jobs", "lease_until", timedelta(seconds=LEASE_SECONDS), is_claim=True),
    Wait("planning_jobs", "not_before", timedelta(seconds=1)),
)

_PRIORITY = {"reassign": 0, "place": 1, "cohort": 2}

INSERT_JOB = """
    insert into planning_jobs (job_id, kind, country, cohort_id, visit_id, reason, priority, state, assumptions)
    values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8) returning pg_notify('planning', '')
"""


async def insert_job(
    conn: Connection,
    kind: str,
    country: str,
    *,
    cohort_id: UUID | None,
    visit_id: UUID | None = None,
    reason: str,
    assumptions: Mapping[str, Any] | None = None,
) -> UUID:
    """Queue planning: of a `cohort`, to `reassign` a visit, or to `place` one. Somebody waiting for an answer goes first.

    With `assumptions` a cohort's what-if copy is made, and nothing of the cohort changes.
    """
    job_id = new_id()
    supposed = None if assumptions is None else dict(assumptions)
    await conn.execute(INSERT_JOB, job_id, kind, country, cohort_id, visit_id, reason, _PRIORITY[kind], supposed)
    return job_id


CLAIM_JOB = """
    update planning_jobs set state = 'running', holder = $1, attempts = attempts + 1,
        lease_until = clock_timestamp() + make_interval(secs => $2), started_at = clock_timestamp()
    where job_id = (
        select job_id from planning_jobs
        where state = 'queued' and (not_before is null or not_before <= clock_timestamp())
           or state = 'running' and lease_until < clock_timestamp()
        order by priority, queued_at limit 1 for update skip locked
    )
    returning *
"""
RENEW_LEASE = """
    update planning_jobs set lease_until = clock_timestamp() + make_interval(secs => $3)
    where job_id = $1 and holder = $2 and state = 'running' returning true
"""
LOCK_HELD = "select true from planning_jobs where job_id = $1 and holder = $2 and state = 'running' for update"
MARK_DONE = """
    update planning_jobs set state = 'done', finished_at = clock_timestamp(), lease_until = null where job_id = $1
"""
MARK_FAILED = """
    update planning_jobs set state = 'failed', finished_at = clock_timestamp(), lease_until = null, trouble = $2
    where job_id = $1
"""
PUT_BACK = """
    update planning_jobs set state = 'queued', lease_until = null, holder = null,
        attempts = attempts - $3::integer, not_before = clock_timestamp() + make_interval(secs => $2)
    where job_id = $1 and holder = $4 and state = 'running'
"""


SAVE_PROGRESS = "update planning_jobs set progress = $3 where job_id = $1 and holder = $2 and state = 'running'"
GET_JOB = "select * from planning_jobs where job_id = $1"
SAVE_RESULT = "update planning_jobs set progress = coalesce(progress, '{}') || jsonb_build_object('plan_id', $2::text) where job_id = $1"


async def save_progress(conn: Connection, job_id: UUID, holder: str, progress: Mapping[str, Any]) -> None:
    """How far the planner is, for those who wait."""
    await conn.execute(SAVE_PROGRESS, job_id, holder, dict(progress))


async def save_result(conn: Connection, job_id: UUID, plan_id: UUID) -> None:
    """Which plan a job came to."""
    await conn.execute(SAVE_RESULT, job_id, str(plan_id))


async def get_job(conn: Connection, job_id: UUID) -> Record | None:
    """One job."""
    return await conn.fetchrow(GET_JOB, job_id)


async def claim_job(conn: Connection, holder: str) -> Record | None:
    """The next job that waits, or whose holder fell silent."""
    return await conn.fetchrow(CLAIM_JOB, holder, LEASE_SECONDS)


async def renew_lease(conn: Connection, job_id: UUID, holder: str) -> bool:
    """Still at it; False when somebody else took it over."""
    return bool(await conn.fetchval(RENEW_LEASE, job_id, holder, LEASE_SECONDS))


async def lock_held(conn: Connection, job_id: UUID, holder: str) -> bool:
    """Lock the job; False when it is no longer ours and its result must not be stored."""
    return bool(await conn.fetchval(LOCK_HELD, job_id, holder))


async def mark_done(conn: Connection, job_id: UUID) -> None:
    """Its result is stored in this transaction."""
    await conn.execute(MARK_DONE, job_id)


async def mark_failed(conn: Connection, job_id: UUID, trouble: str) -> None:
    """It cannot be done; nothing of it was stored."""
    await conn.execute(MARK_FAILED, job_id, trouble[:1000])


async def put_back(conn: Connection, job_id: UUID, holder: str, *, seconds: float, counted: bool) -> None:
    """To be begun again after a pause; `counted` when this attempt shall count."""
    await conn.execute(PUT_BACK, job_id, seconds, 0 if counted else 1, holder)


COUNT_WAITING = "select count(*) from planning_jobs where state in ('queued', 'running')"
COUNT_FAILED = "select count(*) from planning_jobs where state = 'failed'"
GET_LATEST = """
    select * from planning_jobs where cohort_id = $1 and kind = 'cohort' and assumptions is null
    order by queued_at desc limit 1
"""
CANCEL_OF_COHORT = """
    update planning_jobs set state = 'done', finished_at = clock_timestamp(), lease_until = null
    where cohort_id = $1 and state in ('queued', 'running')
"""


async def count_waiting(conn: Connection) -> int:
    """Jobs that are queued or being done."""
    count: int = await conn.fetchval(COUNT_WAITING)
    return count


async def get_latest(conn: Connection, cohort_id: UUID) -> Record | None:
    """The newest planning of a whole cohort."""
    return await conn.fetchrow(GET_LATEST, cohort_id)


async def cancel_of_cohort(conn: Connection, cohort_id: UUID) -> None:
    """Nobody needs their results any more."""
    await conn.execute(CANCEL_OF_COHORT, cohort_id)
