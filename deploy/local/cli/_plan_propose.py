"""``./gemba plan propose|adopt``: a plan to look at, or a copy under other assumptions, before anybody is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._options import AsJson, CohortId, PlanId, Timeout, examples
from deploy.local.cli._plan_weights import points

if TYPE_CHECKING:
    from deploy.local.client.session import Session

_DAY = {"formats": ["%Y-%m-%d"], "metavar": "YYYY-MM-DD"}


def add_to(plan: typer.Typer) -> None:
    """These commands beside show, publish and again."""
    plan.command(
        "propose",
        epilog=examples(
            "plan propose 0198c3…",
            "plan propose 0198c3… --without BD-T02 --weight per_km=2 --plot copy.svg",
            "plan propose 0198c3… --until 2026-07-31 --json",
        ),
    )(propose)
    plan.command("adopt", epilog=examples("plan adopt 0198d4…"))(adopt)


def propose(
    cohort: CohortId,
    *,
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="NAME=POINTS", help="Suppose another weight; again for each."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="KEY", help="Suppose a trainer were not there; again for each."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Suppose visits may be as late as this.", **_DAY)
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw how the plan came about, as SVG.")
    ] = None,
    timeout: Timeout = 300.0,
    as_json: AsJson = False,
) -> None:
    """Plan a cohort now and wait for it. With --weight, --without or --until a copy: what if? The proposal stays as it is.

    Exit code 1 when not every visit found a place.
    """
    from deploy.local.client import calls
    from deploy.local.client.planning import wait_for_job
    from deploy.local.client.session import session

    supposed = {
        "weights": points(weight or []),
        "without": without or [],
        "until": f"{until:%Y-%m-%d}" if until else None,
    }
    with session(as_json=as_json) as gemba:
        if any(supposed.values()):
            job = gemba.client.send(calls.WHAT_IF, cohort_id=cohort, body=supposed)
            job = wait_for_job(gemba.client, job, seconds=timeout)
            plan = gemba.client.send(calls.ANY_PLAN, plan_id=job["plan_id"])
        else:
            plan = _plan_now(gemba, cohort, timeout)
        if plot is not None:
            _draw(plan, plot)
        if as_json:
            gemba.out.document(plan)
        _summary(gemba, plan)
        if plan["state"] == "what_if":
            gemba.out.line(f"A copy: compare it with ./gemba plan diff {cohort} {plan['plan_id']}", gap=True)
            gemba.out.line(f"and take it with ./gemba plan adopt {plan['plan_id']}")
        else:
            gemba.out.line(f"Next: ./gemba plan publish {cohort} --dry-run", gap=True)
    if plan["unplaced"]:
        raise typer.Exit(1)


def _plan_now(gemba: Session, cohort: str, timeout: float) -> dict[str, Any]:
    from deploy.local.client import calls
    from deploy.local.client.failure import ClientFailure
    from deploy.local.client.planning import wait_for_plan

    found = gemba.client.send(calls.COHORT, cohort_id=cohort)
    if found["state"] not in {"planning", "planned", "infeasible", "failed"}:
        raise ClientFailure(
            "cohort_not_open",
            f"cohort {cohort} is {found['state']}; a plan is proposed for one that is not published",
            remedy="./gemba repair propose changes what is published",
        )
    if found["state"] != "planning":
        found = gemba.client.send(calls.PLAN_AGAIN, cohort_id=cohort)
    try:
        wait_for_plan(gemba.client, found, seconds=timeout)
    except ClientFailure as failure:
        if failure.code != "infeasible":
            raise
    plan: dict[str, Any] = gemba.client.send(calls.PLAN, cohort_id=cohort)
    return plan


def _summary(gemba: Session, plan: dict[str, Any]) -> None:
    from deploy.local.cli._effects import show_absent
    from deploy.local.client.output import Column

    placed, left = len(plan["placements"]), len(plan["unplaced"])
    gap = "proven best" if plan["gap"] < 0.0005 else f"at most {100 * plan['gap']:.1f} % above the best there can be"
    gemba.out.record(
        [
            ("Plan", plan["plan_id"]),
            ("Placed", f"{placed} of {placed + left} visits"),
            ("Cost", f"{plan['cost']} points, {gap}"),
            ("Of it", {name: value for name, value in plan["parts"].items() if value}),
        ]
    )
    show_absent(gemba.out, plan["placements"])
    gemba.out.table(
        plan["loads"],
        [
            Column("TRAINER", "trainer", wraps=True),
            Column("VISITS", "visits"),
            Column("BOOKED BEFORE", "booked"),
            Column("EVEN SHARE", "share"),
            Column("KM", "km"),
            Column("NIGHTS", "nights"),
        ],
        gap=True,
    )


def _draw(plan: dict[str, Any], file: Path) -> None:
    from deploy.local.client.failure import ClientFailure
    from deploy.local.client.plot import trace_svg

    try:
        file.write_text(trace_svg(plan["trace"], f"Plan {plan['plan_id']}"), "utf-8")
    except (ValueError, OSError) as wrong:
        raise ClientFailure(
            "not_drawn", f"{file} was not drawn: {wrong}", remedy="plan it again, or name another file"
        ) from wrong


def adopt(plan: PlanId, *, as_json: AsJson = False) -> None:
    """Take a what-if copy for the cohort's proposal. Publishing checks it against the world as it is."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.ADOPT, plan_id=plan)
        if as_json:
            gemba.out.document(found)
        gemba.out.line(f"Plan {plan} is now the proposal of {found.get('name')}.")
