"""A consumer that has gone silent is noticed by the age of what it has not settled, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shared.ids import new_id
from shared.kafka.lateness import Lateness
from shared.kafka.topics import topics_of
from tests.harness.servers import Servers
from tests.integration.kit.parts import Listener, Publisher, access_of, declined, eventually

pytestmark = pytest.mark.xdist_group("log")
Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]


async def test_the_age_grows_while_a_consumer_is_silent_and_is_gone_when_it_works_again(
    publisher: Publishers, listener: Listeners, kafka_server: Servers, kafka_passwords: dict[str, str]
) -> None:
    visits = await publisher("visits")
    notifications = await listener("notifications")
    group = notifications.consumer.group
    first, second = declined("first", visit_id=new_id()), declined("second", visit_id=new_id())
    await visits.emit(first)
    await notifications.has_effects(first.visit_id, "first")

    async with Lateness(access_of(kafka_server, kafka_passwords, "notifications"), group, topics_of(group)) as lateness:

        async def nothing_is_late() -> bool:
            return await lateness.seconds() == 0

        await eventually(nothing_is_late, "all is settled")
        await notifications.broker.stop()
        await visits.emit(second)
        await visits.is_empty()

        async def late_by_a_second() -> bool:
            return await lateness.seconds() >= 1

        await eventually(late_by_a_second, "what nobody handles grows old")
