"""``./gemba status``: what waits, what is behind, what is in trouble, over all services."""

from __future__ import annotations

from typing import Any

import typer

from deploy.local.cli._options import AsJson, examples

_PATIENCE_SECONDS = 3.0


def register(app: typer.Typer) -> None:
    app.command(epilog=examples("status", "status --json | jq .quiet"))(status)


def status(*, as_json: AsJson = False) -> None:
    """Show what every service is doing: quiet, waiting, behind on the log, in trouble.

    Exit code 1 when a service is in trouble, does not answer or has something in quarantine; 5 when none answers.
    """
    from deploy.local.client import calls
    from deploy.local.client.each import ask_each
    from deploy.local.client.failure import UNREACHABLE, ClientFailure
    from deploy.local.client.session import session

    with session(as_json=as_json, patience_seconds=_PATIENCE_SECONDS) as gemba:
        answers = ask_each(gemba.client, calls.STATUS)
        failures = [answer for answer in answers.values() if isinstance(answer, ClientFailure)]
        if len(failures) == len(answers):
            raise failures[0]
        rows = [_row(service, answer) for service, answer in answers.items()]
        well = not any(row["trouble"] or row["quarantined"] for row in rows)
        quiet = all(row["quiet"] for row in rows)
        if as_json:
            gemba.out.document({"well": well, "quiet": quiet, "items": rows})
        _show(gemba.out, rows)
    unreachable = any(failure.exit_code == UNREACHABLE for failure in failures)
    raise typer.Exit(0 if well and not unreachable else 1)


def _row(service: str, answer: Any) -> dict[str, Any]:
    """One service's answer; the same keys where it did not come."""
    if isinstance(answer, Exception):
        return {
            "service": service, "quiet": False, "waiting": {}, "counters": {}, "quarantined": None, "refused": None,
            "next_due": None, "now": None, "trouble": str(answer.args[0]),
        }  # fmt: skip
    return {"service": service, "trouble": None, "quarantined": 0, "refused": 0, "next_due": None, **answer}


def _show(out: Any, rows: list[dict[str, Any]]) -> None:
    from deploy.local.client.output import Column

    def waiting(row: Any) -> str:
        return ", ".join(f"{name} {n}" for name, n in (row.get("waiting") or {}).items() if n and name != "lag")

    out.table(
        rows,
        [
            Column("SERVICE", "service"),
            Column("QUIET", "quiet"),
            Column("WAITING", waiting, wraps=True),
            Column("LAG", lambda row: (row.get("waiting") or {}).get("lag")),
            Column("QUARANTINED", "quarantined"),
            Column("REFUSED", "refused"),
            Column("NEXT DUE", "next_due"),
            Column("TROUBLE", "trouble", wraps=True),
        ],
    )
