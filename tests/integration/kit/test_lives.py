"""After a restore: another log than before, everything published to it again, and nothing due until it is released."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from deploy.local.databases import DatabaseUrls
from shared.assembly import _end_when_over
from shared.db import Pool, open_pool, transaction
from shared.errors import Transient
from shared.ids import new_id
from shared.kafka.log_state import SurvivingLog, UnknownCluster, ask_for_replay, get_log_state, recognise_cluster
from shared.kafka.outbox import count_pending, emit
from shared.lives import FormerLife, Held, OneLife, begin_life, get_life, list_held, release
from shared.timers import Due, count_due, next_due
from tests.integration.kit.parts import NOON, declined_again, later
from tests.integration.kit.test_timers import Office

Pools = Callable[[str], Awaitable[Pool]]

OLD, NEW = "the-log-before-the-restore", "a-newly-formatted-log"


@pytest.fixture
async def restored(open_database: Pools) -> Pool:
    """A database that published three facts to a log, and came from a backup then."""
    pool = await open_database("visits")
    await recognise_cluster(pool, OLD)
    async with transaction(pool) as conn:
        for fact in declined_again(new_id(), 3):
            await emit(conn, fact, now=NOON)
    await pool.execute("delete from outbox_pending")
    assert await begin_life(pool, new_id(), NEW)
    return pool


@pytest.fixture
async def asked_to_stop() -> AsyncIterator[asyncio.Event]:
    """Set by SIGTERM, which would else end the tests."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    yield asked
    loop.remove_signal_handler(signal.SIGTERM)


async def test_the_log_of_the_former_life_is_never_published_to_again(restored: Pool) -> None:
    with pytest.raises(SurvivingLog, match="Format a new one"):
        await recognise_cluster(restored, OLD)
    with pytest.raises(SurvivingLog):
        await ask_for_replay(restored, OLD)
    async with transaction(restored) as conn:
        assert (await get_log_state(conn)).cluster == NEW


async def test_no_other_log_is_taken_for_the_one_that_was_formatted(restored: Pool) -> None:
    """One of between the backup and the restore, that still answers: the backup does not know that it was ours."""
    with pytest.raises(UnknownCluster, match="of-between"):
        await recognise_cluster(restored, "a-log-of-between")


async def test_a_life_does_not_begin_on_the_log_that_it_leaves(open_database: Pools) -> None:
    pool = await open_database("visits")
    await recognise_cluster(pool, OLD)
    with pytest.raises(SurvivingLog):
        await begin_life(pool, new_id(), OLD)
    async with transaction(pool) as conn:
        assert (await get_life(conn)).number == 1


async def test_a_new_log_gets_everything_again(restored: Pool) -> None:
    await recognise_cluster(restored, NEW)
    async with transaction(restored) as conn:
        assert ((await get_log_state(conn)).cluster, await count_pending(conn)) == (NEW, 3)
        assert (await get_life(conn)).number == 2


async def test_a_start_that_was_repeated_begins_no_third_life(restored: Pool) -> None:
    restore_id = await restored.fetchval("select restore_id from lives where number = 2")
    await recognise_cluster(restored, NEW)
    async with transaction(restored) as conn:
        await release(conn, new_id())
    assert not await begin_life(restored, restore_id, NEW)
    async with transaction(restored) as conn:
        life = await get_life(conn)
        assert (life.number, life.on_hold, (await get_log_state(conn)).cluster) == (2, False, NEW)


async def test_a_process_that_nobody_stopped_is_told_by_its_next_connection_that_its_life_is_over(
    database: Callable[[str], DatabaseUrls],
) -> None:
    """It still reads the former log: what it took from there would stand in a database that does not know of it."""
    dsn, forgotten = database("visits").run, OneLife()
    pool = await open_pool(dsn, size=1, name="restored")
    own = await open_pool(dsn, size=2, name="forgotten", meet=forgotten.meet)
    try:
        async with transaction(own) as conn, transaction(own) as other:
            await conn.execute("insert into commands (scope, key, request_hash) values ('x', 'before', '')")
            await other.execute("select 1")
        assert not forgotten.is_over.is_set(), "several connections of one life"
        await begin_life(pool, new_id(), NEW)
        refusals: list[Transient] = []
        while not forgotten.is_over.is_set():  # first those connections that it had are found to be gone
            with pytest.raises(Transient) as refused:
                async with transaction(own) as conn:
                    await conn.execute("insert into commands (scope, key, request_hash) values ('x', 'after', '')")
            refusals.append(refused.value)
        assert isinstance(refusals[-1], FormerLife)
        assert "began in life 1 and it is life 2" in str(refusals[-1])
        assert await pool.fetchval("select count(*) from commands where scope = 'x'") == 1
    finally:
        own.terminate()
        pool.terminate()


async def test_a_start_that_is_repeated_sends_nobody_away_who_has_met_the_new_life(
    database: Callable[[str], DatabaseUrls],
) -> None:
    """As each later start of a restored installation does, and each roll of its replicas, under load."""
    dsn, restore_id = database("visits").run, new_id()
    pool = await open_pool(dsn, size=1, name="restored")
    replica = None
    try:
        assert await begin_life(pool, restore_id, NEW)
        replica = await open_pool(dsn, size=1, name="replica", meet=OneLife().meet)
        served_by = await replica.fetchval("select pg_backend_pid()")
        assert not await begin_life(pool, restore_id, NEW)
        assert await pool.fetchval("select count(*) from pg_stat_activity where pid = $1", served_by) == 1
        assert await replica.fetchval("select pg_backend_pid()") == served_by
    finally:
        pool.terminate()
        if replica is not None:
            replica.terminate()


@pytest.mark.parametrize("why", ["its life is over", "something of it does not end"])
async def test_a_process_that_cannot_go_on_stops_as_if_it_were_asked_to(
    asked_to_stop: asyncio.Event, why: str
) -> None:
    life, is_stuck = OneLife(), asyncio.Event()
    ending = asyncio.create_task(_end_when_over(life, is_stuck))
    (life.is_over if why == "its life is over" else is_stuck).set()
    await asyncio.wait_for(asked_to_stop.wait(), 10)
    await ending


async def test_a_hold_keeps_what_was_read_ahead_of_it(open_database: Pools) -> None:
    office = Office(await open_database("visits"))
    (due,) = await office.open(60)
    generation = await office.pool.fetchval("select generation from timers")
    office.clock.advance(timedelta(hours=1))
    await begin_life(office.pool, new_id(), NEW)
    assert await office.runner()._fire([Due("step", due, generation, later(60))]) == 0
    assert await office.fired() == []
    assert await office.armed() == 1


async def test_nothing_fires_on_hold_and_what_is_due_is_listed_then_fires_once(open_database: Pools) -> None:
    office = Office(await open_database("visits"))
    due, _ = await office.open(60, 7200)
    office.clock.advance(timedelta(hours=1))
    async with transaction(office.pool) as conn:
        assert await list_held(conn, office.clock.now(), 10) == [], "without a hold nothing is held"
    await begin_life(office.pool, new_id(), NEW)

    assert await office.runner().fire_due() == 0
    assert await office.fired() == []
    async with transaction(office.pool) as conn:
        assert await list_held(conn, office.clock.now(), 10) == [Held("deadline", "step", due, later(60))]
        assert await count_due(conn, ["step"], office.clock.now()) == 0, "what is held is not waiting"
        assert await next_due(conn, ["step"]) is None, "and nobody wakes up for it"
        assert await release(conn, new_id())

    assert await office.runner().fire_due() == 1
    assert await office.fired() == [due]
    async with transaction(office.pool) as conn:
        assert not await release(conn, new_id()), "there is nothing more to release"
