"""A repair, put together for a page or the API: what changes, why, whom it reaches."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from services.scheduler.domain.plan_difference import Change
from services.scheduler.domain.world import Seat
from services.scheduler.storage import lists, repairs, visits
from services.scheduler.storage.lists import instant, named
from services.scheduler.use_cases.review_plan import show_changes
from services.scheduler.use_cases.show_plan import with_names
from shared.db import Connection, Record
from shared.errors import not_found


async def get_visible_repair(conn: Connection, repair_id: UUID, countries: frozenset[str]) -> Record:
    """The repair, or the answer for one that is not there."""
    repair = await repairs.get_repair(conn, repair_id)
    if repair is None or repair["country"] not in countries:
        raise not_found("repair")
    return repair


def seat_of(stored: Mapping[str, Any] | None) -> Seat | None:
    """A seat as a repair keeps it."""
    if stored is None:
        return None
    return Seat(
        visit_id=UUID(stored["visit_id"]),
        trainer_id=UUID(stored["trainer_id"]),
        day=date.fromisoformat(stored["day"]),
        start=time.fromisoformat(stored["start"]),
        end=time.fromisoformat(stored["end"]),
        days=stored["days"],
        co_trainer_ids=tuple(map(UUID, stored["co_trainer_ids"])),
        absent_ids=tuple(map(UUID, stored.get("absent_ids", ()))),
    )


def changes_of(repair: Record) -> tuple[Change, ...]:
    """The changes of a repair."""
    return tuple(
        Change(UUID(one["visit_id"]), seat_of(one["before"]), seat_of(one["after"])) for one in repair["changes"]
    )


async def show_repair(conn: Connection, repair_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """What it changes, who made room, what is left without a place and why, and everybody who is told."""
    repair = await get_visible_repair(conn, repair_id, countries)
    changes = changes_of(repair)
    rows = {one.visit_id: await visits.get_visit(conn, one.visit_id) for one in changes}
    present = {one: row for one, row in rows.items() if row is not None}
    cause = repair["cause"]
    who = UUID(cause["who"]) if cause["who"] else None
    ids = {who} if who else set()
    for one in repair["changes"]:
        for told in (*one["reasons"], *one["relaxations"]):
            for step in (told, *told.get("steps", ())):
                ids |= {UUID(step[name]) for name in ("trainer_id", "enterprise_id") if step.get(name)}
    names = await lists.get_names(conn, list(ids))
    shown = await show_changes(conn, changes, present)
    more = {one["visit_id"]: one for one in repair["changes"]}
    for change in shown["changes"]:
        kept = more[change["visit_id"]]
        change |= {
            "made_room": kept["made_room"],
            "reasons": [with_names(one, names) for one in kept["reasons"]],
            "relaxations": [with_names(one, names) for one in kept["relaxations"]],
        }
    return {
        "repair_id": str(repair_id),
        "country": repair["country"],
        "state": repair["state"],
        "cause": cause | {"who": named(names, who)},
        "created_at": instant(repair["created_at"]),
        "applied_at": instant(repair["applied_at"]),
        **shown,
        "figures": shown["figures"] | repair["figures"],
    }
