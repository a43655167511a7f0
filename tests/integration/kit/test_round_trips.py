"""A transaction's BEGIN and the statements that ask for no answer travel with what comes next: fewer round trips, the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.databases import DatabaseUrls
from shared.db import Pool, Session, open_pool, savepoint, transaction, write
from tests.integration.kit.parts import NOON
from tests.integration.kit.test_database import administrator

INSERT = "insert into written (id, what) values ($1, $2)"
COUNT = "select count(*) from written"
TABLES = """
    create table written (place bigint generated always as identity, id uuid primary key, what text not null);
    create table later (id uuid references written deferrable initially deferred);
    create table kinds (
        a uuid, b text, c boolean, d smallint, e integer, f bigint, g double precision, h bytea, i timestamptz,
        j interval, k jsonb, l uuid[], m text[], n timestamptz[], o integer[]
    );
    grant all on written, later, kinds to public
"""


@dataclass
class Line:
    """The way between a pool and its server. A turn is a run of bytes that the client says before it is answered."""

    turns: int = 0
    _client_speaks: bool = False
    _both: list[asyncio.Task[None]] = field(default_factory=list)

    @asynccontextmanager
    async def to(self, dsn: str) -> AsyncIterator[str]:
        parts = urlsplit(dsn)

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
            self._both += [
                asyncio.create_task(self._carry(reader, far_writer, client=True)),
                asyncio.create_task(self._carry(far_reader, writer, client=False)),
            ]

        server = await asyncio.start_server(join, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        user = parts.netloc.rsplit("@", 1)[0]
        try:
            yield urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
        finally:
            server.close()
            for one in self._both:
                one.cancel()
            await asyncio.gather(*self._both, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client: bool) -> None:
        try:
            while data := await reader.read(65536):
                if client and not self._client_speaks:
                    self.turns += 1
                self._client_speaks = client
                writer.write(data)
        finally:
            writer.close()


@pytest.fixture
async def urls(database: Callable[[str], DatabaseUrls], postgres_server: str) -> DatabaseUrls:
    urls = database("visits")
    with administrator(postgres_server, urls) as owner:
        owner.execute(TABLES)
    return urls


@pytest.fixture
async def pool(urls: DatabaseUrls) -> AsyncIterator[Pool]:
    pool = await open_pool(urls.run, size=2, name="test")
    yield pool
    pool.terminate()


async def counted(urls: DatabaseUrls, act: Callable[[Pool], Any]) -> int:
    """The round trips of what is done when the connection knows its statements already."""
    line = Line()
    async with line.to(urls.run) as dsn:
        pool = await open_pool(dsn, size=1, name="test")
        try:
            await act(pool)
            before = line.turns
            await act(pool)
            return line.turns - before
        finally:
            pool.terminate()


async def test_three_statements_that_ask_for_no_answer_and_their_commit_are_one_round_trip(urls: DatabaseUrls) -> None:
    async def command(pool: Pool) -> None:
        async with transaction(pool) as conn:
            for what in ("one", "two", "three"):
                await write(conn, INSERT, uuid4(), what)

    assert await counted(urls, command) == 1


async def test_a_transaction_begins_with_its_first_statement(urls: DatabaseUrls) -> None:
    async def read_and_write(pool: Pool) -> None:
        async with transaction(pool) as conn:
            await conn.fetchval(COUNT)
            await write(conn, INSERT, uuid4(), "one")
            await conn.fetchval(COUNT)

    assert await counted(urls, read_and_write) == 3  # the commit is the third: nothing travels with it


async def test_a_transaction_in_which_nothing_is_done_costs_nothing(urls: DatabaseUrls) -> None:
    async def nothing(pool: Pool) -> None:
        async with transaction(pool):
            pass
        with suppress(LookupError):
            async with transaction(pool):
                raise LookupError

    assert await counted(urls, nothing) == 0


async def test_what_is_written_is_seen_by_what_comes_next_and_kept_in_its_order(pool: Pool) -> None:
    async with transaction(pool) as conn:
        for what in ("one", "two"):
            await write(conn, INSERT, uuid4(), what)
        assert await conn.fetchval(COUNT) == 2
        await write(conn, INSERT, uuid4(), "three")
        await conn.executemany(INSERT, [(uuid4(), "four"), (uuid4(), "five")])
        await write(conn, INSERT, uuid4(), "six")
        await conn.execute("select 1")
    rows = await pool.fetch("select what from written order by place")
    assert [row["what"] for row in rows] == ["one", "two", "three", "four", "five", "six"]


async def test_nothing_is_kept_of_a_transaction_that_did_not_end_well(pool: Pool) -> None:
    for said_before in (False, True):
        with pytest.raises(LookupError):
            async with transaction(pool) as conn:
                await write(conn, INSERT, uuid4(), "one")
                if said_before:
                    await conn.fetchval(COUNT)
                    await write(conn, INSERT, uuid4(), "two")
                raise LookupError
        assert await pool.fetchval(COUNT) == 0


@pytest.mark.parametrize("carrier", ["commit", "query", "unknown query", "savepoint", "many"])
async def test_a_statement_that_fails_is_raised_by_what_it_travelled_with_and_all_of_it_is_undone(
    pool: Pool, carrier: str
) -> None:
    twice = uuid4()
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as conn:
            await conn.fetchval(COUNT)
            for what in ("one", "again", "three"):
                await write(conn, INSERT, twice if what != "three" else uuid4(), what)
            match carrier:
                case "query":
                    await conn.fetchval(COUNT)
                case "unknown query":
                    await conn.fetchval("select 'never asked before'")
                case "savepoint":
                    async with savepoint(conn):
                        pass
                case "many":
                    await conn.executemany(INSERT, [(uuid4(), "four")])
    assert await pool.fetchval(COUNT) == 0
    async with transaction(pool) as conn:  # and the connection is as good as before
        await write(conn, INSERT, twice, "one")
    assert await pool.fetchval(COUNT) == 1


async def test_a_commit_that_the_database_refuses_is_no_commit(pool: Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with transaction(pool) as conn:
            await write(conn, INSERT, uuid4(), "one")
            await write(conn, "insert into later (id) values ($1)", uuid4())
    assert await pool.fetchval(COUNT) == 0


@pytest.mark.parametrize("good", [True, False], ids=["after a good one", "after one that fails"])
@pytest.mark.parametrize("goes_on", [True, False], ids=["and is caught", "and is raised"])
async def test_a_value_that_does_not_fit_leaves_the_connection_usable(pool: Pool, good: bool, goes_on: bool) -> None:
    """The statement that would have carried the others is never sent."""
    known = uuid4()
    await pool.execute(INSERT, known, "known")
    wrong_values = datetime(2026, 3, 2), "no time zone"  # noqa: DTZ001
    with pytest.raises((asyncpg.DataError, asyncpg.PostgresError)):
        async with transaction(pool) as conn:
            await conn.fetchval("select $1::timestamptz, $2::text", NOON, "")
            await write(conn, INSERT, uuid4() if good else known, "one")
            with suppress(asyncpg.DataError) if goes_on else nullcontext():
                await conn.fetchval("select $1::timestamptz, $2::text", *wrong_values)
            async with savepoint(conn):
                await conn.fetchval("select 1 / $1::integer", 0)
    assert await pool.fetchval(COUNT) == 1
    async with transaction(pool) as conn:
        await write(conn, INSERT, uuid4(), "two")
    assert await pool.fetchval(COUNT) == 2


async def test_a_part_that_may_fail_takes_only_its_own_statements_with_it(pool: Pool) -> None:
    twice = uuid4()
    async with transaction(pool) as conn:
        await write(conn, INSERT, twice, "one")
        with suppress(asyncpg.UniqueViolationError):
            async with savepoint(conn):
                await write(conn, INSERT, uuid4(), "undone")
                await write(conn, INSERT, twice, "again")
        with suppress(LookupError):
            async with savepoint(conn):
                await write(conn, INSERT, uuid4(), "undone")
                raise LookupError
        await write(conn, INSERT, uuid4(), "two")
    assert {row["what"] for row in await pool.fetch("select what from written")} == {"one", "two"}


async def test_whoever_is_cancelled_leaves_nothing_behind(pool: Pool) -> None:
    async with pool.acquire() as outer, outer.transaction():
        await outer.execute("lock table written in access exclusive mode")

        async def command() -> None:
            async with transaction(pool) as conn:
                await write(conn, INSERT, uuid4(), "one")

        waiting = asyncio.create_task(command())
        while not await outer.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await pool.fetchval(COUNT) == 0
    async with transaction(pool) as conn:
        await write(conn, INSERT, uuid4(), "two")
    assert await pool.fetchval(COUNT) == 1


async def test_transactions_in_a_row_on_one_connection_are_two_round_trips_each(urls: DatabaseUrls) -> None:
    async def facts(pool: Pool) -> None:
        async with Session(pool) as session:
            for left in (2, 1, 0):
                session.goes_on = left > 0
                async with session.transaction() as conn:
                    await conn.fetchval(COUNT)
                    await write(conn, INSERT, uuid4(), "one")

    assert await counted(urls, facts) == 6


async def test_values_travel_as_asyncpg_would_have_them_travel(pool: Pool) -> None:
    row = (
        uuid4(), "ein Wort, 一个词", True, -7, 70_000, -(2**40), 0.1, b"\x00\xff",
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), timedelta(days=-3, seconds=5, microseconds=7),
        {"codes": ["a", 1, None]}, [uuid4(), None], [], [NOON], [1, 2],
    )  # fmt: skip
    insert = f"insert into kinds values ({', '.join(f'${n}' for n in range(1, 16))})"
    nothing = (None,) * len(row)
    async with transaction(pool) as conn:
        await write(conn, insert, *row)
        await write(conn, insert, *nothing)
        await conn.execute(insert, *row)
    written, empty, by_asyncpg = await pool.fetch("select * from kinds")
    assert tuple(written) == tuple(by_asyncpg) == row
    assert tuple(empty) == nothing


@pytest.mark.parametrize("value", ["no id", None, UUID(int=1)], ids=["of another type", "missing", "one too many"])
async def test_a_value_that_cannot_travel_is_refused_where_it_is_given(pool: Pool, value: object) -> None:
    values = (uuid4(), "one", value) if isinstance(value, UUID) else ((value, "one") if value else (uuid4(),))
    async with pool.acquire() as conn, conn.transaction():
        with pytest.raises((asyncpg.DataError, asyncpg.InterfaceError)):
            await write(conn, INSERT, *values)


async def test_a_statement_with_an_answer_is_run_by_itself(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await write(conn, f"{INSERT} returning id", uuid4(), "one")
        assert await conn.fetchval(COUNT) == 1
    assert await pool.fetchval(COUNT) == 1
