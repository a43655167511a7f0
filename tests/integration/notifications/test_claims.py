"""What is due is claimed together, in one commit, and each mail still stands for itself."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.domain.message import Message
from services.notifications.storage.messages import claim_due
from services.notifications.use_cases import send_message
from services.notifications.use_cases.send_message import claim_some, send_claimed
from shared.contracts.values import Channel, Role
from shared.db import Connection, transaction
from shared.ids import new_id
from tests.integration.notifications.world import START, World, case_opened

OFFICERS = ("ayesha", "mita", "rina")


async def three_alerts(world: World) -> None:
    officers = [await world.knows(name, Role.OFFICER, channels=(Channel.EMAIL,)) for name in OFFICERS]
    await world.hears(case_opened(*officers))


async def claimed_now(world: World) -> int:
    count: int = await world.pool.fetchval("select count(*) from messages where claimed_until > clock_timestamp()")
    return count


async def test_as_many_as_are_asked_for_are_claimed_in_one_commit_and_leave_one_by_one(world: World) -> None:
    await three_alerts(world)
    claimed = await claim_some("zero_tolerance", 2, deps=world.deps, pool=world.pool)
    assert (len(claimed), await claimed_now(world)) == (2, 2)
    assert (
        len({row["xmin"] for row in await world.pool.fetch("select xmin from messages where claimed_by is not null")})
        == 1
    )
    others = await claim_some("zero_tolerance", 5, deps=world.deps, pool=world.pool)
    assert len(others) == 1, "nobody gets what is claimed"
    for mine in (*claimed, *others):
        await send_claimed(mine, deps=world.deps, pool=world.pool)
    assert [len(world.post.to(f"{name}@example.org")) for name in OFFICERS] == [1, 1, 1]
    assert await claim_some("zero_tolerance", 5, deps=world.deps, pool=world.pool) == []


async def test_one_that_cannot_be_prepared_keeps_back_none_of_those_claimed_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three_alerts(world)
    bad = await world.pool.fetchval("select message_id from messages order by not_before, message_id offset 1")
    original = send_message._prepare

    async def prepare(mail: list[Message], **options: Any) -> Any:
        if mail[0].message_id == bad:
            raise RuntimeError("bug")
        return await original(mail, **options)

    monkeypatch.setattr(send_message, "_prepare", prepare)
    claimed = await claim_some("zero_tolerance", 4, deps=world.deps, pool=world.pool)
    assert [mine.ready is None for mine in claimed] == [False, True, False]
    for mine in claimed:
        await send_claimed(mine, deps=world.deps, pool=world.pool)
    assert sorted(await world.states()) == ["queued", "sent", "sent"]
    assert await claim_some("zero_tolerance", 4, deps=world.deps, pool=world.pool) == [], "not looked at again at once"


async def test_notices_that_travel_together_are_one_mail_however_many_are_claimed(world: World) -> None:
    await three_alerts(world)
    await world.pool.execute("update messages set bundle = 'notices', part = message_id::text")
    await world.pool.execute("update messages set recipient_id = (select min(recipient_id::text)::uuid from messages)")
    claim = new_id()

    async def claim_by(most: int, conn: Connection) -> list[int]:
        found = await claim_due(conn, "zero_tolerance", claim, now=START + timedelta(days=1), most=most)
        return [len(mail) for mail in found]

    for most in (1, 2, 5):
        async with transaction(world.pool) as conn:
            assert await claim_by(most, conn) == [3]
            assert await claim_by(most, conn) == []
            await conn.execute("update messages set claimed_until = null")
