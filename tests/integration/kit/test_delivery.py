"""From commit to effect, over Apache Kafka and PostgreSQL: nothing lost, nothing twice, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shared.ids import new_id
from tests.integration.kit.parts import Listener, Publisher, declined, declined_again

pytestmark = pytest.mark.xdist_group("log")
Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]


async def test_committed_facts_reach_their_handler_once_and_in_order(
    publisher: Publishers, listener: Listeners
) -> None:
    visits = await publisher("visits")
    notifications = await listener("notifications")
    visit = new_id()
    others = [declined("other") for _ in range(3)]
    await visits.emit(*declined_again(visit, 20), *others)
    await notifications.has_effects(visit, *(str(version) for version in range(1, 21)))
    for other in others:
        await notifications.has_effects(other.visit_id, "other")
    await visits.is_empty()
