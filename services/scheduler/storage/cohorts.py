"""Cohorts and the enterprises in them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from shared.db import Connection, Record

INSERT_COHORT = """
    insert into cohorts (cohort_id, name, country, zone, module, delivery_plan_id, trainer_keys, first_day, last_day,
                         state, created_by, request_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'planning', $10, $11, $12)
"""
INSERT_MEMBERS = """
    insert into cohort_enterprises (cohort_id, enterprise_id, position, module)
    select $1, one.id, one.place, $3 from unnest($2::uuid[]) with ordinality as one (id, place)
"""


async def insert_cohort(
    conn: Connection,
    *,
    cohort_id: UUID,
    name: str,
    country: str,
    zone: str,
    module: str,
    delivery_plan_id: UUID,
    enterprise_ids: Sequence[UUID],
    trainer_keys: list[str] | None,
    first_day: date,
    last_day: date,
    created_by: UUID | None,
    request_id: UUID | None,
    now: datetime,
) -> None:
    """A new cohort. Raises `UniqueViolationError` when an enterprise is in an open cohort of the module already."""
    await conn.execute(
        INSERT_COHORT,
        cohort_id,
        name,
        country,
        zone,
        module,
        delivery_plan_id,
        trainer_keys,
        first_day,
        last_day,
        created_by,
        request_id,
        now,
    )
    await conn.execute(INSERT_MEMBERS, cohort_id, list(enterprise_ids), module)


GET_COHORT = """
    select c.*, m.title as module_title,
           array(select ce.enterprise_id from cohort_enterprises ce where ce.cohort_id = c.cohort_id
                 order by ce.position) as enterprise_ids
    from cohorts c join modules m on m.code = c.module where c.cohort_id = $1
"""
LOCK_COHORT = "select * from cohorts where cohort_id = $1 for update"


async def get_cohort(conn: Connection, cohort_id: UUID) -> Record | None:
    """One cohort with its module's title and its enterprises in their order."""
    return await conn.fetchrow(GET_COHORT, cohort_id)


async def lock_cohort(conn: Connection, cohort_id: UUID) -> Record | None:
    """The cohort's row, locked; before any of its visits."""
    return await conn.fetchrow(LOCK_COHORT, cohort_id)


MARK_STATE = "update cohorts set state = $2, trouble = $3 where cohort_id = $1"
MARK_PLANNED = "update cohorts set state = $2, plan_id = $3, trouble = null where cohort_id = $1"
MARK_PUBLISHED = "update cohorts set state = 'published', published_at = $2 where cohort_id = $1"
MARK_ENDED = "update cohorts set state = $2, ended_at = $3, cancel_reason = $4 where cohort_id = $1"
CLOSE_MEMBERS = "update cohort_enterprises set open = false where cohort_id = $1"


async def mark_state(conn: Connection, cohort_id: UUID, state: str, trouble: str | None = None) -> None:
    """`planning` again, or `failed` with what went wrong."""
    await conn.execute(MARK_STATE, cohort_id, state, trouble)


async def mark_planned(conn: Connection, cohort_id: UUID, plan_id: UUID, *, complete: bool) -> None:
    """A proposal is there; `infeasible` when it leaves visits out."""
    await conn.execute(MARK_PLANNED, cohort_id, "planned" if complete else "infeasible", plan_id)


async def mark_published(conn: Connection, cohort_id: UUID, now: datetime) -> None:
    """Its visits stand in the timetable."""
    await conn.execute(MARK_PUBLISHED, cohort_id, now)


async def mark_ended(conn: Connection, cohort_id: UUID, state: str, now: datetime, reason: str | None = None) -> None:
    """Completed or cancelled; its enterprises are free for another cohort of the module."""
    await conn.execute(MARK_ENDED, cohort_id, state, now, reason)
    await conn.execute(CLOSE_MEMBERS, cohort_id)
