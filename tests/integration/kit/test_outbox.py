"""The outbox is a log with a to-do list beside it: what is visible and pending, in the order of `seq`, loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Connection, Pool, transaction
from shared.ids import new_id
from shared.kafka.outbox import count_pending, emit, emit_all, emit_state
from shared.kafka.relay import DELETE_PENDING, READ_PENDING
from tests.integration.kit.parts import NOON, declined, declined_again, eventually

Pools = Callable[[str], Awaitable[Pool]]
Published = list[tuple[UUID, int]]


class OursPoller:
    """What the relay runs."""

    def __init__(self) -> None:
        self.published: Published = []

    async def poll(self, conn: Connection) -> None:
        rows = [row for row in await conn.fetch(READ_PENDING, "general", 100) if row["seq"] is not None]
        self.published += [(row["aggregate"], row["version"]) for row in rows]
        await conn.execute("update log_state set cluster = 'the-log' where cluster is null")
        epoch = await conn.fetchval("select epoch from log_state")
        await conn.execute(DELETE_PENDING, [row["seq"] for row in rows], "the-log", epoch)


async def late_commit_loses_nothing(pool: Pool, poller: OursPoller) -> None:
    """The fact with the lower `seq` commits after the one with the higher was published."""
    slow, quick = declined(), declined()
    async with pool.acquire() as polling:
        async with transaction(pool) as late:
            await emit(late, slow, now=NOON)
            async with transaction(pool) as early:
                await emit(early, quick, now=NOON)
            await poller.poll(polling)
        await poller.poll(polling)
    assert sorted(poller.published) == sorted([(slow.visit_id, 1), (quick.visit_id, 1)])


async def lock_order_is_publishing_order(pool: Pool, poller: OursPoller) -> None:
    """The transaction that emits version 2 got its xid first (it wrote something else before it took the lock)."""
    visit = new_id()
    first, second = declined_again(visit, 2)
    async with pool.acquire() as polling:
        async with transaction(pool) as elder:
            await elder.execute("insert into commands (scope, key, request_hash) values ('x', 'elder', '')")
            async with transaction(pool) as younger:
                await emit(younger, first, now=NOON)
            await emit(elder, second, now=NOON)
        await poller.poll(polling)
    assert poller.published == [(visit, 1), (visit, 2)]


Scenario = Callable[[Pool, OursPoller], Awaitable[None]]


@pytest.mark.parametrize("scenario", [late_commit_loses_nothing, lock_order_is_publishing_order])
async def test_what_is_visible_and_pending_in_the_order_of_seq_is_neither_lost_nor_inverted(
    open_database: Pools, scenario: Scenario
) -> None:
    await scenario(await open_database("visits"), OursPoller())


async def test_two_transactions_that_emit_for_one_aggregate_get_versions_and_seq_in_the_order_of_its_lock(
    open_database: Pools,
) -> None:
    pool = await open_database("visits")
    visit = new_id()
    await pool.execute("insert into commands (scope, key, request_hash) values ('aggregate', 'row', '')")

    async def decide(fact: Any) -> int:
        async with transaction(pool) as conn:
            await conn.fetch("select 1 from commands where scope = 'aggregate' for update")
            return await emit(conn, fact, now=NOON)

    versions = await asyncio.gather(*(decide(fact) for fact in declined_again(visit, 8)))
    assert sorted(versions) == list(range(1, 9))
    rows = await pool.fetch("select version from outbox where aggregate = $1 order by seq", visit)
    assert [row["version"] for row in rows] == list(range(1, 9))


async def test_emitting_without_the_lock_fails_instead_of_giving_one_version_twice(open_database: Pools) -> None:
    pool = await open_database("visits")
    first, second = declined_again(new_id(), 2)

    async def careless() -> None:
        async with transaction(pool) as conn:
            await emit(conn, second, now=NOON)

    async def stands_behind_the_first() -> bool:
        return bool(await pool.fetchval("select count(*) from pg_locks where not granted"))

    async with transaction(pool) as conn:
        await emit(conn, first, now=NOON)
        other = asyncio.create_task(careless())
        await eventually(stands_behind_the_first, "the second one waits for the first")
    with pytest.raises(asyncpg.UniqueViolationError):
        await other
    assert [row["version"] for row in await pool.fetch("select version from outbox")] == [1]


async def test_a_rolled_back_fact_never_leaves(open_database: Pools) -> None:
    pool = await open_database("visits")

    async def undone() -> None:
        async with transaction(pool) as conn:
            await emit(conn, declined(), now=NOON)
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    async with pool.acquire() as conn:
        assert await count_pending(conn) == 0
        assert await conn.fetchval("select count(*) from outbox") == 0


async def test_a_fact_that_is_too_large_to_travel_is_refused_before_anything_is_committed(open_database: Pools) -> None:
    pool = await open_database("visits")
    with pytest.raises(ValueError, match="a fact may have 262144"):
        async with transaction(pool) as conn:
            await emit(conn, declined("x" * 300_000), now=NOON)
    assert await pool.fetchval("select count(*) from outbox") == 0


async def test_the_first_fact_of_an_aggregate_decides_its_lane(open_database: Pools) -> None:
    """Two relays for one aggregate could overtake each other."""
    pool = await open_database("visits")
    first, second = declined_again(new_id(), 2)
    async with transaction(pool) as conn:
        await emit(conn, first, now=NOON, lane="zero_tolerance")
        await emit(conn, second, now=NOON)
    assert {row["lane"] for row in await pool.fetch("select lane from outbox")} == {"zero_tolerance"}


async def test_the_outbox_of_a_state_topic_holds_the_key_alone(open_database: Pools) -> None:
    pool = await open_database("directory")
    async with transaction(pool) as conn:
        assert await emit_state(conn, "gemba.person", person := new_id(), now=NOON) == 1
        assert await emit_state(conn, "gemba.person", person, now=NOON, erased=True) == 2
    rows = await pool.fetch("select type, body, lane from outbox")
    assert {tuple(row) for row in rows} == {(None, None, "state")}
    assert tuple(await pool.fetchrow("select version, erased from state_copies")) == (2, True)


async def test_many_facts_in_one_statement_are_what_they_would_be_one_by_one(open_database: Pools) -> None:
    pool, told, new = await open_database("visits"), new_id(), new_id()
    before, after = declined_again(told, 2)
    first, second = declined_again(new, 2)
    async with transaction(pool) as conn:
        await emit(conn, before, now=NOON, lane="zero_tolerance")
        await emit_all(conn, [first, after, second], now=NOON)
    rows = await pool.fetch(
        "select aggregate, version, lane from outbox join outbox_pending using (seq, lane) order by seq"
    )
    assert [(row["aggregate"], row["version"], row["lane"]) for row in rows] == [
        (told, 1, "zero_tolerance"),
        (new, 1, "general"),
        (told, 2, "zero_tolerance"),
        (new, 2, "general"),
    ]


async def test_none_of_many_facts_is_said_when_one_is_too_large_to_travel(open_database: Pools) -> None:
    pool = await open_database("visits")
    async with transaction(pool) as conn:
        await emit_all(conn, [], now=NOON)
        with pytest.raises(ValueError, match="a fact may have"):
            await emit_all(conn, [declined(), declined("x" * 300_000)], now=NOON)
        assert await count_pending(conn) == 0
