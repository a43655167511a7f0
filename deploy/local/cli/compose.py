"""``./gemba compose …``: what a stack of containers needs besides ``docker compose`` itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli._options import examples

Services = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]…", help="All of them, unless named.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Run Gemba as containers (docs/how-to/compose.md).", no_args_is_help=True)
    commands.command(epilog=examples("compose init", "compose init --origin https://gemba.example.org"))(init)
    commands.command(epilog=examples("compose administrator you@example.org"))(administrator)
    commands.command(epilog=examples("compose roll", "compose roll visits"))(roll)
    commands.command(epilog=examples("compose rotate kafka-visits", "compose rotate postgres-visits_run"))(rotate)
    commands.command(epilog=examples("compose backup /mnt/backup/monday"))(backup)
    commands.command(epilog=examples("compose restore /mnt/backup/monday"))(restore)
    commands.command("new-log", epilog=examples("compose new-log --brokers 3"))(new_log)
    commands.command(epilog=examples("compose demo"))(demo)
    app.add_typer(commands, name="compose")


def init(
    origin: Annotated[
        str, typer.Option(envvar="GEMBA_ORIGIN", help="Where people reach it.")
    ] = "https://localhost:8443",
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


def administrator(email: Annotated[str, typer.Argument(help="What the administrator signs in with.")]) -> None:
    """Make the first administrator, and keep the token where this command line finds it."""
    from deploy.compose import layout
    from deploy.compose.stack import Stack
    from deploy.local.administrator import TOKEN_FILE
    from deploy.local.state import write_private

    token = Stack().run_job("administrator", email)
    write_private(layout.folder() / TOKEN_FILE, token.encode() + b"\n")
    typer.echo(f"{email} is an administrator; ./gemba whoami uses the token in {layout.folder() / TOKEN_FILE}.")


def roll(services: Services = None) -> None:
    """Replace running containers by those of the image that is there now; nobody waits meanwhile."""
    from deploy.compose.roll import roll as roll_all
    from deploy.compose.stack import Stack
    from deploy.local.topology import SERVICES

    roll_all(Stack(), services or SERVICES, typer.echo)


def rotate(name: Annotated[str, typer.Argument(help="A secret, as its file is called.")]) -> None:
    """Replace a password of a service; nobody waits meanwhile."""
    from deploy.compose.rotate import rotate as rotate_one
    from deploy.compose.stack import Stack

    rotate_one(Stack(), name, typer.echo)


def backup(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; it must not exist yet.")]) -> None:
    """Back up all databases at one instant, and the secrets, while it runs."""
    from deploy.compose.backup import take_backup
    from deploy.compose.stack import Stack

    take_backup(Stack(), folder, typer.echo)


def restore(folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `compose backup` made.")]) -> None:
    """Put a backup into a stack without data; it starts on a new log, and on hold."""
    from deploy.compose.backup import restore_backup
    from deploy.compose.stack import Stack

    restore_backup(Stack(), folder, typer.echo)


def new_log(brokers: Annotated[int, typer.Option(help="1, or 3 of which any one may be lost.")] = 1) -> None:
    """Format the log anew, for one broker or three; services publish everything again."""
    from deploy.compose.new_log import move_to_new_log
    from deploy.compose.stack import Stack

    move_to_new_log(Stack(), brokers, typer.echo)


def demo() -> None:
    """Play the sample programme's story on a stack that was started with deploy/compose/demo.yml."""
    from deploy.compose.demo import play_story
    from deploy.compose.stack import Stack

    play_story(Stack())
