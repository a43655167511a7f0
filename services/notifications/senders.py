"""The loops that send: one for ordinary messages, one for zero tolerance with senders and connections of its own.

A commit that queues a message wakes them; a slow poll stands behind, which also finds what quiet hours released.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from services.notifications.deps import Deps
from services.notifications.domain.templates import ZERO_TOLERANCE
from services.notifications.storage.messages import get_next_due, list_unreached
from services.notifications.use_cases.claims import Claimed, Reserved
from services.notifications.use_cases.reach_again import reach_again
from services.notifications.use_cases.send_message import claim_some, machine_time, send_claimed
from shared.db import Pool, session, transaction
from shared.endings import at_end
from shared.errors import Transient
from shared.ids import new_id
from shared.wakeups import Wakeup

_POLL_SECONDS = 1.0
_FINISH_SECONDS = 4.0
_TEXT_AFTER_SECONDS = 0.02
"""A text message takes its gateway seconds: the mail of the same alert, which takes milliseconds, is let go first."""

_log = structlog.get_logger(__name__)


class Sender:
    """Sends what is due in one lane, `size` at a time: one slow recipient holds up one of them."""

    def __init__(self, lane: str, size: int, deps: Deps, pool: Pool, wakeup: Wakeup) -> None:
        self._lane = lane
        self._size = size
        self._slots = asyncio.Semaphore(size)
        self._is_stopping = False
        self._deps = deps
        self._pool = pool
        self._wakeup = wakeup
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = 0
        """Attempts that this process finished, whatever came of them; only grows."""

    async def run(self) -> None:
        """Until cancelled. Several replicas may do this side by side: each message is claimed."""
        try:
            while True:
                await self._patiently(self._send_all_due)
                await self._patiently(self._wait)
        finally:
            await self._finish()
            await self._deps.channels.close()

    async def reserve(self) -> Reserved | None:
        """Keep a sender free until the transaction at hand has ended: what that queues and claims for it leaves then."""
        if self._is_stopping or self._slots.locked():
            return None
        reserved = Reserved(new_id(), machine_time())

        def begin(committed: bool) -> None:
            if committed and reserved.ready is not None:
                self._start(Claimed(reserved.claim, 1, reserved.ready, reserved.since))
            else:
                self._slots.release()

        await self._slots.acquire()
        if not at_end(begin):
            self._slots.release()
            return None
        return reserved

    async def _finish(self) -> None:
        """What is in hand is finished if it can be: a mail cut off in the middle may go twice."""
        self._is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_SECONDS):
                for _ in range(self._size):  # none is at work any more, and none is kept free
                    await self._slots.acquire()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self) -> None:
        """For a commit that queues, for the release of what is held (business time), or for a poll's length."""
        async with session(self._pool) as conn:
            upcoming = await get_next_due(conn, self._deps.clock.now())
        waiting: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._wakeup.wait(_POLL_SECONDS))}
        if upcoming is not None:
            waiting.add(asyncio.ensure_future(self._deps.clock.sleep_until(upcoming)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _send_all_due(self) -> None:
        while await self._start_some():
            pass
        if self._lane == ZERO_TOLERANCE:
            await self._reach_again()

    async def _reach_again(self) -> None:
        """What it queues wakes us again. Nearly always there is nothing, and one read says so."""
        async with session(self._pool) as conn:
            unreached = await list_unreached(conn)
        if unreached:
            async with transaction(self._pool) as conn:
                await reach_again(now=self._deps.clock.now(), conn=conn)

    async def _start_some(self) -> bool:
        """Claim as many as there are free slots, and send them side by side; whether more may be due."""
        free = await self._take_slots()
        claimed: list[Claimed] = []
        try:
            claimed = await claim_some(self._lane, free, deps=self._deps, pool=self._pool)
        finally:  # after a fault it is open whether it was committed: a claim that was runs out by itself
            for _ in range(free - len(claimed)):
                self._slots.release()
        for mine in claimed:
            self._start(mine)
        return sum(mine.count for mine in claimed) >= free  # several messages may be one mail

    def _start(self, mine: Claimed) -> None:
        task = asyncio.create_task(self._send(mine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_slots(self) -> int:
        """Wait for one, and take all that are free."""
        taken = 0
        while not taken or not self._slots.locked():
            await self._slots.acquire()
            taken += 1
        return taken

    async def _send(self, mine: Claimed) -> None:
        """The slot is given back when it is done."""
        try:
            if mine.ready is not None and mine.ready.messages[0].channel == "sms":
                await asyncio.sleep(_TEXT_AFTER_SECONDS)
            await self._patiently(lambda: send_claimed(mine, deps=self._deps, pool=self._pool))
            self.sent += mine.count
        finally:
            self._slots.release()

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """A claim that could not be settled runs out by itself; a loop that failed is tried again."""
        try:
            await work()
        except Transient as fault:
            _log.warning("sender.waits", lane=self._lane, reason=str(fault))
            await asyncio.sleep(_POLL_SECONDS)
        except Exception:
            _log.exception("sender.bug", lane=self._lane)
            await asyncio.sleep(_POLL_SECONDS)
