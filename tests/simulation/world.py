"""One seed: services, clients, faults; then everything heals and must drain. The same seed gives the same trace."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from shared.db import transaction
from shared.errors import Transient
from shared.ids import ids_from
from shared.kafka.envelope import Poison, read_envelope
from shared.kafka.log_state import ask_for_replay, snapshot_states
from shared.kafka.parked import mark_replay, mark_skip, unpack
from shared.lives import begin_life, release
from shared.timers import Due
from tests.simulation import service_statements, statements
from tests.simulation.database import Connection, Database, Pool, Row
from tests.simulation.faults import FAULTS
from tests.simulation.log import Cluster, Network
from tests.simulation.loop import Livelock, Loop, current_process, lapse
from tests.simulation.promises import Promises
from tests.simulation.scenes import SCENES, SERVICES
from tests.simulation.services import (
    CASE_KINDS,
    DEADLINE,
    START,
    Clock,
    Replica,
    act_on_case,
    decline,
    raise_case,
    save_person,
)

_DRAIN_SECONDS = 400.0
_CASE_ACTS = ("acknowledge", "acknowledge", "confirm", "note", "propose", "return", "approve")


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
        self._clusters = 1
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
        self._backup: Any = None
        self._restoring = False
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
        clients = [asyncio.create_task(self._client(number, length)) for number in range(3)]
        faults = [asyncio.create_task(self._fault(name, self.rng.random() * length)) for name in self.fault_names]
        faults.append(asyncio.create_task(self._back_up(self.rng.random() * length / 2)))
        watch = asyncio.create_task(self._until_broken())
        living = asyncio.gather(*clients, *faults)
        await asyncio.wait({asyncio.ensure_future(living), watch}, return_when=asyncio.FIRST_COMPLETED)
        if not self.promises.broken:
            living.result()
            await self._heal()
            await self._drain()
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

    # What clients do

    async def _client(self, number: int, length: float) -> None:
        step = 0
        while self.loop.time() < length:
            await lapse(self.rng.random() * 1.5)
            step += 1
            await self._ask(f"request-{number}-{step}")

    async def _ask(self, key: str) -> None:
        wishes: list[Callable[[str], Awaitable[None]]] = []
        if self.kind in {"facts", "people"}:
            wishes += [self._decline, self._decline]
        if self.kind in {"people", "states"}:
            wishes += [self._save_person]
        if self.kind == "cases":
            wishes += [self._touch_case]
        await self.rng.choice(wishes)(key)

    async def _decline(self, key: str) -> None:
        if not self.visits or self.rng.random() < 0.25:
            self.visits.append(UUID(int=self.rng.getrandbits(128)))
        visit = self.rng.choice(self.visits[-4:])
        if "directory" in self.databases:
            trainer = self._somebody()
        else:
            trainer = self.officials[0]
            self.databases["notifications"].tables["state_copies"]["gemba.person", trainer] = Row(
                version=1, erased=False
            )
        deadline = self.rng.choice([None, timedelta(seconds=self.rng.random() * 9), timedelta(minutes=30)])
        await self._request("visits", key, lambda replica: decline(replica, key, visit, trainer, deadline))

    def _somebody(self) -> UUID:
        """Perhaps somebody whom directory will only hear of later."""
        if not self.people or self.rng.random() < 0.3:
            self.people.append(UUID(int=self.rng.getrandbits(128)))
        return self.rng.choice(self.people)

    async def _save_person(self, key: str) -> None:
        person, erase = self._somebody(), self.rng.random() < 0.2
        revision = int(self.loop.time() * 1_000_000)
        await self._request("directory", None, lambda replica: save_person(replica, person, revision, erase=erase))

    async def _touch_case(self, key: str) -> None:
        if not self.cases or self.rng.random() < 0.2:
            case_id = UUID(int=self.rng.getrandbits(128))
            by = self.rng.choice(self.officials)
            await self._request("visits", str(case_id), lambda replica: raise_case(replica, case_id, by))
            self.cases.append(case_id)
            return
        case_id, what, by = self.rng.choice(self.cases), self.rng.choice(_CASE_ACTS), self.rng.choice(self.officials)
        await self._request("visits", None, lambda replica: act_on_case(replica, case_id, key, what, by))

    async def _request(self, service: str, key: str | None, work: Callable[[Replica], Awaitable[None]]) -> None:
        """A client that asks again, of another replica, until it is answered; what it was told counts from then on."""
        lives = self._lives
        while True:
            replica = self.rng.choice([one for one in self.replicas if one.service == service])
            if replica.process.alive and replica.pool is not None:
                asked = replica.process.run(self.loop, work(replica))  # type: ignore[arg-type]
                asked.add_done_callback(
                    lambda done: done.cancelled() or done.exception()
                )  # its asker may have given up
                await asyncio.wait({asked}, timeout=3)
                if asked.done() and not asked.cancelled() and asked.exception() is None:
                    if key is not None and lives == self._lives:
                        self.promised.append((service, "simulation", key))
                    return
                if lives != self._lives or self.promises.broken:
                    return  # the databases went back to an earlier instant: nothing was promised
            await lapse(0.2)

    _lives = 0

    # What operators do

    def operator_pool(self, name: str) -> Any:
        return Pool(self.databases[name])

    async def replay(self, name: str) -> None:
        """Ask until it is granted."""
        while True:
            try:
                await ask_for_replay(self.operator_pool(name), self.network.cluster.id)
                return
            except Exception:
                await lapse(0.5)

    def replace_cluster(self) -> None:
        self._clusters += 1
        self.network.cluster.up = self.network.cluster in self.network.elsewhere.values()
        self.network.cluster = Cluster(f"log-{self._clusters}")

    async def _back_up(self, after: float) -> None:
        await lapse(after)
        self._backup = (
            {name: database.snapshot() for name, database in self.databases.items()},
            list(self.promised),
            (list(self.visits), list(self.cases)),
        )

    async def restore(self) -> None:
        """All databases go back to one instant, and begin another life; the old log is there until a new one is formatted."""
        if self._backup is None or self._restoring:
            return
        self._restoring = True
        self._lives += 1
        for replica in self.replicas:
            self.kill(replica)
        tables, promised, known = self._backup
        for name, database in self.databases.items():
            database.restore(tables[name])
        self.promised = list(promised)
        self.visits, self.cases = (list(one) for one in known)
        self.promises.forget_mails()
        if any(
            database.tables["log_state"][1]["cluster"] != self.network.cluster.id
            for database in self.databases.values()
        ):
            self.replace_cluster()  # a surviving log is refused only where the backup knows it: the tool formats one first
        restore_id = UUID(int=self.rng.getrandbits(128))
        for name in self.databases:
            await begin_life(self.operator_pool(name), restore_id)
        for replica in self.replicas:
            replica.start()
        await lapse(1 + self.rng.random() * 8)
        self.replace_cluster()
        await lapse(self.rng.random() * 3)
        await self._release()
        self._restoring = False

    async def _release(self) -> None:
        """An operator has looked at what is held."""
        for name, database in self.databases.items():
            while database.on_hold:
                try:
                    async with transaction(self.operator_pool(name)) as conn:
                        await release(conn, self.officials[0])
                except Transient:
                    await lapse(0.5)

    def kill(self, replica: Replica) -> None:
        self.note(f"kill {replica.name}")
        self.loop.kill(replica.process)
        replica.database.cut(replica.process)
        self.excuse_mails(replica.service)

    async def _heal(self) -> None:
        await self._put_right()
        for person in self.people:
            if "directory" in self.databases and person not in self.databases["directory"].tables["people"]:
                await self._request(
                    "directory", None, lambda replica, key=person: save_person(replica, key, 1, erase=False)
                )  # type: ignore[misc]
        if "directory" in self.databases:
            await snapshot_states(self.operator_pool("directory"))

    async def _put_right(self) -> None:
        """Everything works again, and operators have done what was theirs to do."""
        network = self.network
        network.elsewhere.clear()
        network.cut.clear()
        network.loss = network.expiry = self.bugs = 0.0
        network.slowest = 0.004
        latest = max(clock.step for clock in self.clocks.values())
        for replica in self.replicas:
            replica.clock.step = latest
            self.loop.continue_process(replica.process)
            if not replica.process.alive:
                replica.start()
        for name, database in self.databases.items():
            database.up, database.slowest, database.deaf = True, 0.004, 0.0
            if database.tables["log_state"][1]["cluster"] not in {None, network.cluster.id}:
                await self.replay(name)
        await self._release()

    async def _drain(self) -> None:
        until = self.loop.time() + _DRAIN_SECONDS
        while waiting := self.promises.waiting():
            if self.promises.broken:
                return
            if self.loop.time() > until:
                for what in waiting[:5]:
                    self.promises.breach(what)
                return
            for name in self.databases:
                await self._clear_quarantine(name)
            await lapse(1)

    async def _clear_quarantine(self, name: str) -> None:
        """What can be read goes on; what nobody can read is passed over."""
        if not any(row["state"] == "quarantined" for row in self.databases[name].tables["parked"].values()):
            return
        async with self.operator_pool(name).acquire() as conn, conn.transaction():
            for key, row in list(conn.tx.rows("parked")):
                if row["state"] == "quarantined":
                    try:
                        read_envelope(unpack(row, row["value"]).headers, row["key"])
                    except Poison:
                        await mark_skip(conn, key, "unreadable")
                    else:
                        await mark_replay(conn, [key])

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
