"""What a consumer group has given to this process, and how it gives it back: with nothing of it in hand."""

import asyncio
import contextlib
from typing import Any

from aiokafka import ConsumerRebalanceListener

LAST_POLL_SECONDS = 3.0
"""How long the group's other members may be kept waiting for a poll in hand; membership lives on meanwhile."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Counts rebalances: a poll's offsets are committed only under the assignment in which it was read.

    Before partitions are given back, a poll in hand is settled and committed: whoever is given them next would otherwise
    be handed all of it again, at every restart of a replica.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.held = False
        """Whether the group has given us partitions (perhaps none) and not taken them back."""
        self.asked_back = False
        """Whether the group is waiting for us to give them back."""
        self._moved = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def idle(self) -> bool:
        """Whether no poll is in hand."""
        return self._settled.is_set()

    def took_poll(self) -> None:
        """Records were read: they are in hand until they are settled."""
        self._settled.clear()

    def settled_poll(self) -> None:
        """Whatever was in hand is done with, and committed if it could be."""
        self._settled.set()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """What was read before no longer counts."""
        self.asked_back = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_POLL_SECONDS):
                await self._settled.wait()
        self._next(held=False)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """A new generation of polls begins."""
        self._next(held=True)

    async def ended(self, generation: int) -> None:
        """Return when a generation is over."""
        while self.generation == generation:
            await self._moved.wait()

    def _next(self, *, held: bool) -> None:
        self.generation += 1
        self.held = held
        self.asked_back = False
        self._moved.set()
        self._moved = asyncio.Event()
