"""``./gemba quarantine``: messages that could not be handled, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.local.cli import _complete
from deploy.local.cli._options import AsJson, Limit, examples, group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.client.calls import Call
    from deploy.local.client.session import Session

Where = Annotated[
    str,
    typer.Argument(metavar="SERVICE/ID", help="As `quarantine ls` shows it.", autocompletion=_complete.quarantined),
]


def register(app: typer.Typer) -> None:
    quarantine = group("quarantine", "Messages that could not be handled: list, show, replay, skip.")
    quarantine.command(
        "ls", epilog=examples("quarantine ls", "quarantine ls --service visits --json", "quarantine ls --state refused")
    )(ls)
    quarantine.command("show", epilog=examples("quarantine show visits/17"))(show)
    quarantine.command(
        "replay", epilog=examples("quarantine replay visits/17", "quarantine replay visits/17 visits/18")
    )(replay)
    quarantine.command("skip", epilog=examples("quarantine skip visits/17 --reason 'test message by hand'"))(skip)
    app.add_typer(quarantine)


def ls(
    *,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="Of one service.", autocompletion=_complete.services),
    ] = None,
    state: Annotated[
        str,
        typer.Option("--state", metavar="STATE", help="quarantined, waiting, failing, refused, skip or skipped."),
    ] = "quarantined",
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List what is in quarantine, over all services. Later facts of the same thing wait behind it.

    With --state, what is set aside for another reason: waiting for an earlier fact, refused by a rule …
    """
    from deploy.local.client import calls
    from deploy.local.client.each import chosen, items_of_each
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = items_of_each(gemba.client, chosen(calls.QUARANTINE, service), limit=limit, params={"state": state})
        rows = [{"ref": f"{row['service']}/{row['id']}", **row} for row in found]
        columns = [
            Column("SERVICE/ID", "ref"),
            Column("SINCE", "parked_at"),
            Column("TOPIC", "topic"),
            Column("OF", "aggregate"),
            Column("VERSION", "version"),
            Column("TRIES", "tries"),
            Column("REASON", "reason", wraps=True),
        ]
        gemba.out.items(rows, columns, empty=f"Nothing is {state}.")


def show(where: Where, *, as_json: AsJson = False) -> None:
    """Show one message that could not be handled, and why."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        found = {"ref": where, **_ask(gemba, calls.QUARANTINED, where)}
        if as_json:
            gemba.out.document(found)
        gemba.out.record([(name.replace("_", " ").capitalize(), value) for name, value in found.items()])


def replay(
    where: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVICE/ID...", help="As `quarantine ls` shows them.", autocompletion=_complete.quarantined
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Try them again from the start, when their cause is put right."""
    from deploy.local.client import calls
    from deploy.local.client.progress import progress
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        done = []
        with progress(len(where)) as bar:
            for one in where:
                bar.begin(f"replaying {one}")
                done.append({"ref": one, **_ask(gemba, calls.REPLAY_QUARANTINED, one)})
                bar.advance()
        if as_json:
            gemba.out.document({"items": done})
        gemba.out.line(f"{len(where)} tried again now; ./gemba quarantine ls shows what came back.")


def skip(
    where: Where,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the message.")],
    as_json: AsJson = False,
) -> None:
    """Put nothing in the message's place, so that what waits behind it goes on. There is no way back."""
    from deploy.local.client import calls
    from deploy.local.client.session import session

    with session(as_json=as_json) as gemba:
        done = {"ref": where, **_ask(gemba, calls.SKIP_QUARANTINED, where, body={"reason": reason})}
        if as_json:
            gemba.out.document(done)
        gemba.out.line(f"{where} is skipped; what waited behind it goes on.")


def _ask(gemba: Session, of_each: Mapping[str, Call], where: str, *, body: object = None) -> dict[str, Any]:
    from deploy.local.client.each import chosen
    from deploy.local.client.failure import ClientFailure

    service, slash, number = where.partition("/")
    if not (slash and number.isdecimal()):
        raise ClientFailure(
            "not_a_place",
            f"{where!r} names no message",
            exit_code=2,
            remedy="as `./gemba quarantine ls` shows it: visits/17",
        )
    answer = gemba.client.send(chosen(of_each, service)[service], body=body, parked_id=number)
    return dict(answer or {})
