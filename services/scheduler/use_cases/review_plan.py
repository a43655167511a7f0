"""Looking at a plan before anybody is told: its history, what differs from another one, and whom it reaches."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.scheduler.domain.plan_difference import Change, Told, changes_between, effects_of
from services.scheduler.domain.visit import shown_kind
from services.scheduler.domain.world import Seat
from services.scheduler.storage import lists, plans, visits
from services.scheduler.storage.lists import instant, named
from services.scheduler.use_cases.read_world import seat_now
from services.scheduler.use_cases.show_cohort import get_visible_cohort
from services.scheduler.use_cases.show_plan import get_visible_plan
from shared.db import Connection, Record
from shared.errors import Rejected

Names = Mapping[UUID, dict[str, str]]
_HISTORY = 100
_STANDING = frozenset({"booked", "confirmed", "reported", "placing"})


async def list_plans(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> list[dict[str, Any]]:
    """Every plan of a cohort, the newest first; what-if copies say what was supposed."""
    await get_visible_cohort(conn, cohort_id, countries)
    return [
        {
            "plan_id": str(row["plan_id"]),
            "state": row["state"],
            "status": row["status"],
            "cost": round(row["cost"], 1),
            "bound": round(row["bound"], 1),
            "gap": round(row["gap"], 4),
            "placed": row["placed"],
            "unplaced": row["unplaced"],
            "assumptions": row["assumptions"],
            "created_at": instant(row["created_at"]),
            "published_at": instant(row["published_at"]),
        }
        for row in await plans.list_plans(conn, cohort_id, _HISTORY)
    ]


async def compare_plans(
    conn: Connection, plan_id: UUID, against: UUID | None, countries: frozenset[str]
) -> dict[str, Any]:
    """What differs in a plan from an earlier one of its cohort; without one, from how its visits stand at present."""
    plan = await get_visible_plan(conn, plan_id, countries)
    rows = {row["visit_id"]: row for row in await visits.list_of_cohort(conn, plan["cohort_id"])}
    after = [plans.seat_of(row) for row in await plans.list_placements(conn, plan_id)]
    costs = None
    if against is not None:
        other = await get_visible_plan(conn, against, countries)
        if other["cohort_id"] != plan["cohort_id"]:
            raise Rejected(
                "other_cohort", 422, "The two plans are of different cohorts; right are two of one.", field="against"
            )
        before = [plans.seat_of(row) for row in await plans.list_placements(conn, against)]
        costs = (other, plan)
    else:
        before = [seat for row in rows.values() if row["state"] in _STANDING and (seat := seat_now(row))]
    shown = await show_changes(conn, changes_between(before, after), rows)
    return {
        "plan_id": str(plan_id),
        "against": str(against) if against else None,
        "cost": None if costs is None else _costs(*costs),
        **shown,
    }


async def foresee_publishing(conn: Connection, plan_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """What publishing would do: visits that come, people who are told, calendar entries, cost. Nothing is changed."""
    plan = await get_visible_plan(conn, plan_id, countries)
    rows = {row["visit_id"]: row for row in await visits.list_of_cohort(conn, plan["cohort_id"])}
    after = [plans.seat_of(row) for row in await plans.list_placements(conn, plan_id)]
    before = [seat for row in rows.values() if row["state"] in _STANDING and (seat := seat_now(row))]
    changes = () if plan["state"] == "published" else changes_between(before, after)
    return {
        "plan_id": str(plan_id),
        "cost": {"points": round(plan["cost"], 1), "parts": {k: round(v, 1) for k, v in plan["parts"].items()}},
        **await show_changes(conn, changes, rows),
    }


def _costs(before: Record, after: Record) -> dict[str, Any]:
    parts = {
        name: round(after["parts"].get(name, 0.0) - before["parts"].get(name, 0.0), 1)
        for name in {**before["parts"], **after["parts"]}
    }
    return {
        "before": round(before["cost"], 1),
        "after": round(after["cost"], 1),
        "difference": round(after["cost"] - before["cost"], 1),
        "parts": parts,
    }


async def show_changes(conn: Connection, changes: Sequence[Change], rows: Mapping[UUID, Record]) -> dict[str, Any]:
    """Changes with names, and everybody whom they reach."""
    effects = effects_of(changes, {one: row["enterprise_ids"] for one, row in rows.items()})
    names = await lists.get_names(conn, [*effects.trainers, *effects.enterprises, *_sites(rows.values())])
    kinds = effects.kinds
    return {
        "figures": {
            "visits": len(changes),
            **{
                kind: kinds.get(kind, 0)
                for kind in ("placed", "moved", "reassigned", "moved_and_reassigned", "dropped")
            },
            "people": len(effects.trainers),
            "enterprises": len(effects.enterprises),
            "messages": sum(one.messages for one in (*effects.trainers.values(), *effects.enterprises.values())),
        },
        "calendar_entries": effects.entries(),
        "changes": [_change_json(one, rows[one.visit_id], names) for one in changes],
        "trainers": [_told_json(one, told, names) for one, told in effects.trainers.items()],
        "enterprises": [_told_json(one, told, names) for one, told in effects.enterprises.items()],
    }


def _sites(rows: Iterable[Record]) -> set[UUID]:
    return {one for row in rows for one in row["enterprise_ids"]}


def _told_json(one: UUID, told: Told, names: Names) -> dict[str, Any]:
    return {
        "who": named(names, one),
        "messages": told.messages,
        "new": told.new,
        "updated": told.updated,
        "cancelled": told.cancelled,
        "first": told.first.isoformat() if told.first else None,
        "last": told.last.isoformat() if told.last else None,
    }


def _change_json(change: Change, visit: Record, names: Names) -> dict[str, Any]:
    return {
        "visit_id": str(change.visit_id),
        "cohort_id": str(visit["cohort_id"]) if visit["cohort_id"] else None,
        "stage": visit["stage"],
        "kind": shown_kind(visit["kind"]),
        "enterprises": [named(names, one) for one in visit["enterprise_ids"]],
        "change": change.kind,
        "before": _seat_json(change.before, names),
        "after": _seat_json(change.after, names),
    }


def _seat_json(seat: Seat | None, names: Names) -> dict[str, Any] | None:
    if seat is None:
        return None
    return {
        "trainer": named(names, seat.trainer_id),
        "co_trainers": [named(names, one) for one in seat.co_trainer_ids],
        "absent": [named(names, one) for one in seat.absent_ids],
        "day": seat.day.isoformat(),
        "start": f"{seat.start:%H:%M}",
        "end": f"{seat.end:%H:%M}",
        "days": seat.days,
    }
