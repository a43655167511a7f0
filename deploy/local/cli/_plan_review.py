"""``./gemba plan propose|explain|diff|history|adopt|clashes|weights``: looking at a plan before anybody is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli._options import AsJson, CohortId, examples

if TYPE_CHECKING:
    from deploy.local.client.session import Session

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Its id, as `plan history` shows it.")]
Seconds = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait at most.")]
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
    plan.command(
        "explain",
        epilog=examples(
            "plan explain 0198c3…",
            "plan explain 0198c3… baseline/BD-E01",
            "plan explain 0198c3… 0198d4… --trainer BD-T03",
        ),
    )(explain)
    plan.command("diff", epilog=examples("plan diff 0198c3…", "plan diff 0198c3… 0198d4… 0198e5… --json"))(diff)
    plan.command("history", epilog=examples("plan history 0198c3…"))(history)
    plan.command("adopt", epilog=examples("plan adopt 0198d4…"))(adopt)
    plan.command("clashes", epilog=examples("plan clashes 0198c3…"))(clashes)
    plan.command(
        "weights",
        epilog=examples(
            "plan weights BD",
            "plan weights BD --set per_km=0.5 --set per_night_away=200",
            "plan weights BD --cohort 0198c3… --reset",
        ),
    )(weights)


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
    timeout: Seconds = 300.0,
    as_json: AsJson = False,
) -> None:
    """Plan a cohort now and wait for it. With --weight, --without or --until a copy: what if? The proposal stays as it is.

    Exit code 1 when not every visit found a place.
    """
    from deploy.local.client import calls
    from deploy.local.client.planning import wait_for_job
    from deploy.local.client.session import session

    supposed = {
        "weights": _points(weight or []),
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
            told.append(why | {"stage": one["stage"], "enterprises": one["enterprises"]})
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
    from deploy.local.cli._effects import help_text
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
    for one in why["trainers"]:
        gemba.out.line(f"  not {one['trainer']['name']}: {_against(one)}")
    for one in why["days"]:
        gemba.out.line(f"  not on {one['day']}: {one['extra_cost']:+g} points{_by_part(one)}")


_PARTS = {
    "km": "kilometres", "off_target": "days off target", "continuity": "another trainer there", "not_preferred": "not the preferred one",
    "load": "above an even share", "nights": "nights away", "start": "later hour",
}  # fmt: skip


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


def diff(
    cohort: CohortId,
    plan: Annotated[str | None, typer.Argument(metavar="[PLAN]", help="The newest unless given.")] = None,
    against: Annotated[str | None, typer.Argument(metavar="[AGAINST]", help="The proposal, or the one before.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """What differs between two plans of a cohort: visits, people, calendar entries, cost."""
    from deploy.local.cli._effects import show_changes
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        known = gemba.client.send(calls.PLANS, cohort_id=cohort)["items"]
        plan, against = _two(known, plan, against)
        found = gemba.client.send(calls.DIFFERENCE, params={"against": against}, plan_id=plan)
        if as_json:
            gemba.out.document(found)
        cost, entries = found["cost"] or {}, found["calendar_entries"]
        gemba.out.record(
            [
                ("Plan", plan),
                ("Against", against or "how its visits stand now"),
                ("Visits", f"{found['figures']['visits']} differ"),
                ("Cost", f"{cost['before']} → {cost['after']} ({cost['difference']:+g})" if cost else None),
                ("Of it", {name: value for name, value in (cost.get("parts") or {}).items() if value}),
                ("Calendar", f"{entries['new']} new, {entries['updated']} updated, {entries['cancelled']} cancelled"),
            ]
        )
        show_changes(gemba, found["changes"])


def _two(known: list[dict[str, Any]], plan: str | None, against: str | None) -> tuple[str, str | None]:
    """The plans to compare: the newest with the cohort's proposal, or with the one before."""
    from deploy.local.client.failure import NOT_FOUND, ClientFailure

    if not known:
        raise ClientFailure(
            "not_found", "this cohort has no plan yet", exit_code=NOT_FOUND, remedy="./gemba plan propose"
        )
    chosen = plan or known[0]["plan_id"]
    if against is not None:
        return chosen, against
    others = [one for one in known if one["plan_id"] != chosen]
    current = [one for one in others if one["state"] in {"proposed", "published"}]
    before = current or others
    return chosen, before[0]["plan_id"] if before else None


def history(cohort: CohortId, *, as_json: AsJson = False) -> None:
    """Every plan that was made for a cohort, the newest first."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.PLANS, cohort_id=cohort)["items"]
        columns = [
            Column("PLAN", "plan_id"),
            Column("MADE", "created_at"),
            Column("STATE", "state"),
            Column("PLACED", lambda row: f"{row['placed']} of {row['placed'] + row['unplaced']}"),
            Column("COST", "cost"),
            Column("GAP", lambda row: f"{100 * row['gap']:.1f} %"),
            Column("SUPPOSED", lambda row: {k: v for k, v in (row["assumptions"] or {}).items() if v}, wraps=True),
        ]
        gemba.out.items(found, columns, empty="This cohort has no plan yet.")


def adopt(plan: PlanId, *, as_json: AsJson = False) -> None:
    """Take a what-if copy for the cohort's proposal. Publishing checks it against the world as it is."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.ADOPT, plan_id=plan)
        if as_json:
            gemba.out.document(found)
        gemba.out.line(f"Plan {plan} is now the proposal of {found.get('name')}.")


def clashes(cohort: CohortId, *, as_json: AsJson = False) -> None:
    """Ask the independent checker whether a cohort's proposal still holds in the world as it is now; exit code 1 if not."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        plan = gemba.client.send(calls.PLAN, cohort_id=cohort)
        found = gemba.client.send(calls.CLASHES, plan_id=plan["plan_id"])["items"]
        columns = [
            Column("RULE", "code"),
            Column("STAGE", "field"),
            Column("DAY", "day"),
            Column("WHAT STANDS AGAINST IT", "message", wraps=True),
        ]
        gemba.out.items(found, columns, empty="Nothing stands against this plan.")
    if found:
        raise typer.Exit(1)


def weights(
    country: Annotated[str, typer.Argument(metavar="CC", help="Two letters, such as BD.")],
    *,
    cohort: Annotated[str | None, typer.Option("--cohort", metavar="COHORT", help="Of one cohort.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=POINTS", help="Replaces what was set; again for each.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Nothing set: the country's, or the defaults, count again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What a point is worth in plans of a country or a cohort; plans made from then on use it."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        if set_ or reset:
            body = {"country": country.upper(), "cohort_id": cohort, "weights": {} if reset else _points(set_ or [])}
            found = gemba.client.send(calls.SET_WEIGHTS, body=body)
        else:
            found = gemba.client.send(calls.WEIGHTS, params={"country": country.upper(), "cohort": cohort})
        columns = [
            Column("WEIGHT", "name"),
            Column("POINTS", "points"),
            Column("SET FOR", "set_for"),
            Column("FOR", "meaning", wraps=True),
        ]
        if as_json:
            gemba.out.document(found)
        else:
            gemba.out.table(found["items"], columns)


def _points(given: list[str]) -> dict[str, float]:
    """`per_km=2` and the like. Raises the option parser's own error, with exit code 2."""
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            msg = f"“{text}” is no weight; right is a name and points, such as per_km=2"
            raise typer.BadParameter(msg) from None
    return found
