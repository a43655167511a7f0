"""What clients ask for: they ask again, of another replica, until they are answered; what they were told counts from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from tests.simulation.database import Row
from tests.simulation.loop import lapse
from tests.simulation.services import Replica, act_on_case, decline, raise_case, save_person

if TYPE_CHECKING:
    from tests.simulation.world import World

_CASE_ACTS = ("acknowledge", "acknowledge", "confirm", "note", "propose", "return", "approve")


class Load:
    """The clients of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, number: int, length: float) -> None:
        step = 0
        while self._world.loop.time() < length:
            await lapse(self._world.rng.random() * 1.5)
            step += 1
            await self._ask(f"request-{number}-{step}")

    async def _ask(self, key: str) -> None:
        wishes: list[Callable[[str], Awaitable[None]]] = []
        if self._world.kind in {"facts", "people"}:
            wishes += [self._decline, self._decline]
        if self._world.kind in {"people", "states"}:
            wishes += [self._save_person]
        if self._world.kind == "cases":
            wishes += [self._touch_case]
        await self._world.rng.choice(wishes)(key)

    async def _decline(self, key: str) -> None:
        if not self._world.visits or self._world.rng.random() < 0.25:
            self._world.visits.append(UUID(int=self._world.rng.getrandbits(128)))
        visit = self._world.rng.choice(self._world.visits[-4:])
        if "directory" in self._world.databases:
            trainer = self._somebody()
        else:
            trainer = self._world.officials[0]
            self._world.databases["notifications"].tables["state_copies"]["gemba.person", trainer] = Row(
                version=1, erased=False
            )
        deadline = self._world.rng.choice(
            [None, timedelta(seconds=self._world.rng.random() * 9), timedelta(minutes=30)]
        )
        await self.request("visits", key, lambda replica: decline(replica, key, visit, trainer, deadline))

    def _somebody(self) -> UUID:
        """Perhaps somebody whom directory will only hear of later."""
        if not self._world.people or self._world.rng.random() < 0.3:
            self._world.people.append(UUID(int=self._world.rng.getrandbits(128)))
        return self._world.rng.choice(self._world.people)

    async def _save_person(self, key: str) -> None:
        person, erase = self._somebody(), self._world.rng.random() < 0.2
        revision = int(self._world.loop.time() * 1_000_000)
        await self.request("directory", None, lambda replica: save_person(replica, person, revision, erase=erase))

    async def _touch_case(self, key: str) -> None:
        if not self._world.cases or self._world.rng.random() < 0.2:
            case_id = UUID(int=self._world.rng.getrandbits(128))
            by = self._world.rng.choice(self._world.officials)
            if await self.request("visits", str(case_id), lambda replica: raise_case(replica, case_id, by)):
                self._world.cases.append(case_id)  # else it is in a life that ended: nobody would find it
            return
        case_id, what, by = (
            self._world.rng.choice(self._world.cases),
            self._world.rng.choice(_CASE_ACTS),
            self._world.rng.choice(self._world.officials),
        )
        await self.request("visits", None, lambda replica: act_on_case(replica, case_id, key, what, by))

    async def request(self, service: str, key: str | None, work: Callable[[Replica], Awaitable[None]]) -> bool:
        """A client that asks again, of another replica, until it is answered; what it was told counts from then on.

        False when its answer, if there was one, belongs to a life that ended.
        """
        lives = self._world.lives
        while True:
            replica = self._world.rng.choice([one for one in self._world.replicas if one.service == service])
            if replica.process.alive and replica.pool is not None:
                asked = replica.process.run(self._world.loop, work(replica))  # type: ignore[arg-type]
                asked.add_done_callback(
                    lambda done: done.cancelled() or done.exception()
                )  # its asker may have given up
                await asyncio.wait({asked}, timeout=3)
                if asked.done() and not asked.cancelled() and asked.exception() is None:
                    is_promised = lives == self._world.lives
                    if key is not None and is_promised:
                        self._world.promised.append((service, "simulation", key))
                    return is_promised
                if lives != self._world.lives or self._world.promises.broken:
                    return False  # the databases went back to an earlier instant: nothing was promised
            await lapse(0.2)
