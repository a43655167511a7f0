"""Deadlines: each fires once, never early, whoever else is at work, and a bad one holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared import timer_runner
from shared.clock import FrozenClock
from shared.db import Connection, Pool, transaction
from shared.ids import new_id
from shared.timer_runner import TimerRunner
from shared.timers import Due, TimerKind, arm, count_due, disarm, list_timers
from shared.wakeups import Wakeup
from tests.integration.kit.parts import NOON, eventually, later

Pools = Callable[[str], Awaitable[Pool]]


class Office:
    """Aggregates with one kind of deadline; what fired is kept in the database, so that an undone effect is not."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = FrozenClock(NOON)
        self.before: Callable[[Due, Connection], Awaitable[None]] | None = None
        self.failures: list[UUID] = []
        # The table of leases stands in for an aggregate's: any row that can be locked will do.
        self.kind = TimerKind("step", "watermarks", "aggregate", self.fire, self.on_failure)

    def runner(self, clock: FrozenClock | None = None) -> TimerRunner:
        return TimerRunner([self.kind], self.pool, clock or self.clock, None, Wakeup())

    async def fire(self, due: Due, *, now: datetime, conn: Connection, deps: Any) -> None:
        if self.before:
            await self.before(due, conn)
        assert now >= due.due_at, "early"
        await conn.execute(
            "insert into commands (scope, key, request_hash, result_id) values ('fired', $1, '', $2)",
            str(new_id()),
            due.aggregate,
        )

    async def on_failure(self, due: Due, *, now: datetime, conn: Connection, deps: Any) -> None:
        self.failures.append(due.aggregate)

    async def open(self, *seconds: float) -> list[UUID]:
        """Aggregates with deadlines that long after noon."""
        made = [new_id() for _ in seconds]
        async with transaction(self.pool) as conn:
            for aggregate, due in zip(made, seconds, strict=True):
                await conn.execute("insert into watermarks values ('test', 'test', $1, 1, $1)", aggregate)
                await arm(conn, "step", aggregate, later(due), now=NOON)
        return made

    async def fired(self) -> list[UUID]:
        rows = await self.pool.fetch("select result_id from commands where scope = 'fired' order by created_at")
        return [row["result_id"] for row in rows]

    async def armed(self) -> int:
        count: int = await self.pool.fetchval("select count(*) from timers")
        return count

    async def past_back_off(self) -> None:
        await self.pool.execute("update timers set retry_at = clock_timestamp() where retry_at is not null")


@pytest.fixture
async def office(open_database: Pools) -> Office:
    return Office(await open_database("visits"))


LOCK = "select 1 from watermarks where aggregate = $1 for update"


async def test_a_deadline_fires_once_when_it_is_due_and_not_before(office: Office) -> None:
    (aggregate,) = await office.open(60)
    runner = office.runner()
    assert await runner.fire_due() == 0
    office.clock.advance(timedelta(seconds=59, milliseconds=999))
    assert await runner.fire_due() == 0
    office.clock.advance(timedelta(milliseconds=1))
    assert await runner.fire_due() == 1
    assert await runner.fire_due() == 0
    assert await office.fired() == [aggregate]
    assert runner.fired == 1


async def test_what_falls_due_between_two_looks_does_not_wait_for_the_next_one(office: Office) -> None:
    """What is due is looked for first, what comes next after it: a moment lies in between."""
    (aggregate,) = await office.open(1)
    runner = office.runner()
    assert await runner.fire_due() == 0
    office.clock.advance(timedelta(seconds=1))
    await runner._fire_as_they_fall_due()
    assert await office.fired() == [aggregate]


async def test_two_runners_racing_fire_each_deadline_once(office: Office) -> None:
    aggregates = await office.open(*range(150))
    office.clock.advance(timedelta(hours=1))
    one, other = office.runner(), office.runner()

    async def all_of(runner: TimerRunner) -> None:
        while await office.armed():
            await runner.fire_due()

    await asyncio.gather(all_of(one), all_of(other))
    assert sorted(await office.fired()) == sorted(aggregates)


async def test_deadlines_fire_in_the_order_in_which_they_fell_due(office: Office) -> None:
    third, first, second = await office.open(30, 10, 20)
    office.clock.advance(timedelta(minutes=1))
    await office.runner().fire_due()
    assert await office.fired() == [first, second, third]


@pytest.mark.parametrize("disarmed_first", [False, True])
async def test_one_that_was_armed_again_meanwhile_is_not_fired_early(office: Office, disarmed_first: bool) -> None:
    """Also when it was disarmed in between: a generation is never used again."""
    (aggregate,) = await office.open(10)
    office.clock.advance(timedelta(seconds=10))
    read = [Due(row["kind"], row["aggregate"], row["generation"], row["due_at"]) for row in await _read(office)]
    async with transaction(office.pool) as conn:
        await conn.execute(LOCK, aggregate)
        if disarmed_first:
            await disarm(conn, "step", aggregate)
        await arm(conn, "step", aggregate, later(3600), now=office.clock.now())
    assert await office.runner()._commit(office.kind, read) == (0, [])
    assert await office.armed() == 1
    assert await office.fired() == []
    generation = await office.pool.fetchval("select generation from timers")
    assert generation != read[0].generation


async def _read(office: Office) -> list[Any]:
    async with office.pool.acquire() as conn:
        return await list_timers(conn)


async def test_a_deadline_that_arms_its_own_successor_is_not_fired_twice_by_a_runner_that_read_the_first(
    office: Office,
) -> None:
    (aggregate,) = await office.open(10)

    async def escalate(due: Due, conn: Connection) -> None:
        await arm(conn, "step", aggregate, due.due_at + timedelta(hours=1), now=office.clock.now())

    office.before = escalate
    office.clock.advance(timedelta(seconds=10))
    read = [Due(row["kind"], row["aggregate"], row["generation"], row["due_at"]) for row in await _read(office)]
    slow, quick = office.runner(), office.runner()
    assert await quick.fire_due() == 1
    assert (await slow._commit(office.kind, read))[0] == 0
    assert await office.fired() == [aggregate]


async def test_a_clock_set_back_after_a_deadline_was_read_does_not_fire_it_early(office: Office) -> None:
    await office.open(10)
    office.clock.advance(timedelta(seconds=10))
    read = [Due(row["kind"], row["aggregate"], row["generation"], row["due_at"]) for row in await _read(office)]
    office.clock.advance(timedelta(seconds=-5))
    assert (await office.runner()._commit(office.kind, read))[0] == 0
    assert await office.armed() == 1


async def test_a_locked_aggregate_is_left_for_later_and_holds_up_nobody(office: Office) -> None:
    locked, free = await office.open(1, 2)
    office.clock.advance(timedelta(minutes=1))
    async with transaction(office.pool) as conn:
        await conn.execute(LOCK, locked)
        assert await office.runner().fire_due() == 1
        assert await office.fired() == [free]
    await office.runner().fire_due()
    assert await office.fired() == [free, locked]
    assert await office.pool.fetchval("select count(*) from timers where failures > 0") == 0


async def test_the_bad_one_of_a_batch_stands_alone_and_the_others_fire(office: Office) -> None:
    aggregates = await office.open(*range(20))
    bad = aggregates[7]

    async def break_on_the_bad_one(due: Due, conn: Connection) -> None:
        if due.aggregate == bad:
            raise RuntimeError("bug")

    office.before = break_on_the_bad_one
    office.clock.advance(timedelta(minutes=1))
    assert await office.runner().fire_due() == 20
    assert sorted(await office.fired()) == sorted(set(aggregates) - {bad})
    assert await office.armed() == 1
    assert office.failures == [bad]


async def test_a_failing_deadline_backs_off_in_machine_time_and_stays_due(office: Office) -> None:
    await office.open(0)
    broken = True

    async def fail(due: Due, conn: Connection) -> None:
        if broken:
            raise RuntimeError("bug")

    office.before = fail
    runner = office.runner()
    assert await runner.fire_due() == 1
    assert await runner.fire_due() == 0  # business time would let it: the pause is the database's
    pauses = []
    for _ in range(4):
        row = await office.pool.fetchrow("select extract(epoch from retry_at - clock_timestamp()) as pause from timers")
        assert row, "a deadline whose effect raised still stands"
        pauses.append(float(row["pause"]))
        await office.past_back_off()
        await runner.fire_due()
    assert [round(pause) for pause in pauses] == [1, 2, 4, 8]
    async with office.pool.acquire() as conn:
        assert await count_due(conn, ["step"], office.clock.now()) == 1
    broken = False
    await office.past_back_off()
    assert await runner.fire_due() == 1
    assert len(await office.fired()) == 1


async def test_the_smaller_effect_is_not_run_for_a_deadline_that_no_longer_stands(office: Office) -> None:
    (aggregate,) = await office.open(0)
    due = Due("step", aggregate, -1, NOON)
    await office.runner()._set_back(office.kind, due, RuntimeError("bug"))
    assert office.failures == []


async def test_a_smaller_effect_that_fails_itself_holds_up_nobody(office: Office) -> None:
    bad, good = await office.open(0, 1)

    async def broken(due: Due, **_: Any) -> None:
        raise RuntimeError("worse")

    async def fail(due: Due, conn: Connection) -> None:
        if due.aggregate == bad:
            raise RuntimeError("bug")

    office.before = fail
    object.__setattr__(office.kind, "on_failure", broken)
    office.clock.advance(timedelta(minutes=1))
    await office.runner().fire_due()
    assert await office.fired() == [good]


async def test_a_deadline_whose_aggregate_does_not_exist_is_set_back_and_does_not_spin(office: Office) -> None:
    async with transaction(office.pool) as conn:
        await arm(conn, "step", new_id(), NOON, now=NOON)
    runner = office.runner()
    await runner.fire_due()
    assert await office.pool.fetchval("select failures from timers where retry_at > clock_timestamp()") == 1
    assert await runner.fire_due() == 0


@pytest.mark.parametrize("winner", ["acknowledgement", "deadline"])
async def test_acknowledgement_against_deadline_has_one_winner_and_no_deadlock(office: Office, winner: str) -> None:
    (case,) = await office.open(0)
    holds, go_on = asyncio.Event(), asyncio.Event()

    async def acknowledge() -> bool:
        async with transaction(office.pool) as conn:
            await conn.execute(LOCK, case)
            if winner == "acknowledgement":
                holds.set()
                await go_on.wait()
            stood = await conn.fetchval("select true from timers where aggregate = $1", case)
            await disarm(conn, "step", case)
            return bool(stood)

    async def hold(due: Due, conn: Connection) -> None:
        holds.set()
        await go_on.wait()

    runner = office.runner()
    if winner == "acknowledgement":
        first = asyncio.create_task(acknowledge())
        await holds.wait()
        second: asyncio.Task[Any] = asyncio.create_task(runner.fire_due())
    else:
        office.before = hold
        second = asyncio.create_task(runner.fire_due())
        await holds.wait()
        first = asyncio.create_task(acknowledge())
        await eventually(lambda: _waits(office), "the acknowledgement waits for the deadline")
    if winner == "acknowledgement":
        passed_over = await asyncio.gather(second, return_exceptions=True)
        assert passed_over == [0], "whoever is locked is passed over, not waited for"
    go_on.set()
    acknowledged = await first
    await second
    await runner.fire_due()
    assert (acknowledged, len(await office.fired())) == ((True, 0) if winner == "acknowledgement" else (False, 1))
    assert await office.armed() == 0


async def _waits(office: Office) -> bool:
    return bool(await office.pool.fetchval("select count(*) from pg_locks where not granted"))


async def test_a_backlog_holds_few_aggregates_at_a_time_so_that_an_answer_need_not_wait_for_all_of_it(
    office: Office,
) -> None:
    await office.open(*range(200))
    free: list[int] = []

    async def look(due: Due, conn: Connection) -> None:
        rows = await office.pool.fetch("select from watermarks for update skip locked")
        free.append(len(rows))

    office.before = look
    office.clock.advance(timedelta(hours=1))
    assert await office.runner().fire_due() == 200
    assert min(free) >= 150


async def test_a_huge_backlog_is_fired_in_the_order_of_its_dates(office: Office) -> None:
    async with transaction(office.pool) as conn:
        await conn.execute(
            """
            with made as (
                insert into watermarks select 'test', 'test', gen_random_uuid(), n, gen_random_uuid()
                from generate_series(1, 3000) n returning aggregate, version
            )
            insert into timers select 'step', aggregate, nextval('timer_generation'),
                                      $1::timestamptz + version * interval '1 second', $1 from made
            """,
            NOON,
        )
    office.clock.advance(timedelta(days=1))
    runner = office.runner()
    fired: list[datetime] = []

    async def note(due: Due, conn: Connection) -> None:
        fired.append(due.due_at)

    office.before = note
    while await runner.fire_due():
        pass
    assert len(fired) == runner.fired == 3000
    assert fired == sorted(fired)


async def test_a_running_runner_fires_what_is_armed_for_later_as_soon_as_business_time_gets_there(
    office: Office,
) -> None:
    (aggregate,) = await office.open(7 * 24 * 3600)
    running = asyncio.create_task(office.runner().run())
    try:
        for _ in range(3):
            await asyncio.sleep(0)
        office.clock.advance(timedelta(days=7))

        async def fired() -> bool:
            return await office.fired() == [aggregate]

        await eventually(fired, "the deadline fired")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_is_read_ahead_fires_at_its_time_and_what_changed_meanwhile_does_not(office: Office) -> None:
    """Read once, a moment before: an earlier time that was set since, or an end of the matter, must still count."""
    first, put_off, disarmed, second = await office.open(0.5, 0.6, 0.7, 0.8)
    runner = office.runner()
    ahead = asyncio.create_task(runner._fire_as_they_fall_due())
    await asyncio.sleep(0)
    async with transaction(office.pool) as conn:
        await arm(conn, "step", put_off, later(60), now=NOON)
        await disarm(conn, "step", disarmed)
    office.clock.advance(timedelta(milliseconds=499))
    assert await office.fired() == []
    office.clock.advance(timedelta(seconds=1))
    await asyncio.wait_for(ahead, 10)
    while await runner.fire_due():
        pass
    assert await office.fired() == [first, second]
    assert await office.armed() == 1


async def test_a_deadline_that_is_armed_for_sooner_than_what_was_read_ahead_is_not_late(office: Office) -> None:
    wakeup = Wakeup()
    runner = TimerRunner([office.kind], office.pool, office.clock, None, wakeup)
    await office.open(1.9)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0)
    (sooner,) = await office.open(0.2)
    wakeup.set()  # as NOTIFY does
    office.clock.advance(timedelta(seconds=0.3))
    await eventually(lambda: runner.fired == 1, "the sooner one fires, and only it")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await office.fired() == [sooner]


async def test_effects_of_a_batch_in_one_statement_are_halved_down_to_the_bad_one(office: Office) -> None:
    aggregates = await office.open(*range(1, 9))
    bad, together = aggregates[5], []

    async def fire_together(dues: Any, *, now: datetime, conn: Connection, deps: Any) -> None:
        together.append(len(dues))
        for due in dues:
            await office.fire(due, now=now, conn=conn, deps=deps)

    async def refuse(due: Due, conn: Connection) -> None:
        if due.aggregate == bad:
            raise RuntimeError("bad")

    office.before = refuse
    office.kind = replace(office.kind, fire=None, fire_together=fire_together)
    office.clock.advance(timedelta(minutes=1))
    assert await office.runner().fire_due() == 8
    assert sorted(await office.fired()) == sorted(set(aggregates) - {bad})
    assert together[0] == 8, "all at once, first"
    assert office.failures == [bad], "and only the bad one was set back"


async def test_of_what_falls_due_at_once_only_so_many_share_a_transaction(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their aggregates are locked meanwhile: whoever answers one of them waits for all that share it."""
    together: list[int] = []

    async def fire_together(dues: Any, *, now: datetime, conn: Connection, deps: Any) -> None:
        together.append(len(dues))
        for due in dues:
            await office.fire(due, now=now, conn=conn, deps=deps)

    monkeypatch.setattr(timer_runner, "_BATCH", 3)
    office.kind = replace(office.kind, fire=None, fire_together=fire_together)
    await office.open(*[1.0] * 8)
    runner = office.runner()
    looking = asyncio.create_task(runner._fire_as_they_fall_due())
    await asyncio.wait_for(_has_read_ahead(runner), 10)
    office.clock.advance(timedelta(seconds=1))
    await asyncio.wait_for(looking, 10)
    assert together == [3, 3, 2]


async def _has_read_ahead(runner: TimerRunner) -> None:
    while runner.waits_for is None:
        await asyncio.sleep(0)
