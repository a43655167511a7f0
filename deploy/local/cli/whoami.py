"""``./gemba whoami``: whose token is used, and where."""

from __future__ import annotations

import typer

from deploy.local.cli._options import AsJson, examples


def register(app: typer.Typer) -> None:
    app.command(epilog=examples("whoami", "whoami --json"))(whoami)


def whoami(*, as_json: AsJson = False) -> None:
    """Show the person whose token is used, their roles, and the installation's address."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        me = gemba.client.send(calls.ME)
        place = gemba.client.place
        if as_json:
            gemba.out.document({**me, "url": place.url, "token_from": place.token_from})
        gemba.out.record(
            [
                ("Name", me.get("name")),
                ("Key", me.get("key")),
                ("Id", me.get("person_id")),
                ("Roles", me.get("roles")),
                ("Countries", me.get("countries")),
                ("Zone", me.get("zone")),
                ("Installation", place.url),
                ("Token from", place.token_from),
            ]
        )
