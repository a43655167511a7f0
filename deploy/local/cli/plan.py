"""``./gemba plan``: what the planner proposes for a cohort, and telling everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli import _plan_compare, _plan_explain, _plan_files, _plan_propose, _plan_roads, _plan_weights
from deploy.local.cli._options import AsJson, CohortId, Timeout, examples, group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.client.output import Output


def register(app: typer.Typer) -> None:
    plan = group("plan", "Plans of cohorts: show, publish, plan again.")
    plan.command("show", epilog=examples("plan show 0198c3…", "plan show 0198c3… --why", "plan show 0198c3… --json"))(
        show
    )
    plan.command("publish", epilog=examples("plan publish 0198c3…", "plan publish 0198c3… --dry-run", "plan publish 0198c3… --accept-unplaced"))(publish)
    plan.command("again", epilog=examples("plan again 0198c3… --wait"))(again)
    _plan_files.add_to(plan)
    for room in (_plan_propose, _plan_explain, _plan_compare, _plan_weights, _plan_roads):
        room.add_to(plan)
    app.add_typer(plan)


def show(
    cohort: CohortId,
    *,
    why: Annotated[bool, typer.Option("--why", help="For every visit: why not the next best trainers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a cohort's newest plan: where every visit goes, and why some have no place.

    Days and hours are those of the place.
    """
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.PLAN, cohort_id=cohort)
        if as_json:
            gemba.out.document(found)
        _show(gemba.out, found, why=why)


def publish(
    cohort: CohortId,
    *,
    accept_unplaced: Annotated[
        bool, typer.Option("--accept-unplaced", help="Even if visits have no place; they are placed by hand later.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say who would be told by which channel and what it costs; do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a cohort's newest plan: its visits stand in the timetable and trainers are asked.

    Publishing it again changes nothing.
    """
    from deploy.local.cli._effects import show_effects
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        plan = gemba.client.send(calls.PLAN, cohort_id=cohort)
        if dry_run:
            show_effects(gemba, gemba.client.send(calls.EFFECTS, plan_id=plan["plan_id"]))
            return
        body = {"accept_unplaced": accept_unplaced}
        found = gemba.client.send(calls.PUBLISH, plan_id=plan["plan_id"], body=body)
        if as_json:
            gemba.out.document(found)
        gemba.out.line(
            f"Published: {found.get('name')}, {len(plan['placements'])} visits from "
            f"{found.get('first_day')} to {found.get('last_day')}. See them with ./gemba visit ls --cohort {cohort}"
        )


def again(
    cohort: CohortId,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is planned.")] = False,
    timeout: Timeout = 300.0,
    as_json: AsJson = False,
) -> None:
    """Plan a cohort anew that is not published yet, against what is known now."""
    from deploy.local.client import calls
    from deploy.local.client.planning import wait_for_plan
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.PLAN_AGAIN, cohort_id=cohort)
        if wait:
            found = wait_for_plan(gemba.client, found, seconds=timeout)
        if as_json:
            gemba.out.document(found)
        gemba.out.line(f"{found.get('name')}: {found.get('state')}")


def _show(out: Output, plan: dict[str, Any], *, why: bool) -> None:
    from deploy.local.cli._effects import help_text, show_absent
    from deploy.local.client.output import Column, plain

    placed, left = plan.get("placements") or [], plan.get("unplaced") or []
    out.record(
        [
            ("Plan", plan.get("plan_id")),
            ("State", plan.get("state")),
            ("Placed", f"{len(placed)} of {len(placed) + len(left)} visits"),
            ("Quality", f"{plan.get('status')}, cost {plan.get('cost')}, proven bound {plan.get('bound')}"),
        ]
    )
    if placed:
        out.table(
            placed,
            [
                Column("DAY", "day"),
                Column("HOURS", lambda row: f"{row.get('start')}–{row.get('end')}"),
                Column("DAYS", "days"),
                Column("STAGE", "stage"),
                Column("TRAINER", _trainers, wraps=True),
                Column("ENTERPRISES", "enterprises", wraps=True),
            ],
            gap=True,
        )
    show_absent(out, placed)
    for row in left:
        out.line(f"No place: {row.get('stage')} at {plain(row.get('enterprises'))}", gap=True)
        for one in row.get("reasons") or []:
            out.line(f"  because {one.get('text')}")
        for one in row.get("relaxations") or []:
            out.line(f"  {help_text(one)}")
    for row in placed if why else ():
        where = f"{row.get('day')} {row.get('stage')} at {plain(row.get('enterprises'))}"
        out.line(f"{where}: {_trainers(row)}", gap=True)
        for one in row.get("alternatives") or []:
            other = (one.get("trainer") or {}).get("name")
            reason = one.get("why_not") or f"on {one.get('day')} at {one.get('extra_cost')} more"
            out.line(f"  not {other}: {reason}")


def _trainers(row: Mapping[str, Any]) -> str:
    names = [row.get("trainer"), *(row.get("co_trainers") or [])]
    return ", ".join(str(one.get("name")) for one in names if one)
