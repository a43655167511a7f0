"""asyncpg's defaults, set right: instants are aware, JSON is JSON, settings stay, and an unsafe server is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psycopg
import pytest
import structlog

from deploy.local.databases import DatabaseUrls
from shared.assembly import _close
from shared.db import Pool, Session, open_pool, refuse_unsafe_server, savepoint, transaction
from shared.endings import at_end
from shared.errors import Transient
from shared.secret_files import PasswordInFile
from tests.integration.kit.parts import NOON, eventually

Pools = Callable[[str], Awaitable[Pool]]


def administrator(server: str, urls: DatabaseUrls) -> psycopg.Connection:
    """A superuser's connection to the test's own database."""
    return psycopg.connect(psycopg.conninfo.make_conninfo(server, dbname=urlsplit(urls.run).path[1:]), autocommit=True)


@pytest.fixture
async def pool(open_database: Pools) -> Pool:
    return await open_database("visits")


async def test_a_naive_instant_is_refused(pool: Pool) -> None:
    with pytest.raises(asyncpg.DataError, match="no time zone"):
        await pool.fetchval("select $1::timestamptz", datetime(2026, 3, 2, 12))  # noqa: DTZ001


async def test_instants_come_back_aware_in_utc_and_to_the_microsecond(pool: Pool) -> None:
    instant = datetime(2026, 3, 2, 18, 0, 0, 123457, timezone(timedelta(hours=6)))
    back = await pool.fetchval("select $1::timestamptz", instant)
    assert back == instant
    assert back.tzinfo is UTC
    assert await pool.fetchval("select '1969-12-31 23:59:59.999999+00'::timestamptz") == datetime(
        1969, 12, 31, 23, 59, 59, 999999, UTC
    )


@pytest.mark.parametrize("kind", ["json", "jsonb"])
async def test_json_is_json(pool: Pool, kind: str) -> None:
    value = {"codes": ["a", 1, None], "at": {"deep": True}}
    assert await pool.fetchval(f"select $1::{kind}", value) == value


async def test_what_was_begun_is_rolled_back_and_settings_of_a_transaction_end_with_it(pool: Pool) -> None:
    """A connection is given back as it is: nothing is asked of the server to make it forget."""
    for _ in range(3):
        async with pool.acquire() as conn:
            assert not conn.is_in_transaction()
            assert await conn.fetchval("show timezone") == "UTC"
            assert await conn.fetchval("show lock_timeout") == "5s"
            assert await conn.fetchval("show idle_in_transaction_session_timeout") == "30s"
            await conn.execute("begin")
            await conn.execute("set local timezone = 'Asia/Dhaka'")


@pytest.mark.parametrize("setting", ["synchronous_commit"])
async def test_a_server_that_can_lose_what_it_acknowledged_is_refused(
    database: Callable[[str], DatabaseUrls], postgres_server: str, setting: str
) -> None:
    urls = database("visits")
    with administrator(postgres_server, urls) as admin:
        admin.execute(f'alter database "{urlsplit(urls.run).path[1:]}" set {setting} = off')
    pool = await open_pool(urls.run, size=1, name="test")
    try:
        with pytest.raises(RuntimeError, match=f"{setting} = off"):
            await refuse_unsafe_server(pool)
    finally:
        await pool.close()


async def test_a_migration_under_a_live_pool_is_a_passing_fault(
    database: Callable[[str], DatabaseUrls], postgres_server: str
) -> None:
    urls = database("visits")
    pool = await open_pool(urls.run, size=1, name="test")
    with administrator(postgres_server, urls) as owner:
        owner.execute("create table changing (a integer); grant select on changing to public")
        try:
            async with transaction(pool) as conn:
                await conn.fetch("select * from changing")
            owner.execute("alter table changing alter column a type text")
            with pytest.raises(Transient, match="InvalidCachedStatementError"):
                async with transaction(pool) as conn:
                    await conn.fetch("select * from changing")
            async with transaction(pool) as conn:
                assert await conn.fetch("select * from changing") == []
        finally:
            await pool.close()


@pytest.mark.parametrize("scope", ["transaction", "savepoint"])
async def test_a_deadlock_is_a_passing_fault_and_a_bug_is_none(pool: Pool, scope: str) -> None:
    async def fail_with(code: str) -> None:
        statement = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
        async with pool.acquire() as outer, outer.transaction():
            if scope == "savepoint":
                async with savepoint(outer):
                    await outer.execute(statement)
            else:
                async with transaction(pool) as conn:
                    await conn.execute(statement)

    for passing in ("40P01", "40001", "55P03", "57014", "53300", "58030", "25006", "25P03", "28P01"):
        with pytest.raises(Transient):
            await fail_with(passing)
    with pytest.raises(asyncpg.UniqueViolationError):
        await fail_with("23505")


async def test_a_database_that_is_away_is_a_passing_fault(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("select 1")
    pool.terminate()
    with pytest.raises(Transient):
        async with transaction(pool):
            pass


@pytest.mark.parametrize("order", ["the server first", "the file first"])
async def test_a_password_that_changes_while_the_service_runs_fails_nobody(
    database: Callable[[str], DatabaseUrls], postgres_server: str, tmp_path: Path, order: str
) -> None:
    """Connections that are there go on; new ones are made with the one password or the other, whoever learns of it first."""
    urls, role, file = database("visits"), f"rotated_{uuid4().hex[:8]}", tmp_path / "password"
    parts = urlsplit(urls.run)
    url = parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()
    file.write_text("the first one, long enough", encoding="utf-8")
    with administrator(postgres_server, urls) as owner, structlog.testing.capture_logs() as logs:
        owner.execute(f"create role {role} login password 'the first one, long enough'")
        pool = await open_pool(url, size=4, name="test", password=PasswordInFile("the password", file))
        steps = [
            lambda: owner.execute(f"alter role {role} password 'the second one, long enough'"),
            lambda: file.write_text("the second one, long enough", encoding="utf-8"),
        ]
        if order == "the file first":
            steps.reverse()
        try:
            async with AsyncExitStack() as held:
                connections = [await held.enter_async_context(transaction(pool))]
                steps[0]()
                if order == "the file first":
                    connections.append(await held.enter_async_context(transaction(pool)))
                asking = [asyncio.create_task(ask(pool)) for _ in range(2)]
                if order == "the server first":
                    await eventually(
                        lambda: "database.password_refused" in [line["event"] for line in logs], "a refusal"
                    )
                steps[1]()
                assert await asyncio.gather(*asking) == [1, 1]
                connections.append(await held.enter_async_context(transaction(pool)))
                assert [await conn.fetchval("select 1") for conn in connections] == [1] * len(connections)
        finally:
            await pool.close()
            owner.execute(f"drop role {role}")


async def ask(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return int(await conn.fetchval("select 1"))


async def test_a_connection_killed_in_the_middle_is_a_passing_fault(pool: Pool) -> None:
    with pytest.raises(Transient):
        async with transaction(pool) as conn:
            backend = await conn.fetchval("select pg_backend_pid()")
            async with pool.acquire() as other:
                await other.execute("select pg_terminate_backend($1)", backend)
            await conn.execute("select 1")
    async with transaction(pool) as conn:
        assert await conn.fetchval("select 1") == 1


@pytest.mark.parametrize("turns", range(4))
async def test_a_connection_that_the_server_ends_while_it_is_idle_is_a_passing_fault(
    postgres_server: str, database: Callable[[str], DatabaseUrls], turns: int
) -> None:
    """As a server that is asked to stop does; after so many turns of the loop, some of what it says in parting was read."""
    urls = database("visits")
    own = await open_pool(urls.run, size=1, name="idle")
    try:
        pid = await own.fetchval("select pg_backend_pid()")
        with administrator(postgres_server, urls) as server:
            server.execute("select pg_terminate_backend(%s, 1000)", [pid])
        for _ in range(turns):
            await asyncio.sleep(0)
        with suppress(Transient):
            async with transaction(own) as conn:
                await conn.execute("select 1")
        async with transaction(own) as conn:
            assert await conn.fetchval("select pg_backend_pid()") != pid
    finally:
        own.terminate()


async def test_a_leaked_connection_does_not_hang_the_exit(
    database: Callable[[str], DatabaseUrls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.assembly._CLOSE_SECONDS", 0.2)
    pool = await open_pool(database("visits").run, size=2, name="test")
    leaked = await pool.acquire()
    began = time.monotonic()
    await asyncio.wait_for(_close(pool), 5)
    assert time.monotonic() - began < 3
    with pytest.raises(asyncpg.InterfaceError):
        await leaked.execute("select 1")


async def test_a_transaction_that_raises_leaves_nothing(pool: Pool) -> None:
    with pytest.raises(KeyError):
        async with transaction(pool) as conn:
            await conn.execute(
                "insert into commands (scope, key, request_hash, created_at) values ('a', 'b', '', $1)", NOON
            )
            raise KeyError
    assert await pool.fetchval("select count(*) from commands") == 0


async def test_what_waits_for_the_end_is_told_how_it_ended_and_when_it_is_over(pool: Pool) -> None:
    told: list[bool] = []
    async with transaction(pool):
        assert at_end(told.append)
        assert told == []
    with suppress(ZeroDivisionError):
        async with transaction(pool):
            at_end(told.append)
            raise ZeroDivisionError
    assert told == [True, False]
    assert not at_end(told.append), "there is no transaction whose end could be waited for"


async def test_what_a_part_waits_for_ends_with_the_part_when_that_fails(pool: Pool) -> None:
    told: list[tuple[str, bool]] = []
    async with transaction(pool) as conn:
        with suppress(ZeroDivisionError):
            async with savepoint(conn):
                at_end(lambda committed: told.append(("failed", committed)))
                raise ZeroDivisionError
        assert told == [("failed", False)]
        async with savepoint(conn):
            at_end(lambda committed: told.append(("kept", committed)))
        assert len(told) == 1
    assert told == [("failed", False), ("kept", True)]


async def test_transactions_that_follow_at_once_are_committed_each_by_itself(pool: Pool) -> None:
    """The commit of one begins the next; one that fails takes nothing of the others with it."""
    insert = "insert into commands (scope, key, request_hash) values ('chained', $1, '')"
    told: list[bool] = []
    async with Session(pool) as session:
        for key in ("first", "second", "failed", "last"):
            session.goes_on = key != "last"
            with suppress(ZeroDivisionError):
                async with session.transaction() as conn:
                    at_end(told.append)
                    await conn.execute(insert, key)
                    if key == "failed":
                        raise ZeroDivisionError
            if key != "failed":
                assert await pool.fetchval("select exists (select from commands where key = $1)", key), "it is committed"
    rows = await pool.fetch("select key, xmin::text from commands where scope = 'chained' order by key")
    assert [row["key"] for row in rows] == ["first", "last", "second"]
    assert len({row["xmin"] for row in rows}) == len(rows)
    assert told == [True, True, False, True]


async def test_a_transaction_that_failed_unnoticed_is_not_taken_for_committed(pool: Pool) -> None:
    with pytest.raises(RuntimeError, match="had failed"):
        async with Session(pool) as session:
            session.goes_on = True
            async with session.transaction() as conn:
                with suppress(asyncpg.DivisionByZeroError):
                    await conn.execute("select 1 / 0")


async def test_a_connection_is_given_back_with_nothing_begun_on_it(pool: Pool) -> None:
    async with Session(pool) as session:
        session.goes_on = True
        async with session.transaction() as conn:
            own = await conn.fetchval("select pg_backend_pid()")
        states = "select state from pg_stat_activity where pid = $1"
        assert await pool.fetchval(states, own) == "idle in transaction"
    assert await pool.fetchval(states, own) in {"idle", "active"}


async def test_what_types_consist_of_is_asked_once_and_not_by_every_connection(pool: Pool) -> None:
    values = [[uuid4()], ["a"], [NOON], [{"b": 1}]]
    statement = "select $1::uuid[], $2::text[], $3::timestamptz[], $4::jsonb[], array['a'::name]"
    asked: list[str] = []
    async with pool.acquire() as first, pool.acquire() as second:
        assert list(await first.fetchrow(statement, *values)) == [*values, ["a"]]
        with second.query_logger(lambda record: asked.append(record.query)):
            assert list(await second.fetchrow(statement, *values)) == [*values, ["a"]]
    assert asked == [statement]


async def test_a_type_of_the_database_itself_is_asked_of_each(
    postgres_server: str, database: Callable[[str], DatabaseUrls]
) -> None:
    urls = database("visits")
    with administrator(postgres_server, urls) as owner:
        owner.execute("create type mood as enum ('well')")
    other = await open_pool(urls.run, size=2, name="test")
    try:
        async with other.acquire() as first, other.acquire() as second:
            for conn in (first, second):
                assert await conn.fetchval("select array['well'::mood]") == ["well"]
    finally:
        await other.close()
