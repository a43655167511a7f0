"""A commit's NOTIFY wakes whoever waits for it, whenever they began to: behind it there is only a slow poll."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest_asyncio

from shared.db import Pool, transaction
from shared.wakeups import Wakeup, Wakeups, wake_here

LONGER_THAN_A_POLL = 10.0


@pytest_asyncio.fixture
async def wakeups(postgres_server: str) -> AsyncIterator[Wakeups]:
    """Listening, for one waiter who asked before."""
    listening = Wakeups(postgres_server)
    early = listening.on("early")
    running = asyncio.create_task(listening.run())
    assert await early.wait(LONGER_THAN_A_POLL), "whoever waits is woken once when listening begins"
    yield listening
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _notified(dsn: str, channel: str, wakeup: Wakeup) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_notify($1, '')", channel)
        return await wakeup.wait(LONGER_THAN_A_POLL)
    finally:
        await connection.close()


async def test_a_waiter_who_came_before_listening_began_is_woken(wakeups: Wakeups, postgres_server: str) -> None:
    assert await _notified(postgres_server, "early", wakeups.on("early"))


async def test_a_waiter_who_comes_later_is_woken_too(wakeups: Wakeups, postgres_server: str) -> None:
    late = wakeups.on("late")
    assert await late.wait(LONGER_THAN_A_POLL), "once at the beginning: what was committed before is not waited for"
    assert await _notified(postgres_server, "late", late)


async def test_who_waits_in_the_same_process_is_woken_by_the_end_of_the_transaction_alone(
    open_database: Callable[[str], Awaitable[Pool]],
) -> None:
    pool = await open_database("visits")
    here = Wakeups("postgresql://nobody.listens.here")
    waiter = here.on("outbox", "general")
    async with transaction(pool):
        wake_here("outbox", "general")
        assert not await waiter.wait(0), "what it would look for is not committed yet"
    assert await waiter.wait(0)
    async with transaction(pool):
        wake_here("outbox", "zero_tolerance")
    assert not await waiter.wait(0), "another lane does not concern it"


async def test_what_nobody_waits_for_wakes_a_moment_later(open_database: Callable[[str], Awaitable[Pool]]) -> None:
    pool = await open_database("visits")
    here = Wakeups("postgresql://nobody.listens.here")
    waiter = here.on("outbox", "general")
    began = asyncio.get_running_loop().time()
    async with transaction(pool):
        wake_here("outbox", "general", after=0.1)
    assert await waiter.wait(LONGER_THAN_A_POLL)
    assert asyncio.get_running_loop().time() - began >= 0.1
