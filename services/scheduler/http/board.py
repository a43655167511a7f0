"""A cohort as a timetable: enterprises down, stages across. Before publishing from the plan, afterwards from the bookings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

STATES = {
    "proposed": ("Proposed", "info"),
    "placing": ("Looking for a place", "warn"),
    "booked": ("Asked", "info"),
    "confirmed": ("Confirmed", "good"),
    "unplaceable": ("No place", "bad"),
    "reported": ("Done", "good"),
    "withdrawn": ("Withdrawn", "neutral"),
}
"""What a visit's state is called, and the tone it is shown in."""

COHORT_STATES = {
    "planning": ("Being planned", "info"),
    "planned": ("Ready to publish", "warn"),
    "infeasible": ("Not all visits fit", "bad"),
    "failed": ("Planning failed", "bad"),
    "published": ("Published", "good"),
    "completed": ("Completed", "good"),
    "cancelled": ("Cancelled", "neutral"),
}


_WAITS = "waits_for_earlier"


@dataclass(frozen=True, slots=True)
class Slot:
    """One visit in the table."""

    visit_id: str
    state: str
    word: str
    tone: str
    day: date | None
    start: str
    end: str
    days: int
    trainer: str
    together: bool
    remainder: bool
    published: bool
    reasons: Sequence[Mapping[str, Any]] = ()
    reliefs: Sequence[Mapping[str, Any]] = ()
    alternatives: Sequence[Mapping[str, Any]] = ()

    @property
    def told(self) -> list[Mapping[str, Any]]:
        """Reasons about the visit itself; what only waits for an earlier stage says that and no more."""
        about = [{"enterprise": None} | dict(reason) for reason in self.reasons if not reason.get("trainer_id")]
        waiting = [reason for reason in about if reason["code"] == _WAITS]
        return list(waiting[:1] or about)

    @property
    def people(self) -> list[Mapping[str, Any]]:
        """Reasons about one trainer each, where their names are known."""
        return [reason for reason in self.reasons if reason.get("trainer")]


@dataclass(slots=True)
class BoardRow:
    """An enterprise with its slots by stage."""

    name: str
    key: str
    slots: dict[str, list[Slot]] = field(default_factory=dict)


def board_of(cohort: Mapping[str, Any], plan: Mapping[str, Any] | None, bookings: Sequence[Mapping[str, Any]]) -> list[BoardRow]:
    """One row for each enterprise of the cohort."""
    rows = {one["id"]: BoardRow(one["name"], one["key"]) for one in cohort["enterprises"]}
    why = {one["visit_id"]: one for one in plan["placements"]} if plan else {}
    if bookings:
        found = [(one, _booked(one, why.get(one["visit_id"]))) for one in bookings]
    elif plan:
        found = [(one, _proposed(one)) for one in plan["placements"]]
        found += [(one, _left(one)) for one in plan["unplaced"]]
    else:
        found = []
    for visit, slot in found:
        for enterprise in visit["enterprises"]:
            if enterprise["id"] in rows:
                rows[enterprise["id"]].slots.setdefault(visit["stage"], []).append(slot)
    return list(rows.values())


def _slot(visit: Mapping[str, Any], state: str, **more: Any) -> Slot:
    word, tone = STATES[state]
    return Slot(
        visit_id=visit["visit_id"],
        state=state,
        word=word,
        tone=tone,
        day=date.fromisoformat(visit["day"]) if visit.get("day") else None,
        start=visit.get("start") or "",
        end=visit.get("end") or "",
        days=visit.get("days") or 1,
        trainer=(visit.get("trainer") or {}).get("name", ""),
        together=len(visit["enterprises"]) > 1,
        remainder=bool(visit.get("carried_from")),
        **more,
    )


def _proposed(visit: Mapping[str, Any]) -> Slot:
    return _slot(visit, "proposed", published=False, alternatives=visit["alternatives"])


def _left(visit: Mapping[str, Any]) -> Slot:
    return _slot(
        visit, "unplaceable", published=False, reasons=visit["reasons"], reliefs=visit["relaxations"]
    )


def _booked(visit: Mapping[str, Any], planned: Mapping[str, Any] | None) -> Slot:
    same = planned is not None and planned["trainer"] == visit["trainer"] and planned["day"] == visit["day"]
    return _slot(
        visit,
        visit["state"],
        published=True,
        reasons=visit["reasons"],
        alternatives=planned["alternatives"] if planned and same else (),
    )


def told_of(plan: Mapping[str, Any]) -> list[tuple[str, int, date, date]]:
    """Who is asked when a plan is published: each trainer with the number of visits, the first and the last day."""
    by_trainer: dict[str, list[date]] = {}
    for one in plan["placements"]:
        by_trainer.setdefault(one["trainer"]["name"], []).append(date.fromisoformat(one["day"]))
    return sorted((name, len(days), min(days), max(days)) for name, days in by_trainer.items())
