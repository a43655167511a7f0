"""After a restore: another log than before, everything published to it again, and nothing due until it is released."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from shared.db import Pool, transaction
from shared.ids import new_id
from shared.kafka.log_state import SurvivingLog, UnknownCluster, ask_for_replay, get_log_state, recognise_cluster
from shared.kafka.outbox import count_pending, emit
from shared.lives import Held, begin_life, get_life, list_held, release
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
