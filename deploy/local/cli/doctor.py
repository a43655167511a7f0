"""``./gemba doctor``: what is missing or unhealthy, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

_EXAMPLES = """Exit code: 0 when all is well, 1 when something is not.

Examples:

  ./gemba doctor

  ./gemba doctor --json
"""


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(doctor)


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look at this machine and, where it runs, at the installation."""
    import json
    from dataclasses import asdict

    from deploy.local.doctor import examine
    from deploy.local.installation import default_state

    findings = examine(default_state())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = {"well": "ok  ", "advice": "note", "ill": "BAD "}[finding.state]
            typer.echo(f"{mark} {finding.subject}: {finding.what}")
            if finding.remedy:
                typer.echo(f"       → {finding.remedy}")
    raise typer.Exit(1 if any(finding.state == "ill" for finding in findings) else 0)
