"""Faults on a running stage: done, healed, and waited for until everybody is ready again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import psycopg

from deploy.local.brokers import folder_of
from deploy.local.process import family
from deploy.local.topology import SERVICES
from tests.chaos.burst import burst
from tests.chaos.kinds import KINDS, Kind
from tests.chaos.ledger import Ledger
from tests.chaos.memory import MOST_MEBIBYTES, watched
from tests.chaos.rebuild import Rebuild, watched_rebuild
from tests.chaos.recovery import RECOVERY_SECONDS, Recovery
from tests.chaos.schedule import Fault
from tests.chaos.stage import Stage

EXIT_SECONDS = 8.0
"""In which a service that was asked to stop has settled what it had in hand and is gone."""
_POLL_SECONDS, _LOOK_SECONDS = 0.2, 0.05
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
    exit_seconds: float | None = None
    """From SIGTERM to the end of the process."""
    grew_mebibytes: int = 0
    """What the replica that grew most holds more than before; those that were started again are left out."""
    also: str = ""
    """What became of a burst's requests, or how fast a log was rebuilt."""
    breaches: list[str] = field(default_factory=list)
    mail_from: float = field(default=0.0, repr=False)
    """From when on mails in flight may repeat, seconds since the epoch; and until when."""
    mail_until: float = field(default=0.0, repr=False)


class Faults:
    """Injects one fault after another; `undo` ends whatever still holds."""

    def __init__(self, stage: Stage, ledger: Ledger) -> None:
        self._stage = stage
        self._ledger = ledger
        self._healing: Callable[[], None] | None = None
        self._killed: dict[str, int] = {}
        """What was ended, with the process it was: well again is only what runs as another one."""

    async def happen(self, fault: Fault) -> Outcome:
        """Do it, let it last, heal it, wait until everybody is ready."""
        kind = KINDS[fault.kind]
        outcome = Outcome(fault.number, kind.name, "", self._ledger.sent, time.monotonic(), mail_from=time.time())
        self._killed.clear()
        recovery = Recovery(self._stage, self._killed)
        async with AsyncExitStack() as watching:
            growth = await watching.enter_async_context(watched(self._stage.gemba))
            rebuild: Rebuild | None = None
            if kind.act == "lose":
                rebuild = await watching.enter_async_context(watched_rebuild(self._stage.gemba))
            outcome.target = await self._begin(kind, fault)
            if kind.act == "term":
                await self._see_exit(outcome)
            if kind.act == "burst":
                await self._burst(fault, outcome)
            if kind.holds:
                await _last(fault.seconds)
            self.undo()
            outcome.ended = time.monotonic()
            outcome.trouble = await recovery.wait(kind)
            if not outcome.trouble:
                outcome.recovery_seconds = round(time.monotonic() - outcome.ended, 1)
                outcome.timers_late = await recovery.late_timers()
            if rebuild is not None:
                outcome.also = await _seen_to_end(rebuild)
        outcome.mail_until = time.time()
        name, outcome.grew_mebibytes = growth.worst()
        if outcome.grew_mebibytes > MOST_MEBIBYTES:
            outcome.breaches.append(f"{name} holds {outcome.grew_mebibytes} MiB more than before")
        return outcome

    async def _see_exit(self, outcome: Outcome) -> None:
        """How long whoever was asked to stop goes on."""
        (pid,) = self._killed.values()
        while _is_alive(pid) and time.monotonic() - outcome.began < RECOVERY_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
        outcome.exit_seconds = round(time.monotonic() - outcome.began, 1)
        if outcome.exit_seconds > EXIT_SECONDS:
            outcome.breaches.append(f"{outcome.target} took {outcome.exit_seconds} s to stop")

    async def _burst(self, fault: Fault, outcome: Outcome) -> None:
        done = [line for line in self._ledger.lines if line.acknowledged]
        stage = self._stage
        crowd = await burst(stage.gemba.origin, stage.tokens, done, seconds=fault.seconds, seed=fault.number)
        outcome.also = str(crowd)
        outcome.breaches += [f"{count} of a burst's requests got {said}" for said, count in crowd.otherwise.items()]

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
        if kind.act == "burst":
            return kind.target
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


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _seen_to_end(rebuild: Rebuild) -> str:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while rebuild.seconds is None and time.monotonic() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
    return str(rebuild)


async def _last(seconds: float) -> None:
    """Let a fault last: how long is part of the schedule, not a guess."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(_POLL_SECONDS)


def _pick(candidates: Sequence[_T], pick: float) -> _T:
    return candidates[min(int(pick * len(candidates)), len(candidates) - 1)]
