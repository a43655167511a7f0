"""Repairs: changes of published visits that are looked at first and applied as one act."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.db import Connection, Record

INSERT_REPAIR = """
    insert into repairs (repair_id, country, cause, state, planned_in, world_version, changes, figures, created_at,
                         created_by)
    values ($1, $2, $3, 'proposed', $4, $5, $6, $7, $8, $9)
"""


async def insert_repair(
    conn: Connection,
    repair_id: UUID,
    country: str,
    cause: Mapping[str, Any],
    *,
    planned_in: str,
    world_version: int,
    changes: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Any],
    by: UUID | None,
    now: datetime,
) -> None:
    """A proposal: nothing of the timetable changes."""
    await conn.execute(
        INSERT_REPAIR,
        repair_id,
        country,
        dict(cause),
        planned_in,
        world_version,
        [dict(one) for one in changes],
        dict(figures),
        now,
        by,
    )


GET_REPAIR = "select * from repairs where repair_id = $1"
LOCK_REPAIR = GET_REPAIR + " for update"
MARK_APPLIED = "update repairs set state = 'applied', applied_at = $2 where repair_id = $1"


async def get_repair(conn: Connection, repair_id: UUID) -> Record | None:
    """One repair."""
    return await conn.fetchrow(GET_REPAIR, repair_id)


async def lock_repair(conn: Connection, repair_id: UUID) -> Record | None:
    """One repair, locked; after the country's world."""
    return await conn.fetchrow(LOCK_REPAIR, repair_id)


async def mark_applied(conn: Connection, repair_id: UUID, now: datetime) -> None:
    """Its changes stand in the timetable."""
    await conn.execute(MARK_APPLIED, repair_id, now)


LIST_HIT = """
    select * from visits
    where country = $1 and state in ('booked', 'confirmed') and starts_at > $2
      and ($3::uuid is null or trainer_id = $3 or $3 = any(co_trainer_ids))
      and ($4::uuid is null or $4 = any(enterprise_ids))
      and day <= $6 and day + (days - 1) >= $5
    order by starts_at, visit_id
"""
LIST_MOVABLE = """
    select * from visits
    where country = $1 and state = 'booked' and starts_at > $2 and day between $3 and $4 order by starts_at, visit_id
    limit 400
"""


async def list_hit(
    conn: Connection,
    country: str,
    now: datetime,
    *,
    trainer_id: UUID | None,
    enterprise_id: UUID | None,
    first: date,
    last: date,
) -> list[Record]:
    """Visits ahead that a disruption may concern, by its person or enterprise and its days."""
    rows: list[Record] = await conn.fetch(LIST_HIT, country, now, trainer_id, enterprise_id, first, last)
    return rows


async def list_movable(conn: Connection, country: str, now: datetime, first: date, last: date) -> list[Record]:
    """Visits ahead that nobody has confirmed yet: these may make room."""
    rows: list[Record] = await conn.fetch(LIST_MOVABLE, country, now, first, last)
    return rows


SAVE_LEAVE = """
    insert into leave (person_key, first, last)
    select key_name, $2, $3 from people where person_id = $1
    on conflict (person_key, first) do update set last = greatest(leave.last, excluded.last)
"""
SAVE_HOLIDAY = "insert into holidays (country, region, day, name) values ($1, $2, $3, $4) on conflict do nothing"


async def save_leave(conn: Connection, trainer_id: UUID, first: date, last: date) -> None:
    """The trainer is away: later plans know it, too."""
    await conn.execute(SAVE_LEAVE, trainer_id, first, last)


async def save_holiday(conn: Connection, country: str, region: str, day: date) -> None:
    """A holiday that was not known."""
    await conn.execute(SAVE_HOLIDAY, country, region, day, "Public holiday")
