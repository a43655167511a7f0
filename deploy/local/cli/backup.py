"""``./gemba backup`` and ``./gemba restore``: all databases at one instant, and an installation from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli._options import AsJson, examples


def register(app: typer.Typer) -> None:
    app.command(epilog=examples("backup /mnt/backup/monday", "backup /mnt/backup/monday --json"))(backup)
    app.command(epilog=examples("restore /mnt/backup/monday", "restore /mnt/backup/monday --json"))(restore)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; it must not exist yet, or be empty.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Back up everything, while Gemba runs or not.

    What was answered with success before it began is in it, all databases at one instant. It holds the keys
    that open every case's text: keep it as safe as the installation.
    """
    import json
    from dataclasses import asdict

    from deploy.local.backup import take_backup
    from deploy.local.installation import default_state

    made = take_backup(default_state(), folder)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder.resolve()), **asdict(made)}, indent=2))
        return
    typer.echo(
        f"{folder}: {made.bytes / 1_000_000:.1f} MB, checked. It holds all that was answered before {made.began_at}."
    )
    typer.echo("It holds the keys to every case's text and all passwords: keep it as safe as the installation.")


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `./gemba backup` made.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Make an installation from a backup, in an empty state folder.

    Its log is formatted anew at the next `./gemba up`. Deadlines and messages then stand on hold until you have looked
    at them (`./gemba hold ls`) and released them: the former life may have told people more than the backup knows.
    """
    import json
    from dataclasses import asdict

    from deploy.local.installation import default_state
    from deploy.local.restore import restore_backup

    state = default_state()
    used = restore_backup(folder, state)
    if as_json:
        typer.echo(json.dumps({"folder": str(state.folder), "backup": asdict(used)}, indent=2))
        return
    typer.echo(f"{state.folder} is as it was at {used.ended_at}. Start it with ./gemba up: nothing is sent until")
    typer.echo("you have looked at what fell due meanwhile (./gemba hold ls) and released it (./gemba hold release).")
