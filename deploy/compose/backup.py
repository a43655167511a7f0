"""Back up a stack, and put a backup into the place of one that is not there yet.

The databases are copied by the server's own image (one base backup with its WAL: all of them at one instant), the secrets
from the host. The log is not copied: a restore always goes with a newly formatted one, begins a new life in every
database, and stands on hold until an operator has looked at what fell due meanwhile (docs/adr/0012).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from deploy.compose import layout
from deploy.compose.init import replace_secret
from deploy.compose.stack import Stack
from deploy.local.backup import sync_folder
from deploy.local.backup_manifest import digests
from deploy.local.kafka import new_cluster_id
from deploy.local.problem import Problem

_DATA, _STATE, _FILE = "postgres.tar", "state", "backup.json"
_VOLUMES = ("postgres", "kafka-1", "kafka-2", "kafka-3")


def take_backup(stack: Stack, target: Path, say: Callable[[str], None]) -> None:
    """While the stack runs. Beside its place, then renamed: a folder under the wanted name is a whole backup."""
    target = target.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Problem(f"{target} is not an empty folder", remedy="name one that does not exist yet")
    if not stack.replicas("postgres"):
        raise Problem("PostgreSQL of this stack does not run", remedy="docker compose up -d postgres")
    making = target.with_name(target.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    began_at = datetime.now(UTC).isoformat()
    try:
        with (making / _DATA).open("wb") as tar:
            stack.stream_job("postgres-backup", stdout=tar)
        shutil.copytree(layout.folder(), making / _STATE)
        content = {
            "backup_id": str(uuid4()),
            "began_at": began_at,
            "ended_at": datetime.now(UTC).isoformat(),
            "files": digests(making),
        }
        (making / _FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        sync_folder(making)
        if target.exists():
            target.rmdir()
        making.rename(target)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    say(f"{target} holds all that was answered before {began_at}, and the keys to every case's text: keep it safe")


def restore_backup(stack: Stack, source: Path, say: Callable[[str], None]) -> None:
    """Into a stack without any data. Raises Problem and changes nothing when the backup or the place does not do."""
    source = source.resolve()
    content = _read(source)
    project = json.loads(stack.compose("config", "--format", "json"))["name"]
    there = [name for name in _VOLUMES if stack.engine.succeeds("volume", "inspect", f"{project}_{name}")]
    if there:
        raise Problem(
            f"this stack has data already ({', '.join(there)}): a restore overwrites nothing, and goes with a new log only",
            remedy="docker compose down --volumes, if you are sure; or name another project with GEMBA_PROJECT",
        )
    if stack.engine.run_compose(stack.project, "ps", "--quiet").strip():
        raise Problem("containers of this stack run", remedy="docker compose down")
    _place_secrets(source / _STATE)
    replace_secret("restore", str(uuid4()))
    replace_secret("kafka-cluster-id", new_cluster_id())
    with (source / _DATA).open("rb") as tar:
        stack.stream_job("postgres-restore", stdin=tar)
    say(
        f"the databases are as they were at {content['ended_at']}. Start with docker compose up -d: it is on hold until"
    )
    say("you have looked at what fell due meanwhile (./gemba hold ls) and released it (./gemba hold release).")


def _read(source: Path) -> dict[str, str]:
    try:
        content = json.loads((source / _FILE).read_text(encoding="utf-8"))
        files = content["files"]
    except (OSError, ValueError, KeyError) as error:
        raise Problem(
            f"{source} is not a backup of a stack", remedy="name a folder that `./gemba compose backup` made"
        ) from error
    here = digests(source)
    differing = sorted(name for name, digest in files.items() if here.get(name) != digest)
    if differing:
        raise Problem(f"the backup in {source} is damaged: {differing[0]} is not what was written")
    return dict(content)


def _place_secrets(found: Path) -> None:
    """The databases' passwords are in the databases: the backup's secrets take the place of those that are there."""
    folder = layout.folder()
    if folder.exists():
        aside = folder.with_name(f"{folder.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        folder.rename(aside)
    shutil.copytree(found, folder)
    folder.chmod(0o700)
    layout.secrets_folder().chmod(0o700)
