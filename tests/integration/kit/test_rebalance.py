"""A replica that comes or goes moves partitions from hand to hand, and nothing that is in hand with them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from deploy.local.databases import DatabaseUrls
from shared.db import Connection
from shared.kafka.assignment import Assignment
from shared.kafka.effect import Raw
from shared.kafka.guard import Guard
from tests.integration.kit.parts import Listener, Publisher, declined, eventually

Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a fact of each key was handed to a guard of this process, whichever replica's."""
    keys, process = Counter[str](), Guard.process

    async def counted(guard: Guard, records: Sequence[Raw]) -> None:
        keys.update(bytes(record.key).decode() for record in records if record.key)
        await process(guard, records)

    monkeypatch.setattr(Guard, "process", counted)
    return keys


async def test_what_is_in_hand_when_a_replica_joins_is_finished_first_and_comes_to_nobody_again(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls], delivered: Counter[str]
) -> None:
    visits = await publisher("visits")
    dsn = database("notifications").run
    first = await listener("notifications", dsn=dsn)
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(fact: Any, conn: Connection) -> None:
        in_hand.set()
        await go_on.wait()

    first.behave = slowly
    facts = [declined() for _ in range(8)]
    await visits.emit(*facts)
    await asyncio.wait_for(in_hand.wait(), 30)
    joining = asyncio.create_task(listener("notifications", dsn=dsn))
    assert first.subscription
    assignment = first.subscription.assignment
    await eventually(lambda: assignment.asked_back, "the group wants its partitions back")
    assert not assignment.idle
    go_on.set()
    second = await joining
    for fact in facts:
        await first.has_effects(fact.visit_id, "ill")

    async def all_read() -> bool:
        assert first.subscription
        assert second.subscription
        return await first.subscription.lag() + await second.subscription.lag() == 0

    await eventually(all_read, "both have come to the end of what they were given")
    assert [delivered[str(fact.visit_id)] for fact in facts] == [1] * 8


async def test_a_poll_that_does_not_end_keeps_the_group_waiting_for_a_while_only(monkeypatch: Any) -> None:
    monkeypatch.setattr("shared.kafka.assignment.LAST_POLL_SECONDS", 0.01)
    assignment = Assignment()
    await assignment.on_partitions_assigned(())
    assignment.took_poll()
    read_under = assignment.generation
    await assignment.on_partitions_revoked(())
    assert assignment.generation > read_under, "what is still in hand no longer counts, and will not be committed"
