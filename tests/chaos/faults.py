"""Faults on a running stage: done, healed, and waited for until everybody is ready again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import psycopg

from deploy.local.brokers import folder_of
from deploy.local.kafka_login import client_settings
from deploy.local.process import family
from deploy.local.topology import SERVICES
from tests.chaos.kinds import KINDS, Kind
from tests.chaos.schedule import Fault
from tests.chaos.stage import Stage

RECOVERY_SECONDS = 90.0
LATE_SECONDS = 10.0
_POLL_SECONDS = 0.2
_HOUR = timedelta(hours=1)
_T = TypeVar("_T")


@dataclass(slots=True)
class Outcome:
    """What a fault hit, and how long it took from its end until all was well. Instants are those of the machine."""

    number: int
    kind: str
    target: str
    at_fact: int
    began: float
    ended: float = 0.0
    recovery_seconds: float | None = None
    """None: not within the time limit."""
    trouble: str = ""
    timers_late: int = 0
    mail_from: float = field(default=0.0, repr=False)
    """From when on mails in flight may repeat, seconds since the epoch; and until when."""
    mail_until: float = field(default=0.0, repr=False)


class Faults:
    """Injects one fault after another; `undo` ends whatever still holds."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._healing: Callable[[], None] | None = None
        self._killed: dict[str, int] = {}
        """What was ended, with the process it was: well again is only what runs as another one."""

    async def happen(self, fault: Fault, at_fact: int) -> Outcome:
        """Do it, let it last, heal it, wait until everybody is ready."""
        kind = KINDS[fault.kind]
        outcome = Outcome(fault.number, kind.name, "", at_fact, time.monotonic(), mail_from=time.time())
        self._killed.clear()
        outcome.target = await self._begin(kind, fault)
        if kind.holds:
            await _last(fault.seconds)
        self.undo()
        outcome.ended = time.monotonic()
        await self._recover(kind, outcome)
        outcome.mail_until = time.time()
        return outcome

    def undo(self) -> None:
        """End the fault that lasts, if one does."""
        healing, self._healing = self._healing, None
        if healing is not None:
            healing()

    async def _begin(self, kind: Kind, fault: Fault) -> str:
        gemba = self._stage.gemba
        if kind.act in {"kill", "stop", "term"}:
            name = await self._victim(kind.target, fault.pick)
            self._signal(name, {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}[kind.act])
            if kind.act == "stop":
                self._healing = lambda: self._signal(name, signal.SIGCONT)
            return name
        if kind.act in {"wipe", "lose"}:
            brokers = gemba.size.broker_names()
            names = brokers if kind.act == "lose" else [_pick(brokers, fault.pick)]
            root = gemba.state.folder / "kafka"
            for name in names:
                self._signal(name, signal.SIGKILL)
            for name in names:
                shutil.rmtree(folder_of(root, name, len(brokers)) / "log", ignore_errors=True)
            if len(names) == len(brokers):
                (root / "cluster-id").unlink(missing_ok=True)
            return ", ".join(names)
        if kind.act == "clock":
            for name in gemba.size.replicas_of("visits"):
                self._signal(name, signal.SIGKILL)
            step = -_HOUR if fault.pick < 0.3 else _HOUR
            self._stage.clock.jump_to(self._stage.clock.now() + step)
            self._stage.clock.run()
            return f"visits, clock {step.total_seconds() / 3600:+.0f} h"
        if kind.act == "fill":
            assert self._stage.disk is not None
            await asyncio.to_thread(self._stage.disk.fill)
            self._healing = self._stage.disk.free
            return "postgres"
        wires = [wire for name, wire in self._stage.wires.items() if name.startswith(kind.target)]
        wire = _pick(wires, fault.pick)
        wire.set(kind.act)
        self._healing = lambda: wire.set("pass")
        return wire.name

    async def _victim(self, target: str, pick: float) -> str:
        gemba = self._stage.gemba
        if target == "service":
            return _pick(list(gemba.replicas), pick)
        if target == "broker":
            return _pick(gemba.size.broker_names(), pick)
        if target == "relay":
            return await asyncio.to_thread(self._relay_holder, pick)
        return target

    def _relay_holder(self, pick: float) -> str:
        """By its lease: the holder's name begins with service and replica."""
        holders = []
        for service in SERVICES:
            with suppress(psycopg.Error), psycopg.connect(self._stage.gemba.databases[service].run) as connection:
                rows = connection.execute("select holder from leases where name like 'relay.%' order by name")
                holders += [row[0].split(".")[:2] for row in rows]
        service, replica = _pick(holders or [["visits", "1"]], pick)
        return service if replica == "1" else f"{service}-{replica}"

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self._stage.gemba.supervisor.pids().get(name)
        if pid is None:
            return
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._killed[name] = pid
        whole = number in {signal.SIGSTOP, signal.SIGCONT}  # PostgreSQL's sessions are processes of their own
        for member in family(pid) if whole else [pid]:
            with suppress(ProcessLookupError):
                os.kill(member, number)

    async def _recover(self, kind: Kind, outcome: Outcome) -> None:
        deadline = outcome.ended + RECOVERY_SECONDS
        well: list[Callable[[], Awaitable[str]]] = [self._all_run_again, self._all_ready]
        if kind.target in {"broker", "brokers"}:
            well.append(self._all_in_sync)
        for condition in well:
            while trouble := await condition():
                if time.monotonic() > deadline:
                    outcome.trouble = trouble
                    return
                await asyncio.sleep(_POLL_SECONDS)
        outcome.recovery_seconds = round(time.monotonic() - outcome.ended, 1)
        outcome.timers_late = await self._late_timers()

    async def _all_run_again(self) -> str:
        """A process that was ended a moment ago may still answer, and a cluster may not have missed its broker yet."""
        pids = self._stage.gemba.supervisor.pids()
        again = self._stage.gemba.supervisor.runs_again
        gone = [name for name, pid in self._killed.items() if pids.get(name, pid) == pid or not again(name)]
        return f"not started again: {', '.join(gone)}" if gone else ""

    async def _all_ready(self) -> str:
        missing = await self._stage.not_ready()
        return f"not ready: {', '.join(missing)}" if missing else ""

    async def _all_in_sync(self) -> str:
        return await asyncio.to_thread(self._out_of_sync)

    def _out_of_sync(self) -> str:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        address = self._stage.gemba.kafka
        client = AdminClient(client_settings(address.bootstrap, address.user, address.password))
        try:
            topics = client.list_topics(timeout=5).topics.values()
        except KafkaException as fault:
            return f"the brokers do not answer: {fault}"
        wanted = min(3, self._stage.gemba.size.brokers)
        behind = sum(len(part.isrs) < wanted for topic in topics for part in topic.partitions.values())
        return f"{behind} partitions are not in sync" if behind or not topics else ""

    async def _late_timers(self) -> int:
        """Deadlines that are still not acted upon ten seconds after everybody was ready."""
        deadline = time.monotonic() + LATE_SECONDS
        while late := await asyncio.to_thread(self._due_timers):
            if time.monotonic() > deadline:
                return late
            await asyncio.sleep(_POLL_SECONDS)
        return 0

    def _due_timers(self) -> int:
        count = 0
        for service in SERVICES:
            with psycopg.connect(self._stage.gemba.databases[service].run) as connection:
                row = connection.execute(
                    "select count(*) from timers where due_at <= %s", (self._stage.clock.now() - timedelta(seconds=1),)
                ).fetchone()
                count += row[0] if row else 0
        return count


async def _last(seconds: float) -> None:
    """Let a fault last: how long is part of the schedule, not a guess."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(_POLL_SECONDS)


def _pick(candidates: Sequence[_T], pick: float) -> _T:
    return candidates[min(int(pick * len(candidates)), len(candidates) - 1)]
