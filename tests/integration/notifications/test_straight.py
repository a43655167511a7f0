"""An alert that is queued while a sender is free is claimed for it in the same commit, and leaves right after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from uuid import UUID

import pytest

from services.notifications.senders import Sender
from services.notifications.use_cases.claims import FreeSenders, Reserved
from services.notifications.use_cases.tell_case import tell_case
from shared.contracts.message import MessageQueued, MessageSent
from shared.contracts.values import Role
from shared.db import Connection, savepoint, transaction
from shared.ids import new_id
from shared.lives import begin_life
from shared.wakeups import Wakeup
from tests.integration.kit.parts import eventually
from tests.integration.notifications.world import World, case_opened

OFFICER = "officer@example.org"


def senders(world: World, size: int = 2) -> Sender:
    """Nobody wakes them, and they do not look for anything: what they send was given to them."""
    return Sender("zero_tolerance", size, world.deps, world.pool, Wakeup())


@asynccontextmanager
async def alert(world: World, free: FreeSenders, *, step: int = 1) -> AsyncIterator[Connection]:
    """The transaction that queues an alert to an officer, about to be committed."""
    officer = world.people.get("officer") or await world.knows("officer", Role.OFFICER)
    async with transaction(world.pool) as conn:
        await tell(world, free, officer, step, conn)
        yield conn


async def tell(world: World, free: FreeSenders, officer: UUID, step: int, conn: Connection) -> None:
    case_id, now = new_id(), world.clock.now()
    part = f"step-{step}"
    await tell_case(
        "case_alert", case_id, "BD", [officer],
        state="open", part=part, step=step, respond_by=now, now=now, conn=conn, free=free,
    )  # fmt: skip


async def sent(world: World, count: int = 1) -> None:
    async def settled() -> bool:
        return await world.states() == ["sent"] * count

    await eventually(settled, "all that was queued is sent")
    assert len(world.post.to(OFFICER)) == count


async def all_are_free(sender: Sender, size: int = 2) -> None:
    """Each can be kept, and given back."""
    async with transaction(sender._pool):
        assert all([await sender.reserve() for _ in range(size)])
        assert await sender.reserve() is None


async def test_it_leaves_by_its_commit_alone_and_is_said_and_settled(world: World) -> None:
    sender = senders(world)
    async with alert(world, sender):
        assert world.post.mails == [], "nothing leaves before it is committed"
    await sent(world)
    assert len(await world.said(MessageQueued)) == len(await world.said(MessageSent)) == 1
    await all_are_free(sender)


async def test_handed_over_by_the_fact_as_it_comes(world: World) -> None:
    sender = senders(world)
    straight = World(world.pool, world.clock, replace(world.deps, free=sender), world.post, world.sms)
    officer = await straight.knows("officer", Role.OFFICER)
    await straight.hears(case_opened(officer), times=2)
    await sent(world)


async def test_what_is_rolled_back_is_not_sent_and_its_sender_is_free_again(world: World) -> None:
    sender = senders(world)
    with suppress(ZeroDivisionError):
        async with alert(world, sender):
            raise ZeroDivisionError
    assert await world.states() == []
    await all_are_free(sender)
    assert world.post.mails == []


async def test_a_part_that_failed_is_not_sent_though_the_transaction_around_it_is_committed(world: World) -> None:
    officer, sender = await world.knows("officer", Role.OFFICER), senders(world)
    async with transaction(world.pool) as conn:
        with suppress(ZeroDivisionError):
            async with savepoint(conn):
                await tell(world, sender, officer, 1, conn)
                raise ZeroDivisionError
        async with savepoint(conn):
            await tell(world, sender, officer, 2, conn)
    await sent(world)
    await all_are_free(sender)


async def test_when_no_sender_is_free_it_is_queued_for_whoever_is_next(world: World) -> None:
    sender = senders(world, size=1)
    async with transaction(world.pool):
        assert await sender.reserve() is not None
        async with alert(world, sender):
            pass
    rows = await world.pool.fetch("select claimed_by from messages")
    assert [row["claimed_by"] for row in rows] == [None]
    await world.send()
    await sent(world)


async def test_on_hold_nobody_gets_it(world: World) -> None:
    await world.knows("officer", Role.OFFICER)
    await begin_life(world.pool, new_id(), "a-newly-formatted-log")
    sender = senders(world)
    async with alert(world, sender):
        pass
    assert await world.pool.fetchval("select claimed_by is null from messages")
    await all_are_free(sender)
    assert world.post.mails == []


async def test_one_whose_case_was_taken_meanwhile_is_looked_at_in_its_turn(world: World) -> None:
    """A later step was answered before this one's fact came: it is not handed on as if it were wanted."""
    sender, case_id, now = senders(world), new_id(), world.clock.now()
    officer = await world.knows("officer", Role.OFFICER)
    await world.pool.execute(
        "insert into cases (case_id, country, state, step, answered) values ($1, 'BD', 'owned', 2, 2)", case_id
    )
    async with transaction(world.pool) as conn:
        await tell_case(
            "case_alert", case_id, "BD", [officer],
            state="open", part="step-1", step=1, respond_by=now, now=now, conn=conn, free=sender,
        )  # fmt: skip
    await world.send()
    assert await world.states() == ["cancelled"]
    assert world.post.mails == []


async def test_a_stop_waits_for_what_a_sender_was_kept_for(world: World) -> None:
    sender = senders(world, size=1)
    running = asyncio.create_task(sender.run())
    await asyncio.sleep(0)
    async with alert(world, sender):
        running.cancel()
        await asyncio.sleep(0)
        assert await sender.reserve() is None, "nothing new is taken on"
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await world.states() == ["sent"]


class Never:
    """Nobody is ever free."""

    async def reserve(self) -> Reserved | None:
        return None


async def test_who_is_never_free_holds_up_nobody(world: World) -> None:
    async with alert(world, Never()):
        pass
    await world.send()
    await sent(world)
