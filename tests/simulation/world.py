"""One seed: services, clients, faults; then everything heals and must drain. The same seed gives the same trace."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from shared.errors import Transient
from shared.ids import ids_from
from shared.timers import Due
from tests.simulation import service_statements, statements
from tests.simulation.database import Connection, Database, Row
from tests.simulation.faults import FAULTS
from tests.simulation.load import Load
from tests.simulation.log import Cluster, Network
from tests.simulation.loop import Livelock, Loop, current_process, lapse
from tests.simulation.operators import Operators
from tests.simulation.promises import Promises
from tests.simulation.scenes import SCENES, SERVICES
from tests.simulation.services import (
    CASE_KINDS,
    DEADLINE,
    START,
    Clock,
    Replica,
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a seed. `trace` is the hash of all its steps; `broken` is empty when every promise held."""

    seed: int
    kind: str
    steps: int
    faults: int
    facts: int
    trace: str
    broken: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, scene: str | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.scene = SCENES[scene] if scene else None
        self.kind = self.scene.kind if self.scene else self.rng.choice(sorted(SERVICES))
        self.loop = Loop(random.Random(self.rng.random()))
        self.network = Network(random.Random(self.rng.random()), Cluster("log-1"))
        self._trace = hashlib.blake2b(digest_size=8)
        self.promises = Promises(self)
        services = SERVICES[self.kind]
        self.databases = {name: self._database(name) for name in services}
        replicas = self.rng.choice([1, 2, 2])
        names = [(name, f"{name}-{number + 1}") for name in services for number in range(replicas)]
        self.clocks = {name: Clock() for _, name in names}
        self.replicas = [Replica(self, service, name) for service, name in names]
        self.bugs = 0.0
        self.may_skip = self.rng.random() < 0.5
        self.visits: list[UUID] = []
        self.cases: list[UUID] = []
        self.people: list[UUID] = []
        self.officials = [UUID(int=self.rng.getrandbits(128)) for _ in range(6)]
        self.promised: list[tuple[str, str, str]] = []
        self.fault_names = self._draw_faults()
        self.lives = 0
        """How often everything was restored."""
        self.load = Load(self)
        self.operators = Operators(self)
        for name in {"visits", "notifications"} & set(self.databases):
            for index, person in enumerate(self.officials):
                role = ("officer", "deputy", "head")[index % 3]
                self.databases[name].tables["officials"][person] = Row(role=role, country="BD")

    def run(self) -> Result:
        with _deterministic(self.rng):
            asyncio.set_event_loop(self.loop)
            try:
                main = self.loop.world.run(self.loop, self._live())
                self.loop.run_until_complete(main)
            except Livelock as spin:
                self.promises.breach(f"stuck: {spin}")
            finally:
                self._end()
        for fault in self.loop.faults:
            if not self.promises.broken:
                error = fault.get("exception")
                self.promises.breach(f"nobody caught: {fault.get('message')} {error!r}")
        facts = sum(len(database.tables["outbox"]) for database in self.databases.values())
        return Result(
            self.seed, self.kind, self.loop.steps, len(self.fault_names), facts, self._trace.hexdigest(),
            tuple(dict.fromkeys(self.promises.broken)),
        )  # fmt: skip

    async def _live(self) -> None:
        for replica in self.replicas:
            replica.start()
        length = 8 + self.rng.random() * 12
        clients = [asyncio.create_task(self.load.run(number, length)) for number in range(3)]
        faults = [asyncio.create_task(self._fault(name, self.rng.random() * length)) for name in self.fault_names]
        faults.append(asyncio.create_task(self.operators.back_up(self.rng.random() * length / 2)))
        watch = asyncio.create_task(self._until_broken())
        living = asyncio.gather(*clients, *faults)
        await asyncio.wait({asyncio.ensure_future(living), watch}, return_when=asyncio.FIRST_COMPLETED)
        if not self.promises.broken:
            living.result()
            await self.operators.heal()
            await self.operators.drain()
        for task in (*clients, *faults, watch):
            task.cancel()
        await asyncio.gather(*clients, *faults, watch, living, return_exceptions=True)

    async def _until_broken(self) -> None:
        while not self.promises.broken:
            await lapse(0.5)

    def _draw_faults(self) -> list[str]:
        """A seed has favourites: faults that come together find more than faults that come evenly."""
        if self.scene:
            usual = [name for name in self.scene.faults if self._makes_sense(name)]
        else:
            usual = self.rng.sample([name for name in FAULTS if self._makes_sense(name)], 4)
        return [self.rng.choice(usual) for _ in range(self.rng.randrange(2, 9))]

    def _makes_sense(self, name: str) -> bool:
        if name in {"compact", "nightly_snapshot"}:
            return "directory" in self.databases
        return not (name == "poison" and self.kind in {"states", "cases"})

    async def _fault(self, name: str, after: float) -> None:
        await lapse(after)
        self.note(f"fault {name}")
        with suppress(Transient, OSError):  # an operator's act may fail like any other
            await FAULTS[name](self)

    def kill(self, replica: Replica) -> None:
        self.note(f"kill {replica.name}")
        self.loop.kill(replica.process)
        replica.database.cut(replica.process)
        self.excuse_mails(replica.service)

    # What the services tell

    def now(self) -> datetime:
        """Business time when all is healed: every clock shows the same."""
        return START + max(clock.step for clock in self.clocks.values()) + timedelta(seconds=self.loop.time())

    def maybe_raise(self, conn: Connection, where: str) -> None:
        if self.rng.random() < self.bugs:
            raise RuntimeError(f"a defect in a {where}")

    def note_firing(self, due: Due, now: datetime, conn: Connection) -> None:
        """In the transaction of its effect, so that an undone firing is none."""
        if conn.database.on_hold:
            self.promises.breach(f"unreleased: {due.kind} fired after a restore before an operator said so")
        if due.due_at > now:
            self.promises.breach(f"early: {due.kind} fired {due.due_at - now} before its time")
        assert conn.tx is not None
        conn.tx.put("fired", (due.kind, due.aggregate, due.generation), Row(at=now))

    def note_mail(self, message_id: UUID, replica: Replica) -> None:
        self.note("mail")
        if replica.database.on_hold:
            self.promises.breach("unreleased: a mail left after a restore before an operator said so")
        self.promises.mail(message_id)

    def excuse_mail(self, message_id: UUID) -> None:
        self.promises.excuse(message_id)

    def excuse_mails(self, service: str) -> None:
        if service == "notifications" and service in self.databases:
            self.promises.excuse_in_flight(self.databases[service])

    def note(self, what: str) -> None:
        """One step of the trace."""
        self._trace.update(f"{self.loop.time():.6f} {what}\n".encode())

    def _database(self, name: str) -> Database:
        known = dict(statements.KIT)
        known |= {"visits": service_statements.VISITS, "notifications": service_statements.NOTIFICATIONS}.get(name, {})
        for kind in (DEADLINE, *CASE_KINDS):
            known |= statements.of_kind(kind)
        database = Database(name, random.Random(self.rng.random()), known)

        def committed(database: Database, changes: Any) -> None:
            self.note(
                f"{current_process().name} {name} {[(table, bool(new)) for (table, _), (_, new) in changes.items()]}"
            )
            self.promises.after_commit(database, changes)

        database.on_commit = committed
        return database

    def _end(self) -> None:
        """Nothing more happens; everything that still runs is cancelled, so that no coroutine is left to the collector."""
        for database in self.databases.values():
            database.on_commit = lambda *_: None
            database.up = False
            database.cut()
        self.network.cluster.up = False
        self.network.elsewhere.clear()
        self.loop.end()
        asyncio.set_event_loop(None)
        self.loop.close()


@contextmanager
def _deterministic(rng: random.Random) -> Iterator[None]:
    """Ids of the seed's own, and no log: what is raised on purpose would fill it."""
    ids = random.Random(rng.random())
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with ids_from(lambda: UUID(int=ids.getrandbits(128))):
            yield
    finally:
        structlog.configure(**before)


def simulate(seed: int, scene: str | None = None) -> Result:
    """Live through one seed."""
    return World(seed, scene).run()
