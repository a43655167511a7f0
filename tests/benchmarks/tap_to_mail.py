"""Tap → mail: from a trainer's tap on the phone to the officer's alert accepted by SMTP.

A whole installation of its own; a trainer raises suspicions through the public HTTP API; each is timed from the moment
before the request is sent to the moment at which the SMTP server had accepted the officer's alert. Both clocks are this
machine's. The reference commits and mails by itself (`peers/no_log.py`), into the same database server and mailbox.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from deploy.local import process
from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Services
from deploy.local.demo.programme import write_workbooks
from deploy.local.installation import Installation, running_installation
from deploy.local.state import ROOT, State
from tests.benchmarks.figures import Row, ratio_at_most, spread
from tests.benchmarks.stage import Stage

_WARM_UP = 10
_ROUNDS = 4
_OFFICER = "bd-officer@programme.example"
_NOBODY = "nobody@programme.example"
Tap = Callable[[dict[str, Any]], Awaitable[None]]


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` taps, one after another, in four rounds of both sides in turn."""
    del stage  # an installation of its own
    ours, direct = [], []
    with tempfile.TemporaryDirectory(prefix="gemba-bench-") as folder:
        state = State(Path(folder) / "state")
        async with running_installation(state, profile="demo", report=lambda *_: None) as gemba:
            web = httpx.AsyncClient(base_url=gemba.origin, timeout=60, trust_env=False)
            async with _programme(gemba, Path(folder)) as by_trainer, _no_log(gemba) as without_log:
                await _timed(web, _OFFICER, by_trainer, _WARM_UP)
                await _timed(web, _NOBODY, without_log, _WARM_UP)
                for _ in range(_ROUNDS):
                    direct += await _timed(web, _NOBODY, without_log, size // _ROUNDS)
                    ours += await _timed(web, _OFFICER, by_trainer, size // _ROUNDS)
            await web.aclose()
    mine, theirs = spread(ours), spread(direct)
    job, against = "tap → mail, one after another", "no log in between"
    return [
        Row(f"{job}, p50", "ms", mine.p50, against, theirs.p50, ratio_at_most(3)),
        Row(f"{job}, p99", "ms", mine.p99, against, theirs.p99, ratio_at_most(4)),
    ]


async def _timed(web: httpx.AsyncClient, address: str, tap: Tap, count: int) -> list[float]:
    taken = []
    last = (await _arrived(web, address, 0, wait=0))["last"]
    for _ in range(count):
        looking = asyncio.create_task(_arrived(web, address, last, wait=30))
        await _arrived(web, address, last, wait=0)  # answered after the other one began to wait: it is not beside the tap
        tapped = time.time()
        await tap({"finding_id": str(uuid4()), "item": 4, "text": "Seen on the floor."})
        found = await looking
        mails, last = found["messages"], found["last"]
        taken.append(datetime.fromisoformat(mails[0]["at"]).timestamp() - tapped)
    return taken


async def _arrived(web: httpx.AsyncClient, address: str, since: int, *, wait: int) -> dict[str, Any]:
    """Mail to an address after message number `since`; waits for one, so that looking costs nothing."""
    answer = await web.get("/inbox/api/messages", params={"to": address, "since": since, "kind": "mail", "wait": wait})
    found: dict[str, Any] = answer.json()
    return found


@asynccontextmanager
async def _programme(gemba: Installation, folder: Path) -> AsyncIterator[Tap]:
    """People and enterprises are brought in, and a trainer is signed in."""
    inbox, services = Inbox(gemba.origin), Services(gemba.status_urls())
    administrator = Actor("administrator", gemba.origin, token=gemba.administrator_token())
    trainer = Actor("BD-T01", gemba.origin)
    try:
        modules, country, *_ = write_workbooks(folder / "workbooks")
        for path in (modules, country):
            for owner in ("directory", "scheduler"):
                await administrator.upload(f"/{owner}/api/imports?dry_run=false", path.name, path.read_bytes())
        await services.settle()
        enterprises = await administrator.get("/directory/api/enterprises", country="BD")
        enterprise_id = enterprises["items"][0]["enterprise_id"]
        await trainer.sign_in(inbox)

        async def tap(seen: dict[str, Any]) -> None:
            await trainer.post("/visits/api/suspicions", seen | {"enterprise_id": enterprise_id})

        yield tap
    finally:
        for one in (trainer, administrator, inbox, services):
            await one.close()


@asynccontextmanager
async def _no_log(gemba: Installation) -> AsyncIterator[Tap]:
    with psycopg.connect(gemba.postgres_dsn, autocommit=True) as connection:
        connection.execute("create database no_log")
    port = process.free_port()
    arguments = [str(port), gemba.postgres_dsn.rsplit("/", 1)[0] + "/no_log", str(gemba.ports["inbox-smtp"]), _NOBODY]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.peers.no_log", *arguments, cwd=ROOT
    )
    web = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)

    async def tap(seen: dict[str, Any]) -> None:
        (await web.post("/", json=seen)).raise_for_status()

    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                await web.post("/", json={"finding_id": str(uuid4()), "item": 4, "text": "warm-up"})
                break
            except httpx.ConnectError:
                if time.monotonic() > deadline or child.returncode is not None:
                    raise
                await asyncio.sleep(0.1)
        yield tap
    finally:
        await web.aclose()
        child.terminate()
        await child.wait()
