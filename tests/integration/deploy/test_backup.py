"""A backup is whole or is none, and it is restored onto nothing but an empty place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deploy.local import backup_manifest
from deploy.local.backup import take_backup
from deploy.local.databases import ServiceDatabase, provision_databases
from deploy.local.keys import make_missing_keys
from deploy.local.postgres import PostgresServer
from deploy.local.problem import Problem
from deploy.local.restore import restore_backup
from deploy.local.state import State
from shared.migrate import migrate


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> State:
    """An installation that stands still: one service's database, keys, secrets."""
    state = State(tmp_path_factory.mktemp("original") / "var")
    with state.locked():
        make_missing_keys(state.keys)
        server = PostgresServer(
            state.folder / "postgres", state.ports(["postgres"])["postgres"], state.secret("postgres-superuser")
        )
        server.start()
        try:
            urls = provision_databases(
                server.admin_dsn,
                {"visits": ServiceDatabase("gemba_visits", "visits_migrate", "m", "visits_run", state.secret("runs"))},
            )
            migrate("visits", urls["visits"].migrate)
            with psycopg.connect(urls["visits"].run) as connection:
                connection.execute("insert into leases values ('kept', 'in the backup', clock_timestamp())")
        finally:
            server.stop()
        state.save_config(cluster_id="the-log-of-the-original")
    return state


@pytest.fixture(scope="module")
def backup(original: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("backup") / "monday"
    take_backup(original, target)
    return target


@pytest.fixture
def copy(backup: Path, tmp_path: Path) -> Path:
    """A backup that a test may damage."""
    return Path(shutil.copytree(backup, tmp_path / "copy"))


def test_an_installation_comes_back_with_its_rows_keys_and_secrets(
    original: State, backup: Path, tmp_path: Path
) -> None:
    state = State(tmp_path / "restored")
    restore_backup(backup, state)

    with state.locked():
        server = PostgresServer(state.folder / "postgres", state.ports(["postgres"])["postgres"], "unused")
        server.password = state.secret("postgres-superuser")
        server.start()
        try:
            with psycopg.connect(server.dsn("gemba_visits")) as connection:
                assert connection.execute("select holder from leases").fetchone() == ("in the backup",)
        finally:
            server.stop()
    assert backup_manifest.digests(state.keys) == backup_manifest.digests(original.keys)
    assert state.secret("runs") == original.secret("runs")
    assert "cluster_id" not in state.config(), "the log it had is not the log it gets"
    assert state.config()["restore"]["id"]
    assert state.folder.stat().st_mode & 0o077 == 0, "nobody else may look in"


def test_a_backup_is_not_written_over_anything_nor_into_the_installation(original: State, backup: Path) -> None:
    with pytest.raises(Problem, match="not an empty folder"):
        take_backup(original, backup)
    with pytest.raises(Problem, match="inside the installation's own folder"):
        take_backup(original, original.folder / "backups")


def test_a_backup_that_broke_off_leaves_none(original: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_manifest.Backup, "write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        take_backup(original, tmp_path / "tuesday")
    assert list(tmp_path.iterdir()) == []


def _flip_a_byte(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


def _largest(folder: Path) -> Path:
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit in a table": lambda folder: _flip_a_byte(_largest(folder / "postgres" / "base")),
    "a flipped bit in the WAL": lambda folder: _flip_a_byte(_largest(folder / "postgres" / "pg_wal"), 200),
    "a lost file": lambda folder: _largest(folder / "postgres" / "base").unlink(),
    "another key": lambda folder: _flip_a_byte(next((folder / "state" / "keys").iterdir())),
    "a lost secret": lambda folder: next((folder / "state" / "secrets").iterdir()).unlink(),
    "half a description": lambda folder: (folder / "backup.json").write_text('{"format": 1'),
}


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_backup_is_refused_and_nothing_is_made(copy: Path, tmp_path: Path, damage: str) -> None:
    DAMAGES[damage](copy)
    with pytest.raises(Problem, match="damaged"):
        restore_backup(copy, State(tmp_path / "restored"))
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "newer Gemba"),
        ({"state_version": 99}, "newer Gemba"),
        ({"revisions": {"visits": "9999"}}, "newer schema"),
        ({"postgres_version": 12}, "PostgreSQL 12"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_backup_of_another_version_is_refused(
    copy: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    described = json.loads((copy / "backup.json").read_text())
    (copy / "backup.json").write_text(json.dumps(described | change))
    with pytest.raises(Problem, match=said):
        restore_backup(copy, State(tmp_path / "restored"))


def test_a_surviving_log_and_a_folder_in_use_are_refused(backup: Path, original: State, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is not empty"):
        restore_backup(backup, original)
    with original.locked(), pytest.raises(Problem, match="Gemba runs on"):
        restore_backup(backup, original)
    (tmp_path / "var" / "kafka" / "log").mkdir(parents=True)
    with pytest.raises(Problem, match="newly formatted one only"):
        restore_backup(backup, State(tmp_path / "var"))
    with pytest.raises(Problem, match="is not a backup"):
        restore_backup(tmp_path, State(tmp_path / "elsewhere"))
