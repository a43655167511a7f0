"""``./gemba hold``: what stands still since a restore, and letting it go."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, examples, group

Service = Annotated[
    str | None,
    typer.Option("--service", metavar="NAME", help="Of one service.", autocompletion=_complete.services),
]


def register(app: typer.Typer) -> None:
    hold = group("hold", "What stands still since a restore: list, release.")
    hold.command("ls", epilog=examples("hold ls", "hold ls --service notifications --json"))(ls)
    hold.command("release", epilog=examples("hold release", "hold release --service visits"))(release)
    app.add_typer(hold)


def ls(
    *,
    service: Service = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many of each service.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List deadlines and messages that fell due since the instant that was restored. Times are UTC.

    The former life may have sent some of them. What is released happens at once.
    """
    from deploy.local.client import calls
    from deploy.local.client.each import chosen
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        rows, on_hold = [], False
        for name, call in chosen(calls.HOLD, service).items():
            found = gemba.client.send(call, params={"limit": limit}) or {}
            on_hold = on_hold or bool(found.get("on_hold"))
            rows += [{"service": name, **item} for item in found.get("items", [])]
        rows.sort(key=lambda row: str(row["due_at"]))
        columns = [
            Column("DUE", "due_at"),
            Column("SERVICE", "service"),
            Column("WHAT", "what"),
            Column("KIND", "kind"),
            Column("OF", "aggregate"),
        ]
        empty = "It is on hold, and nothing is due." if on_hold else "Nothing is on hold."
        gemba.out.items(rows, columns, empty=empty)


def release(*, service: Service = None, as_json: AsJson = False) -> None:
    """Let it happen now: deadlines fire, messages go out. There is no way back."""
    from deploy.local.client import calls
    from deploy.local.client.each import chosen
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        rows = [
            {"service": name, **(gemba.client.send(call) or {})}
            for name, call in chosen(calls.RELEASE_HOLD, service).items()
        ]
        gemba.out.items(
            rows, [Column("SERVICE", "service"), Column("RELEASED", "released")], empty="There is no service."
        )
