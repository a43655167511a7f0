"""A replica that comes or goes moves partitions from hand to hand, and nothing that is in hand with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from deploy.local.databases import DatabaseUrls
from shared import telemetry
from shared.db import Connection
from shared.kafka.assignment import Assignment
from tests.integration.kit.parts import Listener, Publisher, declined, eventually

Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]


def repeated() -> float:
    """Facts that came again, over all consumer groups of this process."""
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in telemetry.metrics_text().decode().splitlines()
        if line.startswith("gemba_facts_repeated_total{")
    )


async def test_what_is_in_hand_when_a_replica_joins_is_finished_first_and_comes_to_nobody_again(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls]
) -> None:
    visits = await publisher("visits")
    dsn = database("notifications").run
    first = await listener("notifications", dsn=dsn)
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(fact: Any, conn: Connection) -> None:
        in_hand.set()
        await go_on.wait()

    first.behave = slowly
    before, facts = repeated(), [declined() for _ in range(8)]
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
    assert repeated() == before


async def test_a_poll_that_does_not_end_keeps_the_group_waiting_for_a_while_only(monkeypatch: Any) -> None:
    monkeypatch.setattr("shared.kafka.assignment.LAST_POLL_SECONDS", 0.01)
    assignment = Assignment()
    await assignment.on_partitions_assigned(())
    assignment.took_poll()
    read_under = assignment.generation
    await assignment.on_partitions_revoked(())
    assert assignment.generation > read_under, "what is still in hand no longer counts, and will not be committed"
