"""``./gemba plan explain``: why a visit is where it is, or what would give it a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._options import AsJson, CohortId, examples

if TYPE_CHECKING:
    from deploy.local.client.session import Session

_PARTS = {
    "km": "kilometres", "off_target": "days off target", "continuity": "another trainer there", "not_preferred": "not the preferred one",
    "load": "above an even share", "nights": "nights away", "start": "later hour", "unplaced": "who stays away",
}  # fmt: skip


def add_to(plan: typer.Typer) -> None:
    """A command beside show, publish and again."""
    plan.command(
        "explain",
        epilog=examples(
            "plan explain 0198c3…",
            "plan explain 0198c3… baseline/BD-E01",
            "plan explain 0198c3… 0198d4… --trainer BD-T03",
        ),
    )(explain)


def explain(
    cohort: CohortId,
    visit: Annotated[
        str | None,
        typer.Argument(metavar="VISIT", help="Its id, or stage/enterprise; without it all visits without a place."),
    ] = None,
    *,
    trainer: Annotated[
        str | None, typer.Option("--trainer", metavar="KEY", help="Why not this one? Told about in any case.")
    ] = None,
    plan: Annotated[str | None, typer.Option("--plan", metavar="PLAN", help="Of another plan than the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why this trainer and this day, and why not the next three; or what would give a visit a place. Planned again to find out."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.PLAN, cohort_id=cohort) if plan is None else gemba.client.send(
            calls.ANY_PLAN, plan_id=plan
        )  # fmt: skip
        every = [*found["placements"], *found["unplaced"]]
        wanted = [_visit(every, visit)] if visit else found["unplaced"]
        told = []
        for one in wanted:
            params = {"trainer": trainer}
            why = gemba.client.send(calls.REASONS, params=params, plan_id=found["plan_id"], visit_id=one["visit_id"])
            told.append(why | {name: one[name] for name in ("stage", "enterprises", "absent") if name in one})
        if as_json:
            gemba.out.document({"items": told})
        if not told:
            gemba.out.line("Every visit of this plan has a place. Name one to know why it is where it is.")
        for why in told:
            _explained(gemba, why)


def _visit(every: list[dict[str, Any]], asked: str) -> dict[str, Any]:
    from deploy.local.client.failure import NOT_FOUND, ClientFailure

    stage, _, site = asked.partition("/")
    for one in every:
        keys = {enterprise["key"] for enterprise in one["enterprises"]}
        if one["visit_id"] == asked or (one["stage"] == stage and (site in keys or not site)):
            return one
    stages = ", ".join(dict.fromkeys(one["stage"] for one in every))
    raise ClientFailure(
        "not_found",
        f"this plan has no visit {asked}",
        exit_code=NOT_FOUND,
        remedy=f"right is an id, or stage/enterprise; its stages are {stages}",
    )


def _explained(gemba: Session, why: dict[str, Any]) -> None:
    from deploy.local.cli._effects import help_text, show_absent
    from deploy.local.client.output import plain

    where = f"{why['stage']} at {plain(why['enterprises'])}"
    if why["reasons"]:
        gemba.out.line(f"{where}: no place", gap=True)
        for one in why["reasons"]:
            who = f"{one['trainer']['name']}: " if one.get("trainer") else ""
            gemba.out.line(f"  because {who}{one['text']}")
        for one in why["relaxations"]:
            gemba.out.line(f"  {help_text(one)}")
        return
    costs = ", ".join(f"{_PARTS.get(name, name)} {value:g}" for name, value in why["parts"].items())
    gemba.out.line(f"{where}: {why['trainer']['name']} on {why['day']} ({costs or 'costs nothing'})", gap=True)
    show_absent(gemba.out, [why])
    for one in why["trainers"]:
        gemba.out.line(f"  not {one['trainer']['name']}: {_against(one)}")
    for one in why["days"]:
        gemba.out.line(f"  not on {one['day']}: {one['extra_cost']:+g} points{_by_part(one)}")


def _against(rival: dict[str, Any]) -> str:
    reasons = " ".join(one["text"] for one in rival["reasons"])
    if rival["extra_cost"] is None:
        return reasons or "cannot"
    when = "then" if rival["same_day"] else f"on {rival['day']}"
    moves = f", and {len(rival['moved'])} other visit would move" if rival["moved"] else ""
    told = f"could {when}, {rival['extra_cost']:+g} points{_by_part(rival)}{moves}"
    return f"{reasons} {told[0].upper()}{told[1:]}" if reasons else told


def _by_part(rival: dict[str, Any]) -> str:
    parts = [f"{_PARTS.get(name, name)} {value:+g}" for name, value in rival["difference"].items()]
    return f" ({', '.join(parts)})" if parts else ""
