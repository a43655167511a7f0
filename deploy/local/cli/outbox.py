"""``./gemba outbox``: publish again what was published before."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, examples, group


def register(app: typer.Typer) -> None:
    outbox = group("outbox", "The facts that services have to publish.")
    outbox.command("replay", epilog=examples("outbox replay", "outbox replay visits --json"))(replay)
    app.add_typer(outbox)


def replay(
    service: Annotated[
        str | None, typer.Argument(help="One service; all unless given.", autocompletion=_complete.services)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Publish every fact once more, in its order and with its own id.

    For a log that lost something. Who has handled a fact passes it over, so nothing happens twice.
    """
    from deploy.local.client import calls
    from deploy.local.client.each import chosen
    from deploy.local.client.output import Column
    from deploy.local.client.progress import progress
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        asked = chosen(calls.REPLAY_OUTBOX, service)
        rows = []
        with progress(len(asked)) as bar:
            for name, call in asked.items():
                bar.begin(f"asking {name}")
                rows.append({"service": name, **(gemba.client.send(call) or {})})
                bar.advance()
        columns = [Column("SERVICE", "service"), Column("TO PUBLISH", "pending")]
        gemba.out.items(rows, columns, empty="There is no service.")
        gemba.out.line("They publish now; ./gemba status says how far they are.", gap=True)
