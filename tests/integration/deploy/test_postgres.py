"""PostgreSQL of the one-machine mode: durable, confined, and tidy after a kill."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres_identity, process
from deploy.local.databases import DatabaseUrls
from deploy.local.postgres import PostgresServer
from deploy.local.problem import Problem


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """Below a folder that nobody but its owner may enter, as a clone in root's home is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    made = PostgresServer(closed / "var" / "postgres", process.free_port(), "first-secret")
    made.data.parent.mkdir()
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_what_was_committed_survives_kill_9(server: PostgresServer) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("create table promise (kept text)")
        connection.execute("insert into promise values ('yes')")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.stop()

    server.start()

    with psycopg.connect(server.admin_dsn) as connection:
        assert connection.execute("select kept from promise").fetchone() == ("yes",)


def test_it_runs_durably_and_files_stay_their_owners(server: PostgresServer) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute("select current_setting(%s)", (setting,)).fetchone()
            assert row == ("on",), setting
    assert {path.stat().st_uid for path in server.data.iterdir()} == {os.getuid()}


def test_wrong_password_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn("postgres", password="wrong"))


def test_pid_file_of_a_reused_number_does_not_stop_a_start(server: PostgresServer) -> None:
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lines = [stranger.pid, server.data, 0, server.port, "", "127.0.0.1", 0]
        (server.data / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines))

        server.start()

        assert server.not_ready() is None
        stranger.kill()


def test_cluster_whose_making_broke_off_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = PostgresServer(tmp_path / "postgres", process.free_port(), "secret")
    try:
        server.start()
        assert server.not_ready() is None
    finally:
        server.stop()
    assert not half.exists()


def test_cluster_of_another_version_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Problem, match="was made by version 9"):
        PostgresServer(data, process.free_port(), "secret").prepare()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root needs another identity")
def test_root_without_namespaces_runs_it_as_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_identity, "_namespace_works", lambda: False)
    monkeypatch.setattr(postgres_identity, "OWN_FOLDER", Path("/var/tmp") / tmp_path.name)
    server = PostgresServer(tmp_path / "postgres", process.free_port(), "secret")
    try:
        server.start()
        assert server.not_ready() is None
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    finally:
        server.stop()
        shutil.rmtree(postgres_identity.OWN_FOLDER)


def test_service_reads_and_writes_rows_but_changes_no_schema(
    fresh_database: Callable[[str], DatabaseUrls],
) -> None:
    urls = fresh_database("visits")
    with psycopg.connect(urls.migrate) as owner:
        owner.execute("create table visit (id bigint generated always as identity, note text)")
        owner.execute("create table booked (at tstzrange, exclude using gist (at with &&))")
    with psycopg.connect(urls.run) as service:
        service.execute("insert into visit (note) values ('seen')")
        service.execute("update visit set note = 'seen twice'")
        assert service.execute("select note from visit").fetchone() == ("seen twice",)
        service.execute("delete from visit")
    for forbidden in (
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "alter table visit disable trigger all",
        "drop table visit",
        "truncate visit",
        "create schema mine",
    ):
        with psycopg.connect(urls.run) as service:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(forbidden)


def test_service_cannot_enter_another_ones_database(
    fresh_database: Callable[[str], DatabaseUrls],
) -> None:
    visits, scheduler = fresh_database("visits"), fresh_database("scheduler")
    database = visits.run.rsplit("/", 1)[1]
    stranger = psycopg.conninfo.make_conninfo(scheduler.run, dbname=database)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(stranger)
