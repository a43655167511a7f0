"""Take a backup: all databases at one instant, and what opens them.

One base backup of the one server, with the WAL that was written meanwhile: databases that were dumped one after another
would be of different instants, and a fact that one of them published would be unknown to the next. The log is not in it:
it is made again from the databases.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from deploy.local import process
from deploy.local.addresses import given_postgres
from deploy.local.administrator import TOKEN_FILE
from deploy.local.backup_manifest import POSTGRES, STATE, Backup, check_content, digests
from deploy.local.postgres import PostgresServer, postgres_binaries
from deploy.local.problem import Problem
from deploy.local.state import State, free_bytes
from deploy.local.topology import SERVICES, database_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT = ("keys", "secrets", "config.json", TOKEN_FILE)
_LEFT_OUT = {"lock"}


def take_backup(state: State, target: Path) -> Backup:
    """Write a backup into ``target``, whether Gemba runs or not. Raises Problem; what broke off leaves no backup."""
    target = target.resolve()
    _refuse_target(target, state)
    if given_postgres() is not None:
        return _write(state, given_postgres() or "", target)
    if state.is_running():
        return _write(state, own_dsn(state), target)
    with state.locked():
        server = PostgresServer(
            state.folder / "postgres", state.ports(["postgres"])["postgres"], state.secret("postgres-superuser")
        )
        if not (state.folder / "postgres" / "PG_VERSION").exists():
            raise Problem(
                f"{state.folder} holds no databases: there is nothing to back up",
                remedy="name the state folder with GEMBA_STATE",
            )
        server.start()
        try:
            return _write(state, server.admin_dsn, target)
        finally:
            server.stop()


def own_dsn(state: State) -> str:
    """The administrator's address of the server that the installation runs itself."""
    port = state.config().get("ports", {}).get("postgres", 0)
    return f"postgresql://postgres:{state.secret('postgres-superuser')}@127.0.0.1:{port}/postgres"


def _refuse_target(target: Path, state: State) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Problem(f"{target} is not an empty folder", remedy="name one that does not exist yet")
    if target.is_relative_to(state.folder.resolve()):
        raise Problem(
            f"{target} lies inside the installation's own folder {state.folder}",
            remedy="a backup belongs on another disk, better on another machine",
        )


def _write(state: State, dsn: str, target: Path) -> Backup:
    """Beside its place, then renamed: a folder under the wanted name is a whole backup."""
    making = target.with_name(target.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    try:
        began_at = datetime.now(UTC)
        version, revisions, size = _examine(dsn)
        if free_bytes(making) < size:
            raise Problem(
                f"the disk of {target} has too little space: the databases have {size // 1_000_000} MB",
                remedy="name a folder on another disk",
            )
        _copy_databases(dsn, making / POSTGRES)
        for name in _KEPT:
            _copy(state.folder / name, making / STATE / name)
        backup = Backup(
            backup_id=str(uuid4()),
            began_at=began_at.isoformat(),
            ended_at=datetime.now(UTC).isoformat(),
            postgres_version=version,
            revisions=revisions,
            files=digests(making / STATE),
            bytes=sum(path.stat().st_size for path in making.rglob("*") if path.is_file()),
        )
        check_content(making, backup)
        backup.write(making)
        sync_folder(making)
        if target.exists():
            target.rmdir()
        making.rename(target)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return backup


def _examine(dsn: str) -> tuple[int, dict[str, str], int]:
    """The server's version, each database's newest migration, and how much there is to copy."""
    import psycopg

    revisions = {}
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            version = connection.info.server_version // 10_000
            size = connection.execute("select sum(pg_database_size(oid))::bigint from pg_database").fetchone()
            names = {row[0] for row in connection.execute("select datname from pg_database")}
        for service in SERVICES:
            if database_name(service) in names:
                own = psycopg.conninfo.make_conninfo(dsn, dbname=database_name(service))
                with psycopg.connect(own, connect_timeout=10) as connection:
                    row = connection.execute("select version_num from alembic_version").fetchone()
                    revisions[service] = row[0] if row else ""
    except psycopg.Error as error:
        raise Problem(
            f"PostgreSQL did not say what there is to back up: {str(error).strip()}",
            remedy="`./gemba doctor` looks at it",
        ) from error
    return version, revisions, int(size[0]) if size else 0


def _copy_databases(dsn: str, target: Path) -> None:
    """The password goes by the environment: a command line is there for everybody to read."""
    parts = urlsplit(dsn)
    done = subprocess.run(
        process.spawn_command(
            [
                str(postgres_binaries() / "pg_basebackup"),
                *("-D", str(target), "-h", parts.hostname or "127.0.0.1", "-p", str(parts.port or 5432)),
                *("-U", unquote(parts.username or "postgres"), "--no-password"),
                *("--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256"),
            ]
        ),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PGPASSWORD": unquote(parts.password or "")},
    )
    if done.returncode != 0:
        raise Problem(
            f"the databases could not be copied: {done.stderr.strip()}",
            remedy="the role needs the right to replicate; see that PostgreSQL stays up while it is copied",
        )


def _copy(found: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, target, ignore=lambda _folder, names: _LEFT_OUT & set(names))
    elif found.exists():
        shutil.copy2(found, target)


def sync_folder(folder: Path) -> None:
    """Have the disk hold every file and every name below a folder."""
    for path in _all_below(folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _all_below(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() or path.is_dir())
    yield folder
