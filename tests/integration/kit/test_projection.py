"""A projection takes a poll in one transaction, and promises what one record after the other would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from shared.clock import FrozenClock
from shared.contracts.visit import OfferLapsed, VisitDeclined
from shared.db import Connection, transaction
from shared.ids import new_id
from shared.kafka import guard
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.projection import readable_together, take_together
from tests.integration.kit.parts import NOON, Listener, declined, declined_again, raw_of

Desks = Callable[..., Awaitable[Listener]]


@pytest.fixture
async def projecting(desk: Desks) -> Callable[..., Awaitable[tuple[Listener, list[int]]]]:
    """A listener whose handler takes many facts at once; the list is how many came in each call."""

    async def make(heard: Listener | None = None) -> tuple[Listener, list[int]]:
        heard = heard or await desk()
        calls: list[int] = []

        async def on_all(facts: Any, *, conn: Connection, deps: Any) -> None:
            calls.append(len(facts))
            for fact in facts:
                await heard.on_fact(fact, conn=conn, deps=deps)

        heard.consumer = Consumer(heard.consumer.group, projections={VisitDeclined: on_all}, on_stuck=heard.on_stuck)
        heard.guard = Guard(heard.consumer, heard.pool, FrozenClock(NOON), None)
        heard.parking_with(None)
        return heard, calls

    return make


async def test_a_poll_is_one_call_in_the_order_of_the_log_and_its_repeats_are_none(projecting: Any) -> None:
    heard, calls = await projecting()
    one, other = new_id(), new_id()
    raws = [raw_of(fact, version) for visit in (one, other) for version, fact in enumerate(declined_again(visit, 3), 1)]
    await heard.deliver(*raws)
    assert calls == [6]
    assert (await heard.effects(one), await heard.effects(other)) == (["1", "2", "3"], ["1", "2", "3"])
    await heard.deliver(*raws[:2], raw_of(declined("4", visit_id=one), 4))
    assert calls == [6, 1]
    assert await heard.effects(one) == ["1", "2", "3", "4"]
    assert (await heard.watermark(one), await heard.watermark(other)) == (4, 3)
    assert heard.guard.handled == 9


async def test_one_bad_fact_costs_the_others_of_its_poll_nothing_but_time(projecting: Any) -> None:
    heard, calls = await projecting()
    sick, healthy = new_id(), new_id()

    async def behave(fact: Any, conn: Connection) -> None:
        if fact.reason == "bad":
            raise RuntimeError("bug")

    heard.behave = behave
    await heard.deliver(
        raw_of(declined("1", visit_id=healthy), 1),
        raw_of(declined("bad", visit_id=sick), 1),
        raw_of(declined("2", visit_id=sick), 2),
        raw_of(declined("2", visit_id=healthy), 2),
    )
    assert calls[0] == 4, "first all at once"
    assert await heard.effects(healthy, sick) == ["1", "2"]
    assert await heard.parked() == [("failing", 1), ("waiting", 2)]
    heard.behave = None
    await heard.retry()
    assert await heard.effects(sick) == ["bad", "2"]


async def test_a_gap_waits_and_a_projection_frees_it(projecting: Any) -> None:
    heard, _ = await projecting()
    visit, another = new_id(), new_id()
    await heard.deliver(raw_of(declined("2", visit_id=visit), 2), raw_of(declined("1", visit_id=another), 1))
    assert await heard.parked() == [("waiting", 2)]
    await heard.deliver(raw_of(declined("1", visit_id=visit), 1), raw_of(declined("2", visit_id=another), 2))
    assert await heard.pool.fetchval("select next_at <= clock_timestamp() from parked"), "its turn has come"
    assert await heard.parking.retry_next()
    assert await heard.effects(visit) == ["1", "2"]


async def test_poison_and_other_facts_are_taken_one_by_one_beside_it(projecting: Any) -> None:
    heard, calls = await projecting()
    visit, sick = new_id(), new_id()
    other = OfferLapsed(visit_id=visit, offer=1, country="BD", trainer_id=new_id())
    await heard.deliver(
        raw_of(declined("1", visit_id=visit), 1),
        raw_of(declined("x", visit_id=sick), 1, value=b"{"),
        raw_of(other, 2),
        raw_of(declined("3", visit_id=visit), 3),
    )
    assert calls == [2]
    assert await heard.watermark(visit) == 3, "a fact without a handler moves it as well"
    assert await heard.parked() == [("quarantined", 1)]


async def test_three_replicas_in_a_rebalance_have_each_effect_once(projecting: Any) -> None:
    heard, _ = await projecting()
    visits = [new_id() for _ in range(20)]
    raws = [raw_of(declined(str(version), visit_id=visit), version) for version in (1, 2, 3) for visit in visits]
    guards = [Guard(heard.consumer, heard.pool, FrozenClock(NOON), None) for _ in range(3)]
    await asyncio.gather(*(guard.process(raws) for guard in guards))
    while await heard.pool.fetchval("select count(*) from parked"):
        await heard.retry()
    for visit in visits:
        assert await heard.effects(visit) == ["1", "2", "3"]


async def test_effect_and_watermarks_are_one_commit(projecting: Any) -> None:
    heard, _ = await projecting()
    visit = new_id()
    record = [raw_of(declined("1", visit_id=visit), 1)]
    together, others = readable_together(heard.consumer, record)
    assert others == []
    with pytest.raises(ArithmeticError):
        async with transaction(heard.pool) as conn:
            await take_together(heard.consumer, together, conn, None)
            raise ArithmeticError
    assert (await heard.watermark(visit), await heard.effects(visit)) == (None, [])


async def test_the_same_version_under_another_id_is_an_alarm(projecting: Any) -> None:
    heard, _ = await projecting()
    visit = new_id()
    await heard.deliver(raw_of(declined("1", visit_id=visit), 1))
    with structlog.testing.capture_logs() as lines:
        await heard.deliver(raw_of(declined("1", visit_id=visit), 1))
    assert [line["event"] for line in lines] == ["inbox.version_under_two_ids"]


def test_a_fact_is_handled_by_itself_or_in_a_projection() -> None:
    async def handler(*_: Any, **__: Any) -> None: ...

    with pytest.raises(ValueError, match="twice"):
        Consumer("notifications.general", facts={VisitDeclined: handler}, projections={VisitDeclined: handler})


async def test_a_poll_in_which_everything_is_next_is_taken_without_reading_a_watermark_first(
    projecting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement for each poll less; a poll with a repeat in it is looked at as before."""
    heard, calls = await projecting()
    looked: list[int] = []

    async def look(*arguments: Any) -> Any:
        looked.append(len(arguments[1]))
        return await take_together(*arguments)

    monkeypatch.setattr(guard, "take_together", look)
    one, other = new_id(), new_id()
    raws = [raw_of(fact, version) for visit in (one, other) for version, fact in enumerate(declined_again(visit, 3), 1)]
    await heard.deliver(*raws[:2], *raws[3:])
    await heard.deliver(raws[2])
    assert (calls, looked) == ([5, 1], [])
    await heard.deliver(raws[2], raw_of(declined("4", visit_id=one), 4))
    assert (calls, looked) == ([5, 1, 1], [2])
    assert await heard.effects(one) == ["1", "2", "3", "4"]
    assert (await heard.watermark(one), await heard.watermark(other)) == (4, 3)
