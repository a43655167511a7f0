"""``./gemba up``: run everything on this machine until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from deploy.local.installation import Installation

_EXAMPLES = """Examples:

  ./gemba up

  GEMBA_STATE=/srv/gemba ./gemba up

  GEMBA_POSTGRES=postgresql://admin:…@db/postgres GEMBA_KAFKA=kafkas://admin:…@log:9093 ./gemba up
"""


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(up)


def up() -> None:
    """Start PostgreSQL, Kafka, the services and the web origin; stop them with Ctrl-C."""
    import asyncio

    asyncio.run(_up())


async def _up() -> None:
    from deploy.local.foreground import Timeline, until_interrupted
    from deploy.local.installation import default_state, running_installation

    say = Timeline()

    async def run() -> None:
        from asyncio import Event

        async with running_installation(default_state(), report=say) as gemba:
            _announce(gemba)
            try:
                await Event().wait()
            finally:
                say("gemba", "stopping (once more Ctrl-C to kill)")

    await until_interrupted(run(), say)


def _announce(gemba: Installation) -> None:
    typer.echo(f"\nGemba runs at {gemba.origin}\n")
    if gemba.inbox_url:
        key = gemba.state.secret("inbox")
        typer.echo(
            "No mail leaves this machine: set GEMBA_SMTP_URL and GEMBA_SMS_URL for real use.\n"
            f"Until then mail and text messages are in {gemba.inbox_url}open?key={key}\n"
        )
    memory = gemba.supervisor.memory()
    parts = ", ".join(f"{name} {size // 1_000_000}" for name, size in memory.items())
    typer.echo(f"Memory: {sum(memory.values()) // 1_000_000} MB ({parts})")
    typer.echo(f"State and logs: {gemba.state.folder}. Stop with Ctrl-C.\n")
