"""What operators do: replays, backups and restores, the quarantine; and in the end they put everything right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.db import transaction
from shared.errors import Rejected, Transient
from shared.kafka.envelope import Poison, read_envelope
from shared.kafka.log_state import ask_for_replay, snapshot_states
from shared.kafka.parked import mark_replay, mark_skip, unpack
from shared.lives import begin_life, release
from tests.simulation.database import Database, Pool
from tests.simulation.log import Cluster
from tests.simulation.loop import Process, current_process, lapse
from tests.simulation.services import save_person

if TYPE_CHECKING:
    from tests.simulation.world import World

_DRAIN_SECONDS = 400.0
_FORGOTTEN = 0.3
"""How often a restore leaves a process of the former life at work."""


class Operators:
    """Those of one world. What they do may have to be done again until the database is there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clusters = 1
        self._backup: Any = None
        self._restoring = False
        self._burials: list[asyncio.Task[None]] = []

    def pool(self, name: str) -> Any:
        return Pool(self._world.databases[name])

    async def replay(self, name: str) -> None:
        """Ask until it is granted, or refused for good: into a log that a restore has left."""
        with suppress(Rejected):
            await self._insist(lambda: ask_for_replay(self.pool(name), self._world.network.cluster.id))

    async def _insist(self, act: Callable[[], Awaitable[Any]]) -> None:
        """An operator does it again until the database is there."""
        while True:
            try:
                await act()
                return
            except Transient:
                await lapse(0.5)

    def replace_cluster(self, by: Cluster | None = None) -> None:
        self._world.network.cluster.up = self._world.network.cluster in self._world.network.elsewhere.values()
        self._world.network.cluster = by or self._next_cluster()

    def _next_cluster(self) -> Cluster:
        self._clusters += 1
        return Cluster(f"log-{self._clusters}")

    async def back_up(self, after: float) -> None:
        await lapse(after)
        self._backup = (
            {name: database.snapshot() for name, database in self._world.databases.items()},
            list(self._world.promised),
            (list(self._world.visits), list(self._world.cases)),
        )

    async def restore(self) -> None:
        """All databases go back to one instant, and begin another life, for a new log; the old one answers until that is there.

        Sometimes a process was forgotten, on a machine that nobody could reach: it goes on as if nothing had happened.
        """
        if self._backup is None or self._restoring:
            return
        self._restoring = True
        self._world.lives += 1
        rng = self._world.rng
        forgotten = rng.choice(self._world.replicas) if rng.random() < _FORGOTTEN else None
        for replica in self._world.replicas:
            if replica is not forgotten:
                self._world.kill(replica)
        tables, promised, known = self._backup
        for name, database in self._world.databases.items():
            database.restore(tables[name])
            database.only = current_process()
        self._world.promised = list(promised)
        self._world.visits, self._world.cases = (list(one) for one in known)
        self._world.promises.forget_mails()
        formatted = self._next_cluster()
        restore_id = UUID(int=rng.getrandbits(128))
        for name in self._world.databases:
            await self._insist(partial(begin_life, self.pool(name), restore_id, formatted.id))
        for database in self._world.databases.values():
            database.only = None
        for replica in self._world.replicas:
            if replica is forgotten:
                self._burials.append(asyncio.create_task(self._bury(replica.process, replica.main, replica.database)))
                replica.launch()
            else:
                replica.start()
        await lapse(1 + self._world.rng.random() * 8)
        self.replace_cluster(formatted)
        await lapse(self._world.rng.random() * 3)
        await self._release()
        self._restoring = False

    async def _bury(self, process: Process, main: asyncio.Task[Any], database: Database) -> None:
        """A process whose main has come to its end is gone, with all that it held."""
        await asyncio.wait({main})
        self._world.loop.kill(process)
        database.cut(process)

    async def _release(self) -> None:
        """An operator has looked at what is held."""
        for name in self._world.databases:
            await self._insist(partial(self._release_one, name))

    async def _release_one(self, name: str) -> None:
        async with transaction(self.pool(name)) as conn:
            await release(conn, self._world.officials[0])

    async def heal(self) -> None:
        await self._put_right()
        for person in self._world.people:
            if (
                "directory" in self._world.databases
                and person not in self._world.databases["directory"].tables["people"]
            ):
                await self._world.load.request(
                    "directory", None, lambda replica, key=person: save_person(replica, key, 1, erase=False)
                )
        if "directory" in self._world.databases:
            await snapshot_states(self.pool("directory"))

    async def _put_right(self) -> None:
        """Everything works again, and operators have done what was theirs to do."""
        network = self._world.network
        network.elsewhere.clear()
        network.cut.clear()
        network.loss = network.expiry = self._world.bugs = 0.0
        network.slowest = 0.004
        latest = max(clock.step for clock in self._world.clocks.values())
        for replica in self._world.replicas:
            replica.clock.step = latest
            self._world.loop.continue_process(replica.process)
            if not replica.process.alive:
                replica.start()
        for name, database in self._world.databases.items():
            database.up, database.slowest, database.deaf = True, 0.004, 0.0
            if database.tables["log_state"][1]["cluster"] not in {None, network.cluster.id}:
                await self.replay(name)
        await self._release()

    async def drain(self) -> None:
        until = self._world.loop.time() + _DRAIN_SECONDS
        while waiting := self._world.promises.waiting():
            if self._world.promises.broken:
                return
            if self._world.loop.time() > until:
                for what in waiting[:5]:
                    self._world.promises.breach(what)
                return
            for name in self._world.databases:
                await self._clear_quarantine(name)
            await lapse(1)

    async def _clear_quarantine(self, name: str) -> None:
        """What can be read goes on; what nobody can read is passed over."""
        if not any(row["state"] == "quarantined" for row in self._world.databases[name].tables["parked"].values()):
            return
        async with self.pool(name).acquire() as conn, conn.transaction():
            for key, row in list(conn.tx.rows("parked")):
                if row["state"] == "quarantined":
                    try:
                        read_envelope(unpack(row, row["value"]).headers, row["key"])
                    except Poison:
                        await mark_skip(conn, key, "unreadable")
                    else:
                        await mark_replay(conn, [key])
