"""The watermark: once, in order, whatever the log repeats or delivers early, and whoever else is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from shared.db import Connection, Pool
from shared.ids import new_id
from shared.kafka.parked import insert_parked
from tests.integration.kit.parts import Listener, declined_again, raw_of

Desks = Callable[..., Awaitable[Listener]]


async def test_a_repeated_fact_has_no_second_effect(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    raws = [raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 3), 1)]
    await heard.deliver(*raws)
    await heard.deliver(*raws)
    await heard.deliver(raws[0])
    assert await heard.effects(visit) == ["1", "2", "3"]
    assert await heard.parked() == []


async def test_three_consumers_racing_over_one_aggregate_make_200_effects_of_200_facts(
    desk: Desks, open_database: Callable[[str], Awaitable[Pool]]
) -> None:
    pool = await open_database("notifications")
    racers = [await desk(pool=pool) for _ in range(3)]
    visit = new_id()
    facts = declined_again(visit, 200)
    raws = [raw_of(fact, version) for version, fact in enumerate(facts, 1)]
    await asyncio.gather(*(racer.deliver(*raws) for racer in racers))
    while await racers[0].parked():
        await racers[0].retry()
    assert await racers[0].effects(visit) == [str(version) for version in range(1, 201)]


async def test_a_first_fact_with_version_two_is_a_gap(desk: Desks) -> None:
    """One upsert for first and later facts would accept it."""
    heard = await desk()
    visit = new_id()
    _, second = declined_again(visit, 2)
    await heard.deliver(raw_of(second, 2))
    assert await heard.effects(visit) == []
    assert await heard.watermark(visit) is None
    assert await heard.parked() == [("waiting", 2)]


async def test_a_gap_waits_and_is_released_by_its_predecessor(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    first, second, third = (raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 3), 1))
    await heard.deliver(third, second)
    await heard.deliver(first)
    # No time of their own has come: the watermark that moved made the next one due, and that one its next.
    assert heard.parking
    while await heard.parking.retry_next():
        pass
    assert await heard.effects(visit) == ["1", "2", "3"]
    assert await heard.parked() == []


async def test_a_gap_behind_a_handled_fact_waits_too(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    first, second, third = (raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 3), 1))
    await heard.deliver(first, third)
    assert await heard.effects(visit) == ["1"]
    assert (await heard.watermark(visit), await heard.parked()) == (1, [("waiting", 3)])
    await heard.deliver(second)
    await heard.retry()
    assert await heard.effects(visit) == ["1", "2", "3"]


async def test_a_gap_judged_just_before_its_predecessor_commits_heals_by_its_own_next_time(
    desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await desk()
    visit = new_id()
    first, second = (raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 2), 1))
    judged, committed = asyncio.Event(), asyncio.Event()

    async def park_late(*args: Any, **options: Any) -> bool:
        judged.set()
        await committed.wait()
        return await insert_parked(*args, **options)

    monkeypatch.setattr("shared.kafka.guard.insert_parked", park_late)
    early = asyncio.create_task(heard.deliver(second))
    await judged.wait()
    await heard.deliver(first)  # finds nothing parked that it could release
    committed.set()
    await early
    parked = await heard.parked_rows()
    assert [row["next_at"] is not None for row in parked] == [True], "it waits, and will be looked at again"
    await heard.retry()
    assert await heard.effects(visit) == ["1", "2"]


async def test_a_fact_without_a_handler_still_moves_the_watermark(desk: Desks) -> None:
    heard = await desk(facts=())
    visit = new_id()
    await heard.deliver(*(raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 2), 1)))
    assert await heard.watermark(visit) == 2


async def test_effect_and_watermark_are_one_commit(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()

    async def fail_after_its_effect(fact: Any, conn: Connection) -> None:
        await conn.execute("insert into commands (scope, key, request_hash) values ('half', 'half', '')")
        raise RuntimeError("broken")

    heard.behave = fail_after_its_effect
    await heard.deliver(raw_of(declined_again(visit, 1)[0], 1))
    assert await heard.watermark(visit) is None
    assert await heard.pool.fetchval("select count(*) from commands where scope = 'half'") == 0


async def test_one_version_under_two_ids_is_an_alarm(desk: Desks) -> None:
    heard = await desk()
    (fact,) = declined_again(new_id(), 1)
    await heard.deliver(raw_of(fact, 1))
    with structlog.testing.capture_logs() as logs:
        await heard.deliver(raw_of(fact, 1))
    assert [entry["event"] for entry in logs] == ["inbox.version_under_two_ids"]
    assert await heard.effects(fact.visit_id) == ["1"]
