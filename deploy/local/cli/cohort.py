"""``./gemba cohort``: enterprises that go through a module together."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, CohortId, Limit, Timeout, examples, group

if TYPE_CHECKING:
    from deploy.local.client.output import Output

_DAY = {"formats": ["%Y-%m-%d"], "metavar": "YYYY-MM-DD"}


def register(app: typer.Typer) -> None:
    cohort = group("cohort", "Cohorts: create, list, show, cancel.")
    cohort.command(
        "create",
        epilog=examples(
            "cohort create --country BD --module WC --from 2026-02-01 --to 2026-06-30 \\",
            "    -e BD-E01 -e BD-E02 -e BD-E03 -e BD-E04 -e BD-E05 --wait",
            "cohort create --country PE --module WC --from 2026-03-02 --to 2026-06-30 \\",
            "    -e PE-E01,PE-E02,PE-E03,PE-E04 --trainer PE-T01,PE-T02 --json",
        ),
    )(create)
    cohort.command("ls", epilog=examples("cohort ls", "cohort ls --state planned --json"))(ls)
    cohort.command("show", epilog=examples("cohort show 0198c3…", "cohort show 0198c3… --json"))(show)
    cohort.command("cancel", epilog=examples("cohort cancel 0198c3… --reason 'The module was postponed.'"))(cancel)
    app.add_typer(cohort)


def create(
    *,
    country: Annotated[str, typer.Option("--country", metavar="CC", help="Two letters, such as BD.")],
    module: Annotated[str, typer.Option("--module", metavar="CODE", help="The module's code, such as WC.")],
    enterprise: Annotated[
        list[str],
        typer.Option(
            "--enterprise", "-e", metavar="KEY", help="Key or id; again for each.", autocompletion=_complete.enterprises
        ),
    ],
    first_day: Annotated[datetime, typer.Option("--from", help="The first day.", **_DAY)],
    last_day: Annotated[datetime, typer.Option("--to", help="The last day.", **_DAY)],
    trainer: Annotated[
        list[str] | None,
        typer.Option("--trainer", metavar="KEY", help="Again for each; all of the country unless given."),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Module and month unless given.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it is planned.")] = False,
    timeout: Timeout = 300.0,
    as_json: AsJson = False,
) -> None:
    """Create a cohort in one act; its visits are planned at once, and nobody is told before it is published.

    With --wait, exit code 1 when not every visit found a place.
    """
    from deploy.local.client import calls
    from deploy.local.client.planning import wait_for_plan
    from deploy.local.client.session import session

    keys, ids = _keys_and_ids(_split(enterprise))
    body = {
        "name": name,
        "country": country.upper(),
        "module": module,
        "enterprise_keys": keys,
        "enterprise_ids": ids,
        "trainer_keys": _split(trainer or []) or None,
        "first_day": f"{first_day:%Y-%m-%d}",
        "last_day": f"{last_day:%Y-%m-%d}",
    }
    with session(as_json=as_json) as gemba:
        made = gemba.client.send(calls.CREATE_COHORT, body=body)
        if wait:
            made = wait_for_plan(gemba.client, made, seconds=timeout)
        if as_json:
            gemba.out.document(made)
        _show(gemba.out, made)
        if made["state"] == "planned":
            gemba.out.line(f"Next: ./gemba plan show {made['cohort_id']}", gap=True)


def ls(
    *,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="planning, planned, infeasible, failed, published, completed or cancelled."
        ),
    ] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List the cohorts of your countries, the newest first."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.items(calls.COHORTS, params={"state": state}, limit=limit)
        columns = [
            Column("COHORT", "cohort_id"),
            Column("COUNTRY", "country"),
            Column("MODULE", "module"),
            Column("FROM", "first_day"),
            Column("TO", "last_day"),
            Column("STATE", "state"),
            Column("VISITS", lambda row: (row.get("figures") or {}).get("visits")),
            Column("REPORTED", lambda row: (row.get("figures") or {}).get("reported")),
            Column("NAME", "name", wraps=True),
        ]
        empty = "There is no such cohort in your countries (`./gemba whoami` shows them)."
        gemba.out.items(found, columns, empty=empty)


def show(cohort: CohortId, *, as_json: AsJson = False) -> None:
    """Show one cohort with its enterprises and figures."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.COHORT, cohort_id=cohort)
        if as_json:
            gemba.out.document(found)
        _show(gemba.out, found)


def cancel(
    cohort: CohortId,
    *,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; everybody who was invited is told that it is off.")
    ],
    as_json: AsJson = False,
) -> None:
    """Cancel a cohort and withdraw its visits; cancelling it again changes nothing."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = gemba.client.send(calls.CANCEL_COHORT, cohort_id=cohort, body={"reason": reason})
        if as_json:
            gemba.out.document(found)
        _show(gemba.out, found)


def _show(out: Output, cohort: dict[str, Any]) -> None:
    out.record(
        [
            ("Cohort", cohort.get("cohort_id")),
            ("Name", cohort.get("name")),
            ("Country", cohort.get("country")),
            ("Module", f"{cohort.get('module')} ({cohort.get('module_title')})"),
            ("Days", f"{cohort.get('first_day')} to {cohort.get('last_day')}"),
            ("State", cohort.get("state")),
            ("Trouble", cohort.get("trouble")),
            ("Cancelled", cohort.get("cancel_reason")),
            ("Enterprises", [f"{one.get('name')} ({one.get('key')})" for one in cohort.get("enterprises") or []]),
            ("Trainers", cohort.get("trainer_keys") or "all of the country"),
            ("Visits", cohort.get("figures")),
            ("Created", cohort.get("created_at")),
            ("Published", cohort.get("published_at")),
            ("Ended", cohort.get("ended_at")),
        ]
    )


def _split(given: list[str]) -> list[str]:
    """`-e A -e B` and `-e A,B` are the same."""
    return [one.strip() for text in given for one in text.split(",") if one.strip()]


def _keys_and_ids(given: list[str]) -> tuple[list[str], list[str]]:
    from uuid import UUID

    keys: list[str] = []
    ids: list[str] = []
    for one in given:
        try:
            ids.append(str(UUID(one)))
        except ValueError:
            keys.append(one)
    return keys, ids
