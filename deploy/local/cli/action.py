"""``./gemba action``: what enterprises have to put right."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli._options import ActionId, AsJson, Limit, examples, group

_WHOSE = "a coordinator's, a head's, a trainer's or an enterprise contact's token is needed"


def register(app: typer.Typer) -> None:
    action = group("action", "Corrective actions: list, show.")
    action.command("ls", epilog=examples("action ls", "action ls --open", "action ls --state submitted --json"))(ls)
    action.command("show", epilog=examples("action show 0198c3…", "action show 0198c3… --json"))(show)
    app.add_typer(action)


def ls(
    *,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="open, submitted, visited or verified.")
    ] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Without those that are verified.")] = False,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List corrective actions of your countries, or your own. Times are UTC."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.items(calls.ACTIONS, params={"state": state, "open": only_open or None}, limit=limit)
        columns = [
            Column("ACTION", "action_id"),
            Column("DUE", "due_at"),
            Column("STATE", "state"),
            Column("GRADE", "grade"),
            Column("ITEM", "item"),
            Column("OVERDUE TIER", lambda row: row.get("overdue_tier") or None),
            Column("VERIFIED BY", "verification"),
            Column("ENTERPRISE", "enterprise", wraps=True),
            Column("OWNER", "owner", wraps=True),
        ]
        gemba.out.items(found, columns, empty="There is no such action in your countries (`./gemba whoami`).")


def show(action: ActionId, *, as_json: AsJson = False) -> None:
    """Show one corrective action and what happened to it."""
    from deploy.local.client import calls
    from deploy.local.client.reading import show_all
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.send(calls.ACTION, action_id=action)
        if as_json:
            gemba.out.document(found)
        show_all(gemba.out, found)
