"""What became of a visit: who refused it, and every step, for people to read. The outbox is the record."""

from datetime import datetime
from uuid import UUID

from shared.db import Connection

SAVE_REFUSAL = """
    insert into refusals (visit_id, trainer_id, why, at) values ($1, $2, $3, $4) on conflict do nothing returning true
"""
LIST_REFUSED = "select trainer_id from refusals where visit_id = $1"
COUNT_REFUSALS = """
    select r.visit_id, count(*) as refusals from refusals r join visits v using (visit_id)
    where v.cohort_id = $1 group by r.visit_id
"""
DELETE_REFUSALS = "delete from refusals where visit_id = $1"


async def save_refusal(conn: Connection, visit_id: UUID, trainer_id: UUID, why: str, now: datetime) -> bool:
    """Make sure this trainer is not asked again for this visit; False when that was known."""
    return bool(await conn.fetchval(SAVE_REFUSAL, visit_id, trainer_id, why, now))


async def list_refused(conn: Connection, visit_id: UUID) -> frozenset[UUID]:
    """Who declined the visit or let its offer lapse."""
    return frozenset(row["trainer_id"] for row in await conn.fetch(LIST_REFUSED, visit_id))


async def count_refusals(conn: Connection, cohort_id: UUID) -> dict[UUID, int]:
    """How often somebody said no, by visit."""
    return {row["visit_id"]: row["refusals"] for row in await conn.fetch(COUNT_REFUSALS, cohort_id)}


async def delete_refusals(conn: Connection, visit_id: UUID) -> None:
    """A coordinator wants everybody asked again."""
    await conn.execute(DELETE_REFUSALS, visit_id)


INSERT_STEP = """
    insert into visit_steps (visit_id, step, at, what, trainer_id, detail)
    select $1, coalesce(max(step), 0) + 1, $2, $3, $4, $5 from visit_steps where visit_id = $1
"""


async def insert_step(
    conn: Connection, visit_id: UUID, what: str, *, now: datetime, trainer_id: UUID | None = None, detail: str = ""
) -> None:
    """What became of a locked visit, for people to read."""
    await conn.execute(INSERT_STEP, visit_id, now, what, trainer_id, detail[:500])
