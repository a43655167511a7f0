"""``./gemba visit``: visits after publication."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, Limit, VisitId, examples, group

_WHOSE = "a coordinator's, a head's or a trainer's token is needed"


def register(app: typer.Typer) -> None:
    visit = group("visit", "Visits that were published: list, show.")
    visit.command("ls", epilog=examples("visit ls", "visit ls --state missed", "visit ls --cohort 0198c3… --json"))(ls)
    visit.command("show", epilog=examples("visit show 0198c3…", "visit show 0198c3… --json"))(show)
    app.add_typer(visit)


def ls(
    *,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="offered, confirmed, declined, lapsed, missed, reported or cancelled.",
        ),
    ] = None,
    cohort: Annotated[
        str | None,
        typer.Option("--cohort", metavar="COHORT", help="Of one cohort.", autocompletion=_complete.cohorts),
    ] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List visits in the order of their start, on the clock of their place: a trainer's own, or your countries'."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.reading import begins
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.items(calls.VISITS, params={"state": state, "cohort_id": cohort}, limit=limit)
        columns = [
            Column("VISIT", "visit_id"),
            Column("BEGINS", begins),
            Column("STAGE", "stage"),
            Column("STATE", "state"),
            Column("TRAINER", "trainer", wraps=True),
            Column("ENTERPRISES", "enterprises", wraps=True),
        ]
        empty = "There is no such visit in your countries (`./gemba whoami` shows them)."
        gemba.out.items(found, columns, empty=empty)


def show(visit: VisitId, *, as_json: AsJson = False) -> None:
    """Show one visit: who goes, who was asked, what was reported."""
    from deploy.local.client import calls
    from deploy.local.client.reading import show_all
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.send(calls.VISIT, visit_id=visit)
        if as_json:
            gemba.out.document(found)
        show_all(gemba.out, found)
