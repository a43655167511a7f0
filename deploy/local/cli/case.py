"""``./gemba case``: zero-tolerance cases, for those who may see them."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli._options import AsJson, CaseId, Limit, examples, group

_WHOSE = "an officer's, a deputy's or a head's token is needed: nobody else reads cases"
_ACKNOWLEDGED = ("case_id", "country", "item", "stage", "standing", "tier", "owner", "due_at")


def register(app: typer.Typer) -> None:
    case = group("case", "Zero-tolerance cases: list, show, acknowledge. With a safeguarding person's token.")
    case.command("ls", epilog=examples("case ls", "case ls --open", "case ls --standing unowned", "case ls --json"))(ls)
    case.command("show", epilog=examples("case show 0198c3…", "case show 0198c3… --json"))(show)
    case.command("ack", epilog=examples("case ack 0198c3…", "case ack 0198c3… --take-over"))(ack)
    app.add_typer(case)


def ls(
    *,
    standing: Annotated[
        str | None,
        typer.Option("--standing", metavar="STANDING", help="alerting, unowned, owned, asked, closing or closed."),
    ] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Without those that are closed.")] = False,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List the cases that you may see, the newest first. Times are UTC."""
    from deploy.local.client import calls
    from deploy.local.client.output import Column
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.items(calls.CASES, params={"standing": standing, "open": only_open or None}, limit=limit)
        columns = [
            Column("CASE", "case_id"),
            Column("COUNTRY", "country"),
            Column("ITEM", "item"),
            Column("STAGE", "stage"),
            Column("STANDING", "standing"),
            Column("TIER", "tier"),
            Column("NEXT STEP", "due_at"),
            Column("OWNER", "owner", wraps=True),
            Column("OPENED", "opened_at"),
        ]
        gemba.out.items(
            found,
            columns,
            empty="There is no such case for you to see. Officers, deputies and heads see those of their countries.",
        )


def show(case: CaseId, *, as_json: AsJson = False) -> None:
    """Show one case with its steps. Your reading is on record."""
    from deploy.local.client import calls
    from deploy.local.client.reading import show_all
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        found = gemba.client.send(calls.CASE, case_id=case)
        if as_json:
            gemba.out.document(found)
        show_all(gemba.out, found)


def ack(
    case: CaseId,
    *,
    take_over: Annotated[bool, typer.Option("--take-over", help="From somebody who has it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Acknowledge a case: it is yours now, for as long as its protocol says. A note of progress renews that."""
    from deploy.local.client import calls
    from deploy.local.client.output import plain
    from deploy.local.client.session import session

    with session(as_json=as_json, whose=_WHOSE) as gemba:
        answer = gemba.client.send(calls.ACKNOWLEDGE_CASE, case_id=case, body={"take_over": take_over})
        if as_json:
            # Never the texts of the case: whoever acknowledges in a script keeps its output in a log.
            gemba.out.document({name: answer.get(name) for name in _ACKNOWLEDGED})
        gemba.out.line(f"Case {case} is yours until {plain(answer.get('due_at'))}.")
