"""What the guard does with a record that cannot be handled just now, or ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from shared.contracts.quarantine import Quarantined
from shared.db import Connection, Pool
from shared.errors import NotKnownYet, Rejected, Transient
from shared.ids import new_id
from shared.kafka.fate import MAX_FAILURES
from shared.kafka.parked import mark_replay, mark_skip
from tests.harness.facts import emitted
from tests.integration.kit.parts import Listener, declined, declined_again, raw_of

Desks = Callable[..., Awaitable[Listener]]


def raising(fault: Exception, *reasons: str) -> Callable[[Any, Connection], Awaitable[None]]:
    """A handler that raises for facts with these reasons."""

    async def behave(fact: Any, conn: Connection) -> None:
        if fact.reason in reasons:
            raise fault

    return behave


async def ids_of(heard: Listener, *versions: int) -> list[int]:
    rows = await heard.pool.fetch("select id from parked where version = any($1::bigint[]) order by version", versions)
    return [row["id"] for row in rows]


async def quarantine(heard: Listener, *raws: Any) -> None:
    """Deliver and try again until a failing record is quarantined."""
    await heard.deliver(*raws)
    for _ in range(MAX_FAILURES + 1):
        await heard.retry()


async def test_a_handler_that_raises_is_quarantined_after_five_times_and_healthy_keys_flow(desk: Desks) -> None:
    heard = await desk()
    sick, healthy = new_id(), new_id()
    heard.behave = raising(RuntimeError("bug"), "broken")
    first = raw_of(declined("broken", visit_id=sick), 1)
    others = [raw_of(declined(str(version), visit_id=sick), version) for version in (2, 3)]
    await heard.deliver(first, *others, raw_of(declined("fine", visit_id=healthy), 1))
    assert await heard.effects(healthy) == ["fine"]
    assert await heard.parked() == [("failing", 1), ("waiting", 2), ("waiting", 3)]
    for _ in range(MAX_FAILURES - 2):
        await heard.retry()
    assert await heard.parked() == [("failing", 1), ("waiting", 2), ("waiting", 3)]
    await heard.retry()
    assert await heard.parked() == [("quarantined", 1), ("waiting", 2), ("waiting", 3)]
    assert heard.calls == MAX_FAILURES + 1
    (notice,) = await emitted(heard.pool, Quarantined)
    assert (notice.aggregate, notice.version, notice.offset) == (sick, 1, first.offset)
    assert await heard.pool.fetchval("select topic from outbox") == "gemba.visit.notifications.general.dlq"
    assert heard.stuck[-1] == ("gemba.visit", sick)


async def test_a_replayed_fact_and_those_behind_it_are_handled_in_order(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    heard.behave = raising(RuntimeError("bug"), "1")
    raws = [raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 4), 1)]
    await quarantine(heard, *raws)
    heard.behave = None
    async with heard.pool.acquire() as conn:
        assert await mark_replay(conn, await ids_of(heard, 1)) == 1
    assert heard.parking
    while await heard.parking.retry_next():
        pass
    assert await heard.effects(visit) == ["1", "2", "3", "4"]
    assert await heard.parked() == []


async def test_a_skip_waits_its_turn(desk: Desks) -> None:
    """Skipping version 2 must not pass version 1, which would then be taken for a repeat: lost."""
    heard = await desk()
    visit = new_id()
    heard.behave = raising(RuntimeError("bug"), "1", "2")
    raws = [raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 3), 1)]
    await quarantine(heard, raws[0])
    await heard.deliver(*raws[1:])
    # Version 2 is quarantined too (an earlier handler raised before the order was known).
    await heard.pool.execute("update parked set state = 'quarantined', next_at = null where version = 2")
    (second,) = await ids_of(heard, 2)
    async with heard.pool.acquire() as conn:
        assert await mark_skip(conn, second, "sent by mistake")
    await heard.retry()
    assert await heard.watermark(visit) is None
    assert ("skip", 2) in await heard.parked()
    heard.behave = None
    async with heard.pool.acquire() as conn:
        await mark_replay(conn, await ids_of(heard, 1))
    assert heard.parking
    while await heard.parking.retry_next():
        pass
    assert await heard.effects(visit) == ["1", "3"]
    (row,) = await heard.parked_rows()
    assert (row["state"], row["reason"]) == ("skipped", "skipped: sent by mistake")


async def test_waiting_is_never_counted_as_failing(desk: Desks) -> None:
    heard = await desk()
    unknown, gap = new_id(), new_id()
    heard.behave = raising(NotKnownYet("enterprise"), "names the unknown")
    await heard.deliver(raw_of(declined("names the unknown", visit_id=unknown), 1), raw_of(declined(visit_id=gap), 2))
    for _ in range(MAX_FAILURES * 2):
        await heard.retry()
    rows = await heard.parked_rows()
    assert {(row["state"], row["failures"]) for row in rows} == {("waiting", 0)}
    assert heard.stuck == []
    heard.behave = None
    await heard.retry()
    assert await heard.effects(unknown) == ["names the unknown"]


async def test_a_passing_fault_of_more_than_two_seconds_parks_uncounted(
    desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await desk()
    monkeypatch.setattr("shared.kafka.guard._PATIENCE_SECONDS", 0.5)
    heard.behave = raising(Transient("the other side is busy"), "ill")
    fact = declined()
    await heard.deliver(raw_of(fact, 1))
    assert heard.calls >= 2
    for _ in range(MAX_FAILURES * 2):
        await heard.retry()
    (row,) = await heard.parked_rows()
    assert (row["state"], row["failures"]) == ("failing", 0)
    heard.behave = None
    await heard.retry()
    assert await heard.effects(fact.visit_id) == ["ill"]


async def test_a_deadlock_while_a_parked_fact_is_tried_again_is_a_passing_fault(desk: Desks) -> None:
    heard = await desk()
    fact = declined()

    async def lock_timeout(_: Any, conn: Connection) -> None:
        await conn.execute("do $$ begin raise exception 'no lock' using errcode = '55P03'; end $$")

    heard.behave = raising(RuntimeError("bug"), "ill")
    await heard.deliver(raw_of(fact, 1))
    heard.behave = lock_timeout
    for _ in range(MAX_FAILURES * 2):
        await heard.retry()
    (row,) = await heard.parked_rows()
    assert (row["state"], row["failures"]) == ("failing", 1)


async def test_a_fact_refused_by_a_business_rule_leaves_a_visible_row_and_its_successor_is_handled(desk: Desks) -> None:
    heard = await desk()
    visit = new_id()
    heard.behave = raising(Rejected("too_late", 409, "The visit is over."), "1")
    raws = [raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 2), 1)]
    await heard.deliver(*raws)
    await heard.deliver(*raws)
    assert await heard.effects(visit) == ["2"]
    (row,) = await heard.parked_rows()
    assert (row["state"], row["version"], row["reason"], row["next_at"]) == ("refused", 1, "too_late", None)
    assert heard.stuck == [("gemba.visit", visit)], "once, to whoever must not let such a fact go quiet"
    assert await heard.watermark(visit) == 2


async def test_a_parked_fact_that_is_refused_later_is_told_as_well(desk: Desks) -> None:
    heard = await desk()
    fact = declined()
    heard.behave = raising(NotKnownYet("enterprise"), "ill")
    await heard.deliver(raw_of(fact, 1))
    assert heard.stuck == [], "waiting is nothing to worry about"
    heard.behave = raising(Rejected("too_late", 409, "The visit is over."), "ill")
    await heard.retry()
    assert heard.stuck == [("gemba.visit", fact.visit_id)]


async def test_while_the_database_is_away_the_record_stays_in_hand(
    desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await desk()
    monkeypatch.setattr("shared.kafka.guard._PATIENCE_SECONDS", 0.05)
    fact = declined()
    away = True
    original = heard.pool.acquire

    def acquire(**options: Any) -> Any:
        if away:
            raise ConnectionRefusedError("nobody listens")
        return original(**options)

    class Away:
        def __getattr__(self, name: str) -> Any:
            return acquire if name == "acquire" else getattr(heard.pool, name)

    heard.guard._pool = Away()  # type: ignore[assignment]
    delivering = asyncio.create_task(heard.deliver(raw_of(fact, 1)))
    with structlog.testing.capture_logs() as logs:
        while not any(entry["event"] == "guard.waits" for entry in logs):
            await asyncio.sleep(0)
    assert not delivering.done()
    assert not heard.guard.idle
    away = False
    await delivering
    assert await heard.effects(fact.visit_id) == ["ill"]
    assert await heard.parked() == []


async def test_a_fault_of_the_guard_itself_quarantines_and_never_passes_a_record_by(
    desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception out of the guard would be swallowed by FastStream, and the next poll would commit past the record."""
    heard = await desk()
    healthy, sick = declined(), declined()

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(heard.guard, "_attempt", broken)
    await heard.deliver(raw_of(sick, 1))
    monkeypatch.undo()
    await heard.deliver(raw_of(healthy, 1))
    assert [row["state"] for row in await heard.parked_rows()] == ["quarantined"]
    assert await heard.effects(healthy.visit_id) == ["ill"]


async def test_the_page_for_a_stuck_fact_cannot_keep_it_from_being_set_aside(desk: Desks) -> None:
    heard = await desk()

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    object.__setattr__(heard.consumer, "on_stuck", broken)
    await heard.deliver(raw_of(declined(), 1, value=b"{"))
    assert [row["state"] for row in await heard.parked_rows()] == ["quarantined"]


async def test_a_record_quarantined_in_a_lost_cluster_does_not_hide_one_at_the_same_place(desk: Desks) -> None:
    heard = await desk()
    await heard.deliver(raw_of(declined(), 1, value=b"{", offset=7))
    await heard.deliver(raw_of(declined(), 1, value=b"{", offset=7, cluster="the-next-one"))
    assert [row["cluster"] for row in await heard.parked_rows()] == ["test-cluster", "the-next-one"]


async def test_two_replicas_that_try_parked_facts_again_make_one_effect_of_each(
    desk: Desks, open_database: Callable[[str], Awaitable[Pool]]
) -> None:
    pool = await open_database("notifications")
    one, other = await desk(pool=pool), await desk(pool=pool)
    visit = new_id()
    raws = [raw_of(fact, version) for version, fact in enumerate(declined_again(visit, 30), 1)]
    one.behave = raising(NotKnownYet("enterprise"), "1")
    await one.deliver(*raws)
    one.behave = None
    await asyncio.gather(one.retry(), other.retry())
    while await one.parked():
        await one.retry()
    assert await one.effects(visit) == [str(version) for version in range(1, 31)]
