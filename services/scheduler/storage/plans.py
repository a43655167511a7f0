"""Plans: proposals until one of them is published; a newer one supersedes an older one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.scheduler.domain.world import Proposal, Seat
from services.scheduler.storage.visits import Times
from shared.db import Connection, Record

SUPERSEDE = "update plans set state = 'superseded' where cohort_id = $1 and state = 'proposed'"
INSERT_PLAN = """
    insert into plans (plan_id, cohort_id, state, status, cost, bound, gap, parts, world_version, created_at, weights,
                       loads, trace, assumptions)
    values ($1, $2, $10, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14)
"""
INSERT_PLACEMENT = """
    insert into plan_placements (plan_id, visit_id, trainer_id, co_trainer_ids, day, start_time, end_time, days,
                                 starts_at, ends_at, zone, why, absences)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
INSERT_UNPLACED = "insert into plan_unplaced (plan_id, visit_id, reasons, relaxations) values ($1, $2, $3, $4)"


async def insert_plan(
    conn: Connection,
    plan_id: UUID,
    cohort_id: UUID,
    proposal: Proposal,
    times: list[tuple[Times, str]],
    *,
    world_version: int,
    now: datetime,
    weights: Mapping[str, float] | None = None,
    assumptions: Mapping[str, Any] | None = None,
) -> None:
    """Store a proposal that passed the checker; `times` are its seats with the zone of each visit.

    With `assumptions` it is a what-if copy, which supersedes nothing.
    """
    if assumptions is None:
        await conn.execute(SUPERSEDE, cohort_id)
    await conn.execute(
        INSERT_PLAN,
        plan_id,
        cohort_id,
        proposal.status,
        proposal.cost,
        proposal.bound,
        proposal.gap,
        dict(proposal.parts),
        world_version,
        now,
        "proposed" if assumptions is None else "what_if",
        dict(weights or {}),
        [one.as_json() for one in proposal.loads],
        [list(entry) for entry in proposal.trace],
        None if assumptions is None else dict(assumptions),
    )
    rows = [
        (
            plan_id,
            one.seat.visit_id,
            one.seat.trainer_id,
            list(one.seat.co_trainer_ids),
            one.seat.day,
            one.seat.start,
            one.seat.end,
            one.seat.days,
            one.starts_at,
            one.ends_at,
            zone,
            [other.as_json() for other in proposal.alternatives.get(one.seat.visit_id, ())],
            [absence.as_json() for absence in proposal.absences.get(one.seat.visit_id, ())],
        )
        for one, zone in times
    ]
    await conn.executemany(INSERT_PLACEMENT, rows)
    left = [
        (
            plan_id,
            one.visit_id,
            [why.as_json() for why in one.reasons],
            [relief.as_json() for relief in one.relief],
        )
        for one in proposal.left
    ]
    await conn.executemany(INSERT_UNPLACED, left)


GET_PLAN = """
    select p.*, c.country, c.zone as planned_in, c.state as cohort_state
    from plans p join cohorts c using (cohort_id) where p.plan_id = $1
"""
LIST_PLACEMENTS = "select * from plan_placements where plan_id = $1 order by starts_at, visit_id"
LIST_UNPLACED = "select * from plan_unplaced where plan_id = $1"
MARK_PUBLISHED = "update plans set state = 'published', published_at = $2 where plan_id = $1"


LIST_PLANS = """
    select p.plan_id, p.state, p.status, p.cost, p.bound, p.gap, p.created_at, p.published_at, p.assumptions,
           (select count(*) from plan_placements x where x.plan_id = p.plan_id) as placed,
           (select count(*) from plan_unplaced x where x.plan_id = p.plan_id) as unplaced
    from plans p where p.cohort_id = $1 order by p.created_at desc, p.plan_id desc limit $2
"""
ADOPT = "update plans set state = 'proposed', assumptions = null where plan_id = $1"


async def list_plans(conn: Connection, cohort_id: UUID, limit: int) -> list[Record]:
    """Every plan that was ever made for a cohort, the newest first."""
    rows: list[Record] = await conn.fetch(LIST_PLANS, cohort_id, limit)
    return rows


async def mark_adopted(conn: Connection, cohort_id: UUID, plan_id: UUID) -> None:
    """A what-if copy becomes the cohort's proposal in place of the one before."""
    await conn.execute(SUPERSEDE, cohort_id)
    await conn.execute(ADOPT, plan_id)


async def get_plan(conn: Connection, plan_id: UUID) -> Record | None:
    """A plan with its cohort's country, zone and state."""
    return await conn.fetchrow(GET_PLAN, plan_id)


async def list_placements(conn: Connection, plan_id: UUID) -> list[Record]:
    """The placements of a plan, the earliest first."""
    rows: list[Record] = await conn.fetch(LIST_PLACEMENTS, plan_id)
    return rows


async def list_unplaced(conn: Connection, plan_id: UUID) -> list[Record]:
    """The visits that a plan leaves out."""
    rows: list[Record] = await conn.fetch(LIST_UNPLACED, plan_id)
    return rows


async def mark_published(conn: Connection, plan_id: UUID, now: datetime) -> None:
    """It is the one that was published."""
    await conn.execute(MARK_PUBLISHED, plan_id, now)


def seat_of(row: Record) -> Seat:
    """A stored placement as a seat, on the plan's clock."""
    return Seat(
        visit_id=row["visit_id"],
        trainer_id=row["trainer_id"],
        day=row["day"],
        start=row["start_time"],
        end=row["end_time"],
        days=row["days"],
        co_trainer_ids=tuple(row["co_trainer_ids"]),
        absent_ids=tuple(UUID(one["enterprise_id"]) for one in row["absences"]),
    )
