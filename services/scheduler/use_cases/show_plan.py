"""A plan, put together for a page or the API."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.scheduler.domain.visit import shown_kind
from services.scheduler.storage import catalogue, lists, plans, visits
from services.scheduler.storage.lists import instant, named
from services.scheduler.use_cases.show_cohort import get_visible_cohort
from shared.db import Connection, Record
from shared.errors import not_found


async def show_newest_plan(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """The cohort's newest proposal, or what was published: where every visit goes and why, and why some have no place."""
    cohort = await get_visible_cohort(conn, cohort_id, countries)
    if cohort["plan_id"] is None:
        raise not_found("plan")
    return await show_plan(conn, cohort["plan_id"], countries)


async def get_visible_plan(conn: Connection, plan_id: UUID, countries: frozenset[str]) -> Record:
    """A plan with its cohort's country, zone and state, or the answer for one that is not there."""
    plan = await plans.get_plan(conn, plan_id)
    if plan is None or plan["country"] not in countries:
        raise not_found("plan")
    return plan


async def show_plan(conn: Connection, plan_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """One plan of a cohort, also one that was superseded or only supposed."""
    plan = await get_visible_plan(conn, plan_id, countries)
    cohort_id: UUID = plan["cohort_id"]
    cohort = await get_visible_cohort(conn, cohort_id, countries)
    rows = {row["visit_id"]: row for row in await visits.list_of_cohort(conn, cohort_id)}
    placed = await plans.list_placements(conn, plan["plan_id"])
    left = await plans.list_unplaced(conn, plan["plan_id"])
    stages = await catalogue.list_stages(conn, cohort["delivery_plan_id"])
    names = await lists.get_names(conn, _ids(plan, rows, placed, left))
    return {
        "plan_id": str(plan["plan_id"]),
        "cohort_id": str(cohort_id),
        "state": plan["state"],
        "status": plan["status"],
        "cost": round(plan["cost"], 1),
        "bound": round(plan["bound"], 1),
        "gap": round(plan["gap"], 4),
        "parts": {name: round(value, 1) for name, value in plan["parts"].items()},
        "weights": plan["weights"],
        "assumptions": plan["assumptions"],
        "loads": [one | {"trainer": named(names, UUID(one["trainer_id"]))} for one in plan["loads"]],
        "trace": plan["trace"],
        "created_at": instant(plan["created_at"]),
        "published_at": instant(plan["published_at"]),
        "stages": [stage.stage for stage in stages],
        "placements": [_placement_json(row, rows[row["visit_id"]], names) for row in placed],
        "unplaced": [_unplaced_json(row, rows[row["visit_id"]], names) for row in left],
    }


def _ids(plan: Record, rows: Mapping[UUID, Record], placed: list[Record], left: list[Record]) -> list[UUID]:
    found = {UUID(one["trainer_id"]) for one in plan["loads"]}
    for row in rows.values():
        found.update(row["enterprise_ids"])
    for row in placed:
        found.update((row["trainer_id"], *row["co_trainer_ids"]))
        found.update(UUID(one["trainer_id"]) for one in row["why"])
        for absence in row["absences"]:
            found.add(UUID(absence["enterprise_id"]))
            found.update(UUID(one["trainer_id"]) for one in absence["reasons"] if one["trainer_id"])
    for row in left:
        for one in (*row["reasons"], *row["relaxations"]):
            for step in (one, *one.get("steps", ())):
                found.update(UUID(step[name]) for name in ("trainer_id", "enterprise_id") if step.get(name))
    return list(found)


def _visit_json(visit: Record, names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    return {
        "visit_id": str(visit["visit_id"]),
        "stage": visit["stage"],
        "kind": shown_kind(visit["kind"]),
        "enterprises": [named(names, one) for one in visit["enterprise_ids"]],
        "visit_state": visit["state"],
    }


def _placement_json(row: Record, visit: Record, names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    shown = _visit_json(visit, names)
    away = {one["enterprise_id"] for one in row["absences"]}
    return shown | {
        "enterprises": [one for one in shown["enterprises"] if one["id"] not in away],
        "absent": [
            {
                "enterprise": named(names, UUID(one["enterprise_id"])),
                "reasons": [with_names(why, names) for why in one["reasons"]],
            }
            for one in row["absences"]
        ],
        "trainer": named(names, row["trainer_id"]),
        "co_trainers": [named(names, one) for one in row["co_trainer_ids"]],
        "day": row["day"].isoformat(),
        "start": row["start_time"].strftime("%H:%M"),
        "end": row["end_time"].strftime("%H:%M"),
        "days": row["days"],
        "zone": row["zone"],
        "starts_at": instant(row["starts_at"]),
        "ends_at": instant(row["ends_at"]),
        "alternatives": [one | {"trainer": named(names, UUID(one["trainer_id"]))} for one in row["why"]],
    }


def _unplaced_json(row: Record, visit: Record, names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    return _visit_json(visit, names) | {
        "reasons": [with_names(one, names) for one in row["reasons"]],
        "relaxations": [with_names(one, names) for one in row["relaxations"]],
    }


def with_names(one: dict[str, Any], names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    """A reason or a relaxation with the names of whom and what it is about."""
    trainer, enterprise = one.get("trainer_id"), one.get("enterprise_id")
    more: dict[str, Any] = {
        "trainer": named(names, UUID(trainer)) if trainer else None,
        "enterprise": named(names, UUID(enterprise)) if enterprise else None,
    }
    if "steps" in one:
        more["steps"] = [with_names(step, names) for step in one["steps"]]
    return one | more
