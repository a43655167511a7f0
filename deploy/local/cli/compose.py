"""``./gemba compose …``: what a stack of containers needs besides ``docker compose`` itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

  ./gemba compose init && docker compose up -d

  ./gemba compose init --origin https://gemba.example.org --smtp-url smtps://… --sms-url https://…
"""


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Run Gemba as containers (docs/how-to/compose.md).", no_args_is_help=True)
    commands.command(epilog=_EXAMPLES)(init)
    app.add_typer(commands, name="compose")


def init(
    origin: Annotated[str, typer.Option(help="Where people reach it.")] = "https://localhost:8443",
    smtp_url: Annotated[str, typer.Option(help="The mail gateway; without one an inbox catches all mail.")] = "",
    sms_url: Annotated[str, typer.Option(help="The gateway for text messages.")] = "",
    brokers: Annotated[int, typer.Option(help="1, or 3 of which any one may be lost.")] = 1,
    certificate: Annotated[Path | None, typer.Option(help="A PEM file, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key.")] = None,
) -> None:
    """Write fresh secrets and a certificate as files, and .env; what is there already stays."""
    from deploy.compose import layout
    from deploy.compose.init import Choices, initialise

    made = initialise(Choices(origin, smtp_url, sms_url, brokers, certificate, key))
    typer.echo(f"{len(made)} files made below {layout.folder()}: keep it, and a copy of it elsewhere.")
    typer.echo("Next: docker compose up -d")
