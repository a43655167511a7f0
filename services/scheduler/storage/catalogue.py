"""Modules and their delivery plans, which are versioned: a cohort keeps the plan it began with."""

from collections.abc import Iterable
from uuid import UUID

from services.scheduler.domain.delivery import Stage
from shared.db import Connection, Record

LIST_MODULES = "select code, title, version from modules order by code"


async def list_modules(conn: Connection) -> list[Record]:
    """The catalogue."""
    rows: list[Record] = await conn.fetch(LIST_MODULES)
    return rows


SAVE_MODULE = """
    insert into modules (code, title, version) values ($1, $2, $3)
    on conflict (code) do update set title = excluded.title, version = excluded.version
"""


async def save_module(conn: Connection, code: str, title: str, version: str) -> None:
    """A module as it is called now."""
    await conn.execute(SAVE_MODULE, code, title, version)


GET_DELIVERY_PLAN = """
    select delivery_plan_id, module, country, version from delivery_plans
    where module = $1 and country in ($2, '') order by country desc, version desc limit 1
"""


async def get_delivery_plan(conn: Connection, module: str, country: str) -> Record | None:
    """The newest plan of a module for a country; its own one before the one for all."""
    return await conn.fetchrow(GET_DELIVERY_PLAN, module, country)


LIST_STAGES = "select * from stages where delivery_plan_id = $1 order by position, stage"


async def list_stages(conn: Connection, delivery_plan_id: UUID) -> list[Stage]:
    """The stages of one plan."""
    return [_stage(row) for row in await conn.fetch(LIST_STAGES, delivery_plan_id)]


LIST_NEWEST_PLANS = """
    select distinct on (module, country) delivery_plan_id, module, country, version
    from delivery_plans order by module, country, version desc
"""
LIST_STAGES_OF = "select * from stages where delivery_plan_id = any($1::uuid[]) order by position, stage"


async def list_newest_plans(conn: Connection) -> list[tuple[Record, list[Stage]]]:
    """The newest version of every plan with its stages."""
    plans = await conn.fetch(LIST_NEWEST_PLANS)
    stages: dict[UUID, list[Stage]] = {}
    for row in await conn.fetch(LIST_STAGES_OF, [plan["delivery_plan_id"] for plan in plans]):
        stages.setdefault(row["delivery_plan_id"], []).append(_stage(row))
    return [(plan, stages.get(plan["delivery_plan_id"], [])) for plan in plans]


INSERT_DELIVERY_PLAN = """
    insert into delivery_plans (delivery_plan_id, module, country, version)
    select $1, $2, $3, coalesce(max(version), 0) + 1 from delivery_plans where module = $2 and country = $3
"""
INSERT_STAGE = """
    insert into stages (delivery_plan_id, stage, kind, position, days, minutes, after, min_gap_days, max_gap_days,
                        offset_days, online, quorum, capacity, crew)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


async def insert_delivery_plan(
    conn: Connection, delivery_plan_id: UUID, module: str, country: str, stages: Iterable[Stage]
) -> None:
    """The next version of a module's plan."""
    await conn.execute(INSERT_DELIVERY_PLAN, delivery_plan_id, module, country)
    rows = [
        (
            delivery_plan_id,
            one.stage,
            one.kind,
            one.position,
            one.days,
            one.minutes,
            list(one.after),
            one.min_gap_days,
            one.max_gap_days,
            one.offset_days,
            one.online,
            one.quorum,
            one.capacity,
            one.crew,
        )
        for one in stages
    ]
    await conn.executemany(INSERT_STAGE, rows)


def plan_name(plan: Record) -> str:
    """How facts and pages call a delivery plan: module, country (or all), version."""
    return f"{plan['module']}/{plan['country'] or 'all'}/{plan['version']}"


def _stage(row: Record) -> Stage:
    return Stage(
        stage=row["stage"],
        kind=row["kind"],
        position=row["position"],
        days=row["days"],
        minutes=row["minutes"],
        after=tuple(row["after"]),
        min_gap_days=row["min_gap_days"],
        max_gap_days=row["max_gap_days"],
        offset_days=row["offset_days"],
        online=row["online"],
        quorum=row["quorum"],
        capacity=row["capacity"],
        crew=row["crew"],
    )
