"""From commit to effect, over Apache Kafka and PostgreSQL: nothing lost, nothing twice, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shared.db import Pool, transaction
from shared.kafka.outbox import count_pending, emit
from tests.integration.kit.parts import NOON, Listener, Publisher, declined


async def test_a_committed_fact_reaches_its_handler_once_and_in_order(
    publisher: Callable[..., Awaitable[Publisher]], listener: Callable[..., Awaitable[Listener]]
) -> None:
    visits = await publisher("visits")
    notifications = await listener("notifications")
    facts = [declined(reason=f"reason-{number}") for number in range(3)]
    facts += [facts[0].model_copy(update={"reason": "later"})]
    for fact in facts:
        async with transaction(visits.pool) as conn:
            await emit(conn, fact, now=NOON)
    await notifications.has_handled(lambda seen: len(seen) == 4)
    of_first = [fact.reason for fact in notifications.handled if fact.visit_id == facts[0].visit_id]
    assert of_first == ["reason-0", "later"]
    await visits.is_empty()


async def test_a_rolled_back_fact_never_leaves(
    publisher: Callable[..., Awaitable[Publisher]],
) -> None:
    visits = await publisher("visits", start=False)
    pool: Pool = visits.pool
    try:
        async with transaction(pool) as conn:
            await emit(conn, declined(), now=NOON)
            raise KeyError
    except KeyError:
        pass
    async with transaction(pool) as conn:
        assert await count_pending(conn) == 0
