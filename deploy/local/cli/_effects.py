"""Printing what a plan or a repair would do: who is told by which channel, whose calendar changes, what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.local.client import calls
from deploy.local.client.failure import ClientFailure
from deploy.local.client.output import Column, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.local.client.output import Output
    from deploy.local.client.session import Session

_AT_ONCE = 100
_KINDS = {
    "placed": "new", "moved": "moved", "reassigned": "other trainer", "moved_and_reassigned": "moved, other trainer",
    "dropped": "no place",
}  # fmt: skip


def show_effects(gemba: Session, found: dict[str, Any]) -> None:
    """For people a summary, the changes and everybody who is told; with --json the API's object and the channels."""
    reach = channels_of(gemba, found)
    if gemba.out.as_json:
        gemba.out.document(found | {"reach": reach})
        return
    figures = found["figures"]
    counted = ", ".join(f"{figures[name]} {word}" for name, word in _KINDS.items() if figures.get(name))
    entries = found["calendar_entries"]
    cost = found.get("cost") or {}
    gemba.out.record(
        [
            ("Visits", counted or "none changes"),
            ("People", f"{figures['people']} trainers, contacts of {figures['enterprises']} enterprises"),
            ("Messages", figures["messages"]),
            ("Calendar", f"{entries['new']} new, {entries['updated']} updated, {entries['cancelled']} cancelled"),
            ("Cost", f"{cost['points']} points" if "points" in cost else None),
            ("Costs more", f"{figures['cost_difference']} points" if "cost_difference" in figures else None),
            ("Made room", figures.get("made_room") or None),
        ]
    )
    show_changes(gemba, found["changes"])
    rows = [one | {"channel": reach.get(one["who"]["id"], [])} for one in (*found["trainers"], *found["enterprises"])]
    if rows:
        gemba.out.table(
            rows,
            [
                Column("TOLD", "who", wraps=True),
                Column("BY", lambda row: ", ".join(row["channel"]) or "not known"),
                Column("MESSAGES", "messages"),
                Column("FIRST", "first"),
                Column("LAST", "last"),
            ],
            gap=True,
        )


def show_absent(out: Output, placements: Iterable[Mapping[str, Any]]) -> None:
    """Who stays away from a classroom so that it can be held, and why."""
    for row in placements:
        for one in row.get("absent") or []:
            why = " ".join(reason["text"] for reason in one["reasons"])
            out.line(f"Without {plain(one['enterprise'])}: {row['stage']} on {row['day']}. {why}")


def show_changes(gemba: Session, changes: list[dict[str, Any]]) -> None:
    """One line a visit that is not where it was."""
    if not changes:
        return
    gemba.out.table(
        changes,
        [
            Column("CHANGE", lambda row: _KINDS.get(row["change"], row["change"])),
            Column("STAGE", "stage"),
            Column("BEFORE", lambda row: _seat(row["before"]), wraps=True),
            Column("AFTER", lambda row: _seat(row["after"]), wraps=True),
            Column("ENTERPRISES", "enterprises", wraps=True),
        ],
        gap=True,
    )
    for row in changes:
        for one in row.get("reasons") or []:
            gemba.out.line(f"No place: {row['stage']} at {plain(row['enterprises'])}: {one['text']}", gap=True)
        for one in row.get("relaxations") or []:
            gemba.out.line(f"  {help_text(one)}")


def channels_of(gemba: Session, found: Mapping[str, Any]) -> dict[str, list[str]]:
    """By which channels each trainer and each enterprise's contacts are told; empty where that is not known."""
    people = [one["who"]["id"] for one in found["trainers"] if one["who"]]
    sites = [one["who"]["id"] for one in found["enterprises"] if one["who"]]
    reach: dict[str, list[str]] = {}
    try:
        for kind, ids in (("person", people), ("enterprise", sites)):
            for first in range(0, len(ids), _AT_ONCE):
                answer = gemba.client.send(calls.REACH, params={kind: ids[first : first + _AT_ONCE]})
                for one in answer["items"]:
                    reach[one["about"]] = sorted(
                        {*reach.get(one["about"], ()), *([one["channel"]] if one["channel"] else [])}
                    )
    except ClientFailure:
        return {}
    return reach


def help_text(relief: Mapping[str, Any]) -> str:
    """What would place a visit, with the names of whom it is about."""
    told = []
    for step in relief.get("steps") or []:
        who = step.get("trainer") or step.get("enterprise")
        told.append(f"{who['name']}: {step['text']}" if who else step["text"])
    if not told:
        return f"would help: {relief.get('text')}"
    return (
        "would help: "
        + " and ".join(told)
        + ("" if relief.get("everything_else_held", True) else " (others move, too)")
    )


def _seat(seat: Mapping[str, Any] | None) -> str:
    if seat is None:
        return "-"
    return f"{seat['day']} {seat['start']} {plain(seat['trainer'])}"
