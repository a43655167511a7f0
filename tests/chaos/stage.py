"""The installation that a campaign is made on: three brokers, two replicas of everything, relays in between, people with tokens."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.local import process
from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Services
from deploy.local.demo.programme import write_workbooks
from deploy.local.installation import Installation, running_installation
from deploy.local.size import Size
from deploy.local.state import State
from deploy.local.supervisor import Report
from deploy.local.topology import SERVICES
from shared.clock import SteeredClock
from tests.chaos.kinds import Kind
from tests.chaos.programme import COORDINATOR, COUNTRY, Programme, Visits
from tests.chaos.small_disk import SmallDisk
from tests.chaos.wire import Wire

BEGINS = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_PEOPLE = {"officer": f"{COUNTRY}-OFFICER", "deputy": f"{COUNTRY}-DEPUTY", "head": f"{COUNTRY}-HEAD",
           "coordinator": COORDINATOR}  # fmt: skip
_KEPT_MESSAGES = 1_000_000
_SETTLE_SECONDS = 180.0


@dataclass
class Stage:
    """Everything a campaign acts upon."""

    gemba: Installation
    clock: SteeredClock
    wires: Mapping[str, Wire]
    tokens: dict[str, str]
    said: list[tuple[str, str]]
    disk: SmallDisk | None
    visits: Visits = field(default_factory=Visits)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=3, trust_env=False))

    async def not_ready(self) -> list[str]:
        """Replicas that do not answer /readyz with success."""
        names = list(self.gemba.replicas)
        answers = await asyncio.gather(*(self._is_ready(name) for name in names))
        return [name for name, ready in zip(names, answers, strict=True) if not ready]

    async def _is_ready(self, name: str) -> bool:
        try:
            answer = await self.http.get(f"http://127.0.0.1:{self.gemba.ports[name]}/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


@asynccontextmanager
async def open_stage(
    folder: Path, size: Size, kinds: Sequence[Kind], *, with_visits: bool, origin_port: int | None, report: Report
) -> AsyncIterator[Stage]:
    """Everything started, the programme imported. Leaving it stops everything and takes every mount away.

    Only what is to go wrong between services and a server needs a relay there: it costs a third of the machine.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that a killed broker does not answer is no news
    state = State(folder)
    # Never the default one: an installation that is in use must not be met by the campaign's clients.
    state.save_config(ports={"origin": origin_port or process.free_port()})
    ports = state.ports(size.port_names())
    targets = {f"postgres-{service}": ports["postgres"] for service in SERVICES}
    targets |= {name: ports[name] for name in size.broker_names()} | {"smtp": ports["inbox-smtp"]}
    torn = {kind.target for kind in kinds if kind.on_the_way}
    wires = {name: Wire(name, target) for name, target in targets.items() if name.split("-")[0] in torn}
    SteeredClock.create(folder / "clock", BEGINS, rate=1.0)
    said: list[tuple[str, str]] = []

    def listen(who: str, what: str) -> None:
        said.append((who, what))
        report(who, what)

    async with AsyncExitStack() as stack:
        state.check_ports_free(ports)
        filled = any(kind.act == "fill" for kind in kinds)
        disk = stack.enter_context(SmallDisk(folder / "postgres")) if filled else None
        for wire in wires.values():
            await wire.start()
            stack.push_async_callback(wire.stop)
        os.environ["GEMBA_INBOX_KEPT"] = str(_KEPT_MESSAGES)
        sized = Size(size.brokers, size.replicas, {name: wire.port for name, wire in wires.items()})
        gemba = await stack.enter_async_context(
            running_installation(state, profile="test", clock=f"steered:{folder / 'clock'}", size=sized, report=listen)
        )
        stage = Stage(gemba, SteeredClock(folder / "clock"), wires, {}, said, disk)
        stack.push_async_callback(stage.http.aclose)
        report("people", "bringing them in")
        stage.tokens = await _bring_in(stage, folder / "workbooks")
        if with_visits:
            report("visits", "planning two cohorts, until some have begun and some are offered")
            await _plan_visits(stage)
        yield stage


async def _plan_visits(stage: Stage) -> None:
    coordinator = Actor(COORDINATOR, stage.gemba.origin, token=stage.tokens["coordinator"])
    eyes = Services(stage.gemba.status_urls())
    try:
        programme = Programme(
            coordinator,
            stage.clock,
            stage.gemba.origin,
            lambda key: _own_token(key, stage.gemba.origin),
            lambda: eyes.settle(seconds=_SETTLE_SECONDS),
            stage.tokens,
        )
        stage.visits = await programme.prepare()
    finally:
        await eyes.close()
        await coordinator.close()


async def _bring_in(stage: Stage, folder: Path) -> dict[str, str]:
    """Import one country, wait until all know its people, and return a token for each of those who act."""
    administrator = Actor("administrator", stage.gemba.origin, token=stage.gemba.administrator_token())
    try:
        wanted = {"programme-modules.xlsx", f"programme-{COUNTRY.lower()}.xlsx"}
        for book in [path for path in write_workbooks(folder) if path.name in wanted]:
            for owner in ("directory", "scheduler") if "modules" not in book.name else ("scheduler",):
                await administrator.upload(f"/{owner}/api/imports?dry_run=false", book.name, book.read_bytes())
        return {role: await _own_token(key, stage.gemba.origin) for role, key in _PEOPLE.items()}
    finally:
        await administrator.close()


async def _own_token(key: str, origin: str) -> str:
    """Signed in by the link in the mail, a person makes a token of their own: nobody else may make one that reads cases."""
    inbox, actor = Inbox(origin), Actor(key, origin)
    try:
        await actor.sign_in(inbox)
        wish = {"person_id": actor.person_id, "label": "campaign", "days": 30}
        return str((await actor.post("/directory/api/tokens", wish))["token"])
    finally:
        await inbox.close()
        await actor.close()
