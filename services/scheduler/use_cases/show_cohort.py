"""A cohort and its newest plan, put together for a page or the API."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.scheduler.domain.visit import shown_kind
from services.scheduler.storage import catalogue, cohorts, lists, planning_jobs, plans, visits
from services.scheduler.storage.lists import instant, named
from shared.db import Connection, Record
from shared.errors import not_found


async def get_visible_cohort(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> Record:
    """The cohort, or the answer for one that is not there."""
    cohort = await cohorts.get_cohort(conn, cohort_id)
    if cohort is None or cohort["country"] not in countries:
        raise not_found("cohort")
    return cohort


async def show_cohort(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """The cohort with its figures, its enterprises and how its planning stands."""
    cohort = await get_visible_cohort(conn, cohort_id, countries)
    figures = await lists.list_figures(conn, [cohort_id])
    names = await lists.get_names(conn, cohort["enterprise_ids"])
    job = await planning_jobs.get_latest(conn, cohort_id)
    return cohort_json(cohort, figures[cohort_id]) | {
        "enterprises": [named(names, one) for one in cohort["enterprise_ids"]],
        "trainer_keys": cohort["trainer_keys"],
        "trouble": cohort["trouble"],
        "cancel_reason": cohort["cancel_reason"],
        "planning": None if job is None else {"state": job["state"], "attempts": job["attempts"]},
    }


def cohort_json(cohort: Record, figures: Mapping[str, int]) -> dict[str, Any]:
    """One cohort as lists have it."""
    return {
        "cohort_id": str(cohort["cohort_id"]),
        "name": cohort["name"],
        "country": cohort["country"],
        "zone": cohort["zone"],
        "module": cohort["module"],
        "module_title": cohort["module_title"],
        "first_day": cohort["first_day"].isoformat(),
        "last_day": cohort["last_day"].isoformat(),
        "state": cohort["state"],
        "plan_id": str(cohort["plan_id"]) if cohort["plan_id"] else None,
        "created_at": instant(cohort["created_at"]),
        "published_at": instant(cohort["published_at"]),
        "ended_at": instant(cohort["ended_at"]),
        "figures": dict(figures),
    }


async def show_plan(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """The cohort's newest plan: where every visit goes and why, and why some have no place."""
    cohort = await get_visible_cohort(conn, cohort_id, countries)
    if cohort["plan_id"] is None:
        raise not_found("plan")
    plan = await plans.get_plan(conn, cohort["plan_id"])
    assert plan is not None
    rows = {row["visit_id"]: row for row in await visits.list_of_cohort(conn, cohort_id)}
    placed = await plans.list_placements(conn, plan["plan_id"])
    left = await plans.list_unplaced(conn, plan["plan_id"])
    stages = await catalogue.list_stages(conn, cohort["delivery_plan_id"])
    names = await lists.get_names(conn, _ids(rows, placed, left))
    return {
        "plan_id": str(plan["plan_id"]),
        "cohort_id": str(cohort_id),
        "state": plan["state"],
        "status": plan["status"],
        "cost": round(plan["cost"], 1),
        "bound": round(plan["bound"], 1),
        "gap": round(plan["gap"], 4),
        "parts": {name: round(value, 1) for name, value in plan["parts"].items()},
        "created_at": instant(plan["created_at"]),
        "published_at": instant(plan["published_at"]),
        "stages": [stage.stage for stage in stages],
        "placements": [_placement_json(row, rows[row["visit_id"]], names) for row in placed],
        "unplaced": [_unplaced_json(row, rows[row["visit_id"]], names) for row in left],
    }


def _ids(rows: Mapping[UUID, Record], placed: list[Record], left: list[Record]) -> list[UUID]:
    found: set[UUID] = set()
    for row in rows.values():
        found.update(row["enterprise_ids"])
    for row in placed:
        found.update((row["trainer_id"], *row["co_trainer_ids"]))
        found.update(UUID(one["trainer_id"]) for one in row["why"])
    for row in left:
        for one in (*row["reasons"], *row["relaxations"]):
            found.update(UUID(one[name]) for name in ("trainer_id", "enterprise_id") if one.get(name))
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
    return _visit_json(visit, names) | {
        "trainer": named(names, row["trainer_id"]),
        "co_trainers": [named(names, one) for one in row["co_trainer_ids"]],
        "day": row["day"].isoformat(),
        "start": row["start_time"].strftime("%H:%M"),
        "end": row["end_time"].strftime("%H:%M"),
        "days": row["days"],
        "zone": row["zone"],
        "starts_at": instant(row["starts_at"]),
        "ends_at": instant(row["ends_at"]),
        "alternatives": [
            one | {"trainer": named(names, UUID(one["trainer_id"]))} for one in row["why"]
        ],
    }


def _unplaced_json(row: Record, visit: Record, names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    def with_names(one: dict[str, Any]) -> dict[str, Any]:
        trainer = one.get("trainer_id")
        enterprise = one.get("enterprise_id")
        return one | {
            "trainer": named(names, UUID(trainer)) if trainer else None,
            "enterprise": named(names, UUID(enterprise)) if enterprise else None,
        }

    return _visit_json(visit, names) | {
        "reasons": [with_names(one) for one in row["reasons"]],
        "relaxations": [with_names(one) for one in row["relaxations"]],
    }
