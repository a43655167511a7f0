"""What a backup says of itself, and whether all of it is still there as it was written.

DIR/backup.json      made last: a folder without it is no backup
DIR/postgres/        one base backup of the whole server with its WAL, checked by its own manifest
DIR/state/           keys, secrets, ports, the administrator's token: what opens the databases
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.local.postgres import postgres_binaries
from deploy.local.problem import Problem
from deploy.local.state import STATE_VERSION, write_private
from deploy.local.topology import SERVICES

FORMAT = 1
"""Raised when the folder is laid out differently."""
FILE = "backup.json"
POSTGRES = "postgres"
STATE = "state"


@dataclass(frozen=True, slots=True)
class Backup:
    """`began_at` and `ended_at` are ISO 8601 in UTC: what was answered with success before `began_at` is in it."""

    backup_id: str
    began_at: str
    ended_at: str
    postgres_version: int
    revisions: dict[str, str]
    """The newest migration of each service's database."""
    files: dict[str, str]
    """SHA-256 of each file below `state/`, by its relative path."""
    bytes: int
    state_version: int = STATE_VERSION
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        content = json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"
        write_private(folder / FILE, content.encode())


def read_backup(folder: Path) -> Backup:
    """Raises Problem when it is no backup, one of a newer version, or damaged."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if found["format"] > FORMAT or found["state_version"] > STATE_VERSION:
            raise Problem(
                f"{folder} was made by a newer Gemba (format {found['format']}, state {found['state_version']}; this one "
                f"knows {FORMAT} and {STATE_VERSION})",
                remedy="restore it with the release that made it, or a newer one",
            )
        backup = Backup(**found)
    except FileNotFoundError as error:
        raise Problem(
            f"{folder} is not a backup: it has no {FILE}",
            remedy="name the folder that `./gemba backup` made; one that broke off has no such file either",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{FILE} cannot be read: {error}") from error
    _check_versions(folder, backup)
    return backup


def check_content(folder: Path, backup: Backup) -> None:
    """Read every byte and compare it with what was written. Raises Problem for the first thing that differs."""
    here = digests(folder / STATE)
    for name, digest in backup.files.items():
        if here.get(name) != digest:
            raise _damaged(folder, f"{STATE}/{name} is {'not what was written' if name in here else 'missing'}")
    done = subprocess.run(
        [str(postgres_binaries() / "pg_verifybackup"), "--quiet", str(folder / POSTGRES)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise _damaged(folder, (done.stderr or done.stdout).strip())


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def server_version() -> int:
    """The major version of the PostgreSQL that would be started here."""
    said = subprocess.run(
        [str(postgres_binaries() / "postgres"), "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"(\d+)", said)
    return int(match[1]) if match else 0


def _check_versions(folder: Path, backup: Backup) -> None:
    here = server_version()
    if backup.postgres_version != here:
        raise Problem(
            f"{folder} holds databases of PostgreSQL {backup.postgres_version}, and this machine has version {here}",
            remedy="restore it with the release of Gemba that made it",
        )
    for service, revision in backup.revisions.items():
        if service in SERVICES and not _is_known(service, revision):
            raise Problem(
                f"the database of {service} in {folder} has a newer schema ({revision}) than this Gemba knows",
                remedy="restore it with the release that made it, or a newer one",
            )


def _is_known(service: str, revision: str) -> bool:
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    from shared.migrate import configuration

    try:
        return ScriptDirectory.from_config(configuration(service, "")).get_revision(revision) is not None
    except CommandError:
        return False


def _damaged(folder: Path, how: str) -> Problem:
    return Problem(f"the backup in {folder} is damaged: {how}", remedy="use another one; nothing was changed")
