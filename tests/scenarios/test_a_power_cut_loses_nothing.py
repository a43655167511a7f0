"""Everything dies in one moment, PostgreSQL, the broker and the supervisor included; `up` starts it, and nothing was lost.

This one is on a real clock and on `./gemba up` itself, as on the machine of somebody who pulled the plug.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local import process
from deploy.local.administrator import TOKEN_FILE
from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Services, until
from deploy.local.demo.programme import write_workbooks
from deploy.local.state import ROOT, State
from deploy.local.topology import SERVICES
from tests.harness.scenario_acts import mailbox, send

pytestmark = pytest.mark.xdist_group("power-cut")
"""An installation of its own, beside the other scenarios' one."""

_PATIENCE_SECONDS = 180.0
_PHONES = 3
"""Trainers who raise one suspicion after another when the power goes: each has at most one in flight."""
_BEFORE_THE_CUT = 12
"""Suspicions that were answered when the power goes: enough for some of each to be at every place on the way."""


class Up:
    """`./gemba up` as a process of its own."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.origin = f"http://localhost:{state.config()['ports']['origin']}"
        self._running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when it says that it runs."""
        output = self.state.folder.parent / f"up-{uuid4()}.log"
        self._running = _up(self.state.folder, output)

        def runs() -> bool:
            assert self._running is not None
            assert self._running.poll() is None, f"it ended:\n{process.tail(output, 30)}"
            return b"Gemba runs at" in output.read_bytes()

        await until(runs, "`up` says that Gemba runs", seconds=_PATIENCE_SECONDS)

    def cut_the_power(self) -> None:
        """kill -9 of the supervisor and of everything below it, with no time in between."""
        assert self._running is not None
        victims = process.family(self._running.pid)
        assert len(victims) > len(SERVICES) + 3, "the services, the servers and the web origin are among them"
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._running.wait()

    def stop(self) -> None:
        """In order, as Ctrl-C does."""
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGINT)
            self._running.wait(60)


def _up(folder: Path, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "up"],
            cwd=ROOT,
            env={**os.environ, "GEMBA_STATE": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@asynccontextmanager
async def plugged_in(state: State) -> AsyncIterator[Up]:
    machine = Up(state)
    await machine.start()
    try:
        yield machine
    finally:
        machine.stop()


class Phone:
    """A trainer's phone that raises suspicions and keeps each until it was answered with success."""

    def __init__(self, actor: Actor, enterprise_id: str) -> None:
        self._actor = actor
        self._enterprise_id = enterprise_id
        self.unanswered: tuple[str, dict[str, Any]] | None = None
        self.answered: list[str] = []

    async def raise_one(self) -> None:
        """A new one, or the one that was not answered again, under its own key."""
        if self.unanswered is None:
            finding = {"finding_id": str(uuid4()), "item": 4, "text": "Seen.", "enterprise_id": self._enterprise_id}
            self.unanswered = str(uuid4()), finding
        key, body = self.unanswered
        answer = await send(self._actor, "POST", "/visits/api/suspicions", body, key=key)
        if answer.status_code == 201:
            self.answered.append(body["finding_id"])
            self.unanswered = None
        else:
            assert answer.status_code >= 500, answer.text

    async def until_it_is_over(self, over: asyncio.Event) -> None:
        while not over.is_set():
            with suppress(httpx.TransportError):
                await self.raise_one()


async def test_all_that_was_answered_is_there_after_a_power_cut(tmp_path: Path) -> None:
    state = State(tmp_path / "var")
    state.folder.mkdir(mode=0o700)
    state.save_config(ports={"origin": process.free_port()})
    async with plugged_in(state) as machine:
        inbox = await _inbox(machine)
        administrator = Actor("administrator", machine.origin, token=(state.folder / TOKEN_FILE).read_text().strip())
        enterprise_id = await _programme(administrator, machine, tmp_path)
        phones = []
        for number in range(1, _PHONES + 1):
            trainer = Actor(f"PE-T{number:02d}", machine.origin)
            await trainer.sign_in(inbox)
            phones.append(Phone(trainer, enterprise_id))

        over = asyncio.Event()
        raising = [asyncio.create_task(phone.until_it_is_over(over)) for phone in phones]
        await until(lambda: _answered(phones) >= _BEFORE_THE_CUT, "suspicions are answered")
        machine.cut_the_power()
        over.set()
        await asyncio.gather(*raising)

        await machine.start()
        for phone in phones:
            await until(lambda phone=phone: _is_done(phone), "what was not answered is answered now")
        await _settled(state)
        await _every_case_is_there_and_was_told(machine, inbox, phones)
        for one in (administrator, inbox, *(phone._actor for phone in phones)):
            await one.close()


def _answered(phones: list[Phone]) -> int:
    return sum(len(phone.answered) for phone in phones)


async def _is_done(phone: Phone) -> bool:
    if phone.unanswered is not None:
        with suppress(httpx.TransportError):
            await phone.raise_one()
    return phone.unanswered is None


async def _every_case_is_there_and_was_told(machine: Up, inbox: Inbox, phones: list[Phone]) -> None:
    officer = Actor("PE-OFFICER", machine.origin)
    await officer.sign_in(inbox)
    cases = (await officer.get("/visits/api/cases", limit="200"))["items"]
    assert len(cases) == _answered(phones), "each that was answered, once"
    alerts = [
        one
        for one in await inbox.messages(mailbox("PE-OFFICER"))
        if one["kind"] == "mail" and any(case["case_id"] in one["text"] for case in cases)
    ]
    told = Counter(case["case_id"] for case in cases for one in alerts if case["case_id"] in one["text"])
    assert told.keys() == {case["case_id"] for case in cases}, "the officer was told of every one"
    by_message = Counter(one["message_id"] for one in alerts)
    assert len(by_message) == len(cases), "by one message each"
    repeated = sum(by_message.values()) - len(by_message)
    assert repeated <= _PHONES, f"only what was in flight came twice, under its own Message-ID: {repeated}"
    await officer.close()


async def _inbox(machine: Up) -> Inbox:
    """The inbox that catches mail until gateways are named opens with its key in real use."""
    inbox = Inbox(machine.origin)
    opened = await inbox._http.get("/inbox/open", params={"key": machine.state.secret("inbox")})
    assert opened.status_code < 400, opened.text
    return inbox


async def _programme(administrator: Actor, machine: Up, folder: Path) -> str:
    wanted = {"programme-modules.xlsx", "programme-pe.xlsx"}
    for path in (book for book in write_workbooks(folder / "workbooks") if book.name in wanted):
        for owner in ("directory", "scheduler"):
            await administrator.upload(f"/{owner}/api/imports?dry_run=false", path.name, path.read_bytes())
        await _settled(machine.state)
    found = await administrator.get("/directory/api/enterprises", country="PE")
    enterprise_id: str = found["items"][0]["enterprise_id"]
    return enterprise_id


async def _settled(state: State) -> None:
    ports = state.config()["ports"]
    services = Services({name: f"http://127.0.0.1:{ports[name]}/status" for name in SERVICES})
    await services.settle(seconds=_PATIENCE_SECONDS)
    await services.close()
