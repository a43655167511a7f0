"""Three small services made of the kit, of the real decisions about cases and of the real senders of messages.

Directory owns people (a state topic); visits owns visits (facts and deadlines) and cases; notifications hears of all and
writes to people. Handlers and use cases are as short as they can be; everything below them is the code that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from services.notifications.channels.outbound import Outbound, Unsure
from services.notifications.consumers import CASE
from services.notifications.senders import Sender
from services.visits.consumers import MESSAGE
from services.visits.domain import case_acts
from services.visits.domain.case import Case, Outcome
from services.visits.domain.escalation import open_case
from services.visits.packs import load_packs
from services.visits.storage.cases import CaseFile
from services.visits.timers import TIMERS
from services.visits.use_cases.settle_case import lock_case, refresh_terms, settle, settle_new, terms_for
from shared.assembly import Parts, Running, _start_timers, _tasks
from shared.clock import RealClock
from shared.commands import Idempotency, command
from shared.contracts.person import PersonState
from shared.contracts.values import Role
from shared.contracts.visit import OfferLapsed, VisitDeclined
from shared.db import transaction
from shared.errors import NotKnownYet, Rejected
from shared.kafka.consumer import Consumer
from shared.kafka.inbox import is_known
from shared.kafka.outbox import emit, emit_state
from shared.lives import OneLife
from shared.log_side import run_log_side
from shared.timers import Due, TimerKind, arm, disarm
from shared.wakeups import Wakeup
from tests.simulation.database import Database, Pool, Row
from tests.simulation.loop import Process
from tests.simulation.transport import Access, Broker

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PACKS = load_packs()
CASE_KINDS = tuple(kind for kind in TIMERS if kind.table == "cases")


class Clock(RealClock):
    """One machine's own clock: it runs with the loop, and can be stepped."""

    def __init__(self) -> None:
        self.step = timedelta(0)

    def now(self) -> datetime:
        return START + self.step + timedelta(seconds=asyncio.get_running_loop().time())


class Wakeups:
    """LISTEN on the simulated database."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database = database
        self._process = process

    def on(self, channel: str, only: str | None = None) -> Wakeup:
        waiter = Wakeup()
        self._database.listeners.append((self._process, channel, waiter))
        return waiter

    async def run(self) -> None:
        await asyncio.Event().wait()


class Replica:
    """One process of one service."""

    def __init__(self, world: Any, service: str, name: str) -> None:
        self.world = world
        self.service = service
        self.name = name
        self.database: Database = world.databases[service]
        self.process = Process(name)
        self.clock: Clock = world.clocks[name]
        self.pool: Any = None
        self.running: Running | None = None
        self.main: Any = None
        self.ended = asyncio.Event()

    def start(self) -> None:
        """As a supervisor does, which runs one of each; the process may die at any step."""
        if self.process.alive and self.main is not None:
            return
        self.launch()

    def launch(self) -> None:
        """A process, whether or not there is one already."""
        self.process = Process(self.name)
        self.ended = asyncio.Event()
        self.main = self.process.run(self.world.loop, self._run())

    async def _run(self) -> None:
        life = OneLife()
        self.pool = Pool(self.database, meet=life.meet)
        settings = SimpleNamespace(service=self.service, replica=self.name, installation="simulated", incarnation=1)
        service = Running(
            settings, self.pool, self.clock, Wakeups(self.database, self.process), Access(self.world.network),  # type: ignore[arg-type]
            trouble="starting", life=life,
        )  # fmt: skip
        self.running = service
        service.parts = _PARTS[self.service](self, service)
        try:
            async with _tasks() as tasks:
                _start_timers(service, tasks)
                tasks.append(asyncio.create_task(run_log_side(service, tasks, Broker)))  # type: ignore[arg-type]
                tasks += [asyncio.create_task(loop()) for loop in service.parts.background]
                await life.is_over.wait()
        finally:
            self.ended.set()


def directory_parts(replica: Replica, service: Running) -> Parts:
    return Parts(None, load_states=load_people)


async def load_people(conn: Any, topic: str, keys: Sequence[UUID]) -> Mapping[UUID, PersonState]:
    found = ((key, conn.tx.get("people", key)) for key in keys)
    return {key: _person(key, row["revision"]) for key, row in found if row is not None}


def _person(key: UUID, revision: int) -> PersonState:
    return PersonState(
        person_id=key, key_name=str(revision), name="", country="BD", roles=(Role.TRAINER,), countries=("BD",),
        language="en", zone="UTC",
    )  # fmt: skip


async def save_person(replica: Replica, key: UUID, revision: int, *, erase: bool) -> None:
    """A person changes, or is erased for good."""
    async with transaction(replica.pool) as conn:
        tx = conn.tx  # type: ignore[union-attr]
        await tx.lock("people", key)
        known = tx.get("people", key)
        if tx.get("erased", key) or (known and known["revision"] >= revision):
            return
        tx.put("people", key, None if erase else Row(revision=revision))
        if erase:
            tx.put("erased", key, Row(at=revision))
        await emit_state(conn, PersonState.topic, key, now=replica.clock.now(), erased=erase)


async def on_person(key: UUID, state: PersonState | None, *, conn: Any, deps: Any) -> None:
    await conn.tx.lock("people", key)
    conn.tx.put("people", key, Row(revision=int(state.key_name)) if state else None)


async def decline(replica: Replica, key: str, visit: UUID, trainer: UUID, deadline: timedelta | None) -> None:
    """One command: a fact, and perhaps a deadline that is armed or taken back."""
    now = replica.clock.now()
    async with command(replica.pool, Idempotency.of(key, "simulation", [str(visit), str(trainer)])) as act:
        if act.repeated:
            return
        count = await _count_on(act.conn, visit)
        fact = VisitDeclined(visit_id=visit, offer=count, country="BD", trainer_id=trainer, reason="ill")
        await emit(act.conn, fact, now=now)
        if deadline is not None:
            await arm(act.conn, DEADLINE.name, visit, now + deadline, now=now)
        elif count % 3 == 0:
            await disarm(act.conn, DEADLINE.name, visit)
        await act.done(visit)


async def _count_on(conn: Any, visit: UUID) -> int:
    await conn.tx.lock("visits", visit)
    row = conn.tx.get("visits", visit)
    count = (row["count"] if row else 0) + 1
    conn.tx.put("visits", visit, Row(count=count))
    return count


async def on_deadline(due: Due, *, now: datetime, conn: Any, deps: Any) -> None:
    deps.world.note_firing(due, now, conn)
    count = await _count_on(conn, due.aggregate)
    deps.world.maybe_raise(conn, "deadline")
    lapsed = OfferLapsed(visit_id=due.aggregate, offer=count, country="BD", trainer_id=due.aggregate)
    await emit(conn, lapsed, now=now)


DEADLINE = TimerKind("simulated.deadline", "visits", "visit_id", on_deadline)


def _noted(kind: TimerKind) -> TimerKind:
    """The kind itself; that it fired is noted beside."""
    effect = kind.fire
    assert effect is not None, "each deadline of a case decides by itself"

    async def fire(due: Due, *, now: datetime, conn: Any, deps: Any) -> None:
        deps.world.note_firing(due, now, conn)
        deps.world.maybe_raise(conn, "deadline")
        await effect(due, now=now, conn=conn, deps=deps)

    return TimerKind(kind.name, kind.table, kind.key, fire, on_failure=kind.on_failure)


def visits_parts(replica: Replica, service: Running) -> Parts:
    deps = SimpleNamespace(pool=replica.pool, clock=replica.clock, packs=PACKS, world=replica.world)
    general = Consumer("visits.general", states={PersonState: on_person})
    kinds = (DEADLINE, *(_noted(kind) for kind in CASE_KINDS))
    return Parts(deps, consumers=(general, MESSAGE), timers=kinds)


async def raise_case(replica: Replica, case_id: UUID, by: UUID) -> None:
    """Somebody saw something."""
    now, pack = replica.clock.now(), PACKS.current
    async with command(replica.pool, Idempotency.of(str(case_id), "simulation", "raise")) as act:
        if act.repeated:
            return
        case = Case(
            case_id=case_id, country="BD", item=min(pack.triggers), enterprise_id=None, raised_by=by, opened_at=now
        )
        file = CaseFile(case, pack.name, pack.version, None, None, None, b"")
        terms = await terms_for(act.conn, pack, "BD", ())
        await settle_new(act.conn, file, open_case(case, terms, now), terms, now=now)
        await act.done(case_id)


async def act_on_case(replica: Replica, case_id: UUID, key: str, what: str, by: UUID) -> None:
    """Somebody does something to it, if it is for them to do."""
    async with command(replica.pool, Idempotency.of(key, "simulation", [str(case_id), what])) as act:
        if act.repeated:
            return
        file = await lock_case(act.conn, case_id)
        now = replica.clock.now()
        terms = await refresh_terms(act.conn, file, now=now, deps=SimpleNamespace(packs=PACKS))  # type: ignore[arg-type]
        try:
            match what:
                case "acknowledge":
                    decision = case_acts.acknowledge(file.case, by, terms, now)
                case "confirm":
                    decision = case_acts.confirm(file.case, by, terms, now)
                case "note":
                    decision = case_acts.note_progress(file.case, by, terms, now)
                case "propose":
                    outcome = Outcome.RESOLVED if file.case.stage == "confirmed" else Outcome.CANCELLED
                    decision = case_acts.propose_closure(file.case, by, outcome, has_reason=True, terms=terms, now=now)
                case "return":
                    decision = case_acts.return_closure(file.case, by, terms, now)
                case _:
                    decision = case_acts.approve_closure(file.case, by)
        except Rejected:
            return
        await settle(act.conn, file, decision, terms, now=now, actor=by)
        await act.done(case_id)


async def on_visit(fact: VisitDeclined | OfferLapsed, *, conn: Any, deps: Any) -> None:
    """The effect: this fact's place is added to what was handled of its visit."""
    if isinstance(fact, VisitDeclined) and not await is_known(conn, PersonState.topic, fact.trainer_id):
        raise NotKnownYet(f"person {fact.trainer_id}")
    deps.world.maybe_raise(conn, "handler")
    row = conn.tx.get("effects", fact.visit_id)
    conn.tx.put("effects", fact.visit_id, Row(handled=(*(row["handled"] if row else ()), fact.offer)))


class Post:
    """The mail server: it takes a message, and sometimes the line is cut before it can say so."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def send(self, channel: str, item: Outbound) -> str:
        network = self._replica.world.network
        await network.travel()
        self._replica.world.note_mail(item.message_id, self._replica)
        await network.travel()
        if network.rng.random() < network.loss / 4:
            self._replica.world.excuse_mail(item.message_id)
            raise Unsure
        return "simulated"

    async def close(self) -> None:
        return


def _mail(messages: Sequence[Any], *_: Any) -> Outbound:
    return Outbound(messages[0].message_id, "somebody@example.org", b"")


def notifications_parts(replica: Replica, service: Running) -> Parts:
    composer = SimpleNamespace(mail=_mail, sms=lambda message, *_: _mail([message]))
    deps: Any = SimpleNamespace(
        pool=replica.pool, clock=replica.clock, composer=composer, channels=Post(replica), world=replica.world, free=None
    )
    general = Consumer(
        "notifications.general",
        facts={VisitDeclined: on_visit, OfferLapsed: on_visit},
        states={PersonState: on_person},
    )
    senders = [
        Sender(lane, 2, deps, replica.pool, service.wakeups.on("messages", lane)) for lane in ("zero_tolerance",)
    ]
    deps.free = senders[0]
    return Parts(deps, consumers=(general, CASE), background=[sender.run for sender in senders])


_PARTS = {"directory": directory_parts, "visits": visits_parts, "notifications": notifications_parts}
