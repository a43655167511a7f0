"""The stage of the story: a running installation, its clock, its people, and eyes on everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Log, Services, instant
from deploy.local.demo.timeline import Timeline
from deploy.local.topology import OBSERVER
from shared.clock import SteeredClock
from shared.kafka.access import KafkaAccess

if TYPE_CHECKING:
    from deploy.local.demo.stage import Stage


@dataclass
class World:
    """Everything that a chapter of the story needs."""

    installation: Stage
    clock: SteeredClock
    services: Services
    log: Log
    inbox: Inbox
    timeline: Timeline
    administrator: Actor
    _actors: dict[str, Actor] = field(default_factory=dict)

    async def actor(self, key: str) -> Actor:
        """The person with this key of the programme, signed in by the link in their mail."""
        if key not in self._actors:
            actor = Actor(key, self.installation.origin, trust=self.installation.trust)
            await actor.sign_in(self.inbox)
            self._actors[key] = actor
        return self._actors[key]

    def tell(self, who: str, what: str, event: str = "") -> None:
        """Say what was just observed."""
        self.timeline.tell(self.clock.now(), who, what, event)

    async def settle(self) -> None:
        """Wait until nothing is in flight."""
        await self.services.settle()

    async def advance_to(self, target: datetime) -> None:
        """Move business time to `target`, stopping at every deadline on the way: each fires at its own time."""
        await self.settle()
        while (now := self.clock.now()) < target:
            upcoming = [
                instant(status["next_due"]) for status in (await self.services.status()).values() if status["next_due"]
            ]
            stops = [at for at in upcoming if now < at < target]
            self.clock.jump_to(min(stops, default=target))
            await self.settle()

    async def advance(self, **by: float) -> None:
        """Move business time on by a `timedelta(**by)`."""
        await self.advance_to(self.clock.now() + timedelta(**by))

    async def close(self) -> None:
        """Everybody leaves."""
        for actor in (*self._actors.values(), self.administrator):
            await actor.close()
        await self.log.stop()
        await self.services.close()
        await self.inbox.close()


@asynccontextmanager
async def open_world(
    installation: Stage, clock: SteeredClock, timeline: Timeline, administrator_token: str
) -> AsyncIterator[World]:
    """Look at a running installation from outside."""
    address = installation.kafka
    access = KafkaAccess(address.bootstrap, OBSERVER, installation.kafka_password(OBSERVER), address.tls)
    world = World(
        installation,
        clock,
        Services(installation.status_urls),
        Log(access),
        Inbox(installation.origin, trust=installation.trust),
        timeline,
        Actor("administrator", installation.origin, token=administrator_token, trust=installation.trust),
    )
    await world.log.start()
    try:
        yield world
    finally:
        await world.close()
