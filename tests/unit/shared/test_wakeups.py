"""A wake-up is never lost between two waits; a poll stands behind it."""

from __future__ import annotations

import asyncio

from shared.wakeups import Wakeup, Wakeups


async def test_a_wakeup_before_the_wait_is_kept_for_it() -> None:
    wakeup = Wakeup()
    wakeup.set()
    assert await wakeup.wait(10)
    assert not await wakeup.wait(0.001)


async def test_one_that_comes_with_the_time_out_counts() -> None:
    wakeup = Wakeup()
    waiting = asyncio.create_task(wakeup.wait(0))
    asyncio.get_running_loop().call_soon(wakeup.set)
    first = await waiting
    assert first or await wakeup.wait(0.01)


async def test_waking_a_channel_wakes_all_its_waiters_and_no_others() -> None:
    wakeups = Wakeups("postgresql://nowhere")
    one, two, other = wakeups.on("outbox"), wakeups.on("outbox"), wakeups.on("timers")
    wakeups.wake("outbox")
    assert await one.wait(1)
    assert await two.wait(1)
    assert not await other.wait(0)
