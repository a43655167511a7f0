"""``./gemba plan diff|history|clashes``: one plan beside another, and beside the world as it is now."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deploy.local.cli._options import AsJson, CohortId, examples


def add_to(plan: typer.Typer) -> None:
    """These commands beside show, publish and again."""
    plan.command("diff", epilog=examples("plan diff 0198c3…", "plan diff 0198c3… 0198d4… 0198e5… --json"))(diff)
    plan.command("history", epilog=examples("plan history 0198c3…"))(history)
    plan.command("clashes", epilog=examples("plan clashes 0198c3…"))(clashes)


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
