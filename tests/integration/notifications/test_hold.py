"""After a restore no message leaves before an operator has released it, and none is lost by waiting."""

from services.notifications.storage.messages import count_due, list_held
from shared.db import transaction
from shared.ids import new_id
from shared.lives import begin_life, release
from tests.integration.notifications.test_sending import RINA, one_offer
from tests.integration.notifications.world import World


async def test_a_restored_message_waits_for_an_operator_and_then_leaves_once(world: World) -> None:
    await one_offer(world)
    await begin_life(world.pool, new_id(), "a-newly-formatted-log")
    await world.send()
    assert world.post.mails == []
    async with transaction(world.pool) as conn:
        assert await count_due(conn, world.clock.now()) == {}, "what is held is not waiting"
        assert [(one.what, one.kind) for one in await list_held(conn, world.clock.now(), 10)] == [
            ("message", "visit_offer")
        ]
        await release(conn, new_id())
    await world.send()
    await world.send()
    assert len(world.post.to(RINA)) == 1
