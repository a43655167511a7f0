"""``./gemba timers``: the deadlines that are armed."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, examples, group


def register(app: typer.Typer) -> None:
    timers = group("timers", "Deadlines: what will happen by itself, and when.")
    timers.command("ls", epilog=examples("timers ls", "timers ls --service visits --limit 20 --json"))(ls)
    app.add_typer(timers)


def ls(
    *,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="Of one service.", autocompletion=_complete.services),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List armed deadlines of all services, the next one first. Times are UTC, on the installation's clock."""
    from deploy.local.client import calls
    from deploy.local.client.each import chosen, items_of_each
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = items_of_each(gemba.client, chosen(calls.TIMERS, service), limit=limit, params={"limit": limit})
        rows = sorted(found, key=lambda row: str(row.get("due_at")))[:limit]
        columns = [
            Column("DUE", "due_at"),
            Column("SERVICE", "service"),
            Column("KIND", "kind"),
            Column("OF", "aggregate"),
            Column("OVERDUE", "overdue"),
            Column("FAILURES", "failures"),
        ]
        gemba.out.items(rows, columns, empty="No deadline is armed.")
