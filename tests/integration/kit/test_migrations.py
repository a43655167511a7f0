"""A migration that is killed in its middle leaves the schema of the one before it; the next run finishes."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from alembic import command

from deploy.local.databases import DatabaseUrls, ServiceDatabase, drop_databases, provision_databases
from deploy.local.state import ROOT
from shared.migrate import configuration, migrate

HALTED, ONE_BEFORE = "0004", "0003"
"""Of the scheduler: it changes one table, then another one; a reader of the second keeps it waiting in its middle."""
SCHEMA = """
    select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
    from information_schema.columns where table_schema = 'public'
    union all
    select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select indexdef from pg_indexes where schemaname = 'public'
    union all
    select tgrelid::regclass || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    order by 1
"""
WAITING = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
OTHERS = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"


@pytest.fixture
def empty(postgres_server: str) -> Iterator[DatabaseUrls]:
    """A database of the scheduler without a schema."""
    name = secrets.token_hex(4)
    wanted = ServiceDatabase(
        f"empty_{name}",
        f"scheduler_migrate_{name}",
        secrets.token_hex(8),
        f"scheduler_run_{name}",
        secrets.token_hex(8),
    )
    yield provision_databases(postgres_server, {"scheduler": wanted})["scheduler"]
    drop_databases(postgres_server, {"scheduler": wanted})


def _schema(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(SCHEMA)]


def _await_rows(connection: psycopg.Connection, query: str, *, some: bool) -> None:
    deadline = time.monotonic() + 30
    while bool(connection.execute(query).fetchall()) is not some:
        assert time.monotonic() < deadline, query


def test_a_killed_migration_leaves_no_half_of_it_and_the_next_run_finishes(
    empty: DatabaseUrls, database: Callable[[str], DatabaseUrls]
) -> None:
    command.upgrade(configuration("scheduler", empty.migrate), ONE_BEFORE)
    before = _schema(empty.migrate)
    with psycopg.connect(empty.migrate, autocommit=True) as looking, psycopg.connect(empty.migrate) as reading:
        reading.execute("lock table planning_jobs in access share mode")  # as any reader does
        migrating = subprocess.Popen(
            [sys.executable, "-m", "shared.migrate", "scheduler"],
            cwd=ROOT,
            env={**os.environ, "GEMBA_DATABASE_URL": empty.migrate},
        )
        _await_rows(looking, WAITING, some=True)
        migrating.send_signal(signal.SIGKILL)
        migrating.wait()
        reading.rollback()
        reading.close()
        _await_rows(looking, OTHERS, some=False)
    assert _schema(empty.migrate) == before, f"a part of {HALTED} is there"
    migrate("scheduler", empty.migrate)
    assert _schema(empty.migrate) == _schema(database("scheduler").migrate) != before
