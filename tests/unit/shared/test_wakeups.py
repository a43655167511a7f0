"""A wake-up is never lost between two waits; a poll stands behind it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.clock import FrozenClock
from shared.timer_runner import TimerRunner
from shared.wakeups import Wakeup, Wakeups

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


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


async def test_a_notification_for_one_lane_wakes_its_waiters_and_those_of_all_and_nobody_else() -> None:
    wakeups = Wakeups("postgresql://nowhere")
    case, general, both = wakeups.on("outbox", "case"), wakeups.on("outbox", "general"), wakeups.on("outbox")
    wakeups.wake("outbox", "case")
    assert await case.wait(1)
    assert await both.wait(1)
    assert not await general.wait(0)
    wakeups.wake("outbox")
    assert await general.wait(1), "one without a payload concerns everybody"


@pytest.mark.parametrize(
    ("armed", "woken"),
    [
        (timedelta(hours=-1), True),
        (timedelta(seconds=1), True),
        (timedelta(minutes=59), True),
        (timedelta(minutes=61), False),
    ],
)
async def test_a_deadline_behind_the_one_that_is_waited_for_wakes_nobody(armed: timedelta, woken: bool) -> None:
    """The next look finds it in time: that is a second from now, and reads two seconds ahead."""
    wakeup, nothing = Wakeup(), Any
    runner = TimerRunner([], nothing, FrozenClock(NOON), None, wakeup)  # type: ignore[arg-type]
    runner.waits_for = NOON + timedelta(hours=1)
    wakeup.hear(str(int((NOON + armed).timestamp())))
    assert await wakeup.wait(0) is woken


async def test_while_nothing_is_waited_for_every_deadline_wakes() -> None:
    wakeup, nothing = Wakeup(), Any
    TimerRunner([], nothing, FrozenClock(NOON), None, wakeup)  # type: ignore[arg-type]
    wakeup.hear(str(int((NOON + timedelta(days=9)).timestamp())))
    assert await wakeup.wait(0)
