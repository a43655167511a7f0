"""Put a backup in the place of an installation that is not there yet.

Only that: a restore onto a log that lives on would take facts from after the instant for news and drop new ones as
repeats. So the folder must be empty, and the first start formats a new log, begins a new life in every database
and stands on hold until an operator has released what fell due meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import UUID, uuid4

from deploy.local.addresses import given_kafka, given_postgres
from deploy.local.backup import sync_folder
from deploy.local.backup_manifest import POSTGRES, STATE, Backup, check_content, read_backup
from deploy.local.kafka_login import LOGIN_SECONDS, admin_client
from deploy.local.postgres_identity import choose_identity
from deploy.local.problem import Problem
from deploy.local.state import STATE_VERSION, State, free_bytes, write_private

_MARK = "restore"


def restore_backup(source: Path, state: State) -> Backup:
    """Make the installation of a backup in the (empty or missing) state folder. Raises Problem and changes nothing then."""
    source = source.resolve()
    backup = read_backup(source)
    _refuse_servers()
    _refuse_folder(state)
    _refuse_small_disk(state, backup)
    check_content(source, backup)
    _place(source, state, backup)
    return backup


def _refuse_folder(state: State) -> None:
    folder = state.folder
    if state.is_running():
        raise Problem(f"Gemba runs on {folder}", remedy="stop it; a restore goes into an empty folder")
    if (folder / "kafka").exists():
        raise Problem(
            f"{folder} holds a log. A restore goes with a newly formatted one only: on a log that lives on, new facts "
            "would be dropped as repeats of those that the backup does not have",
            remedy="name an empty folder with GEMBA_STATE, or move this one away",
        )
    if folder.exists() and any(folder.iterdir()):
        raise Problem(
            f"{folder} is not empty: a restore overwrites nothing",
            remedy="name an empty folder with GEMBA_STATE, or move this one away",
        )


def _refuse_servers() -> None:
    """Servers that are not ours: we place no databases there, and their log must be an empty one."""
    if given_postgres() is not None:
        raise Problem(
            "GEMBA_POSTGRES names a server that is not run from here, so its databases are not placed from here",
            remedy="put the backup's folder postgres/ in place of its data, start it, and run `python -m shared.restored` "
            "(docs/how-to/backup.md)",
        )
    address = given_kafka()
    if address is None:
        return
    from shared.kafka.topics import TOPICS

    client = admin_client(address.bootstrap, address.user, address.password, tls=address.tls)
    known = client.list_topics(timeout=LOGIN_SECONDS).topics
    there = sorted(topic.name for topic in TOPICS if topic.name in known)
    if there:
        raise Problem(
            f"the cluster that GEMBA_KAFKA names holds a log of Gemba's ({there[0]} and {len(there) - 1} more topics)",
            remedy="a restore goes with a newly formatted cluster only: name one that has no Gemba topics",
        )


def _refuse_small_disk(state: State, backup: Backup) -> None:
    free = free_bytes(state.folder)
    if free < 2 * backup.bytes:
        raise Problem(
            f"the disk of {state.folder} has {free // 1_000_000} MB left; the backup has {backup.bytes // 1_000_000} MB, "
            "and twice as much is needed to live on",
            remedy="name a folder on another disk with GEMBA_STATE",
        )


def _place(source: Path, state: State, backup: Backup) -> None:
    """Beside its place, then renamed: a restore that broke off has left nothing."""
    folder = state.folder
    making = folder.with_name(folder.name + ".restoring")
    shutil.rmtree(making, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source / STATE, making)
    making.chmod(0o700)
    identity = choose_identity()
    databases = identity.home_for(folder / "postgres")
    if databases.exists():
        raise Problem(f"{databases} is there already", remedy="move it away; a restore overwrites nothing")
    copied = databases if identity.is_other_user else making / "postgres"
    if identity.is_other_user:
        identity.make_folder(copied)
    shutil.copytree(source / POSTGRES, copied, dirs_exist_ok=True)
    copied.chmod(0o700)
    identity.give(copied, *copied.rglob("*"))
    (making / "version").write_text(f"{STATE_VERSION}\n", encoding="ascii")
    _mark(making, backup)
    sync_folder(making)
    if folder.exists():
        folder.rmdir()
    making.rename(folder)


def _mark(folder: Path, backup: Backup) -> None:
    """Say that the next start begins a new life; the log it had is forgotten."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    config.pop("cluster_id", None)
    config[_MARK] = {"id": str(uuid4()), "backup": backup.backup_id, "began_at": backup.began_at}
    write_private(path, (json.dumps(config, indent=2) + "\n").encode())


def begin_life_if_restored(state: State, find_cluster: Callable[[], str], database_urls: Iterable[str]) -> bool:
    """At each start, after the migrations and before anything publishes; True when this start is the first of a life.

    `find_cluster` gives the id of the log that runs, which is a newly formatted one.
    """
    mark = state.config().get(_MARK)
    if mark is None:
        return False
    from shared.restored import begin_lives

    return asyncio.run(begin_lives(UUID(mark["id"]), find_cluster(), database_urls)) > 0
