"""`python -m tests.benchmarks.tap_to_mail [N]`: from the tap on a phone to the mail accepted by SMTP, one after another.

A whole installation of its own; a trainer raises N suspicions through the public HTTP API; each is timed from the moment
before the request is sent to the moment at which the SMTP server had accepted the officer's alert. Both clocks are this machine's.
The figure is about the way through outbox, log, inbox and sender, without other load.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Services
from deploy.local.demo.programme import write_workbooks
from deploy.local.installation import running_installation
from deploy.local.state import State

_WARM_UP = 5


async def measure(count: int) -> dict[str, float]:
    """Milliseconds: p50, p90, p99 and the longest."""
    with tempfile.TemporaryDirectory(prefix="gemba-bench-") as folder:
        state = State(Path(folder) / "state")
        async with running_installation(state, profile="demo", report=lambda *_: None) as gemba:
            inbox, services = Inbox(gemba.origin), Services(gemba.status_urls())
            administrator = Actor("administrator", gemba.origin, token=gemba.administrator_token())
            modules, country, *_ = write_workbooks(Path(folder) / "workbooks")
            for path in (modules, country):
                for owner in ("directory", "scheduler"):
                    await administrator.upload(f"/{owner}/api/imports?dry_run=false", path.name, path.read_bytes())
            await services.settle()
            enterprises = await administrator.get("/directory/api/enterprises", country="BD")
            enterprise_id = enterprises["items"][0]["enterprise_id"]
            trainer, officer = Actor("BD-T01", gemba.origin), "bd-officer@programme.example"
            await trainer.sign_in(inbox)
            taken: list[float] = []
            web = httpx.AsyncClient(base_url=gemba.origin, timeout=60, trust_env=False)
            for _ in range(_WARM_UP + count):
                last = (await _arrived(web, officer, 0, wait=0))["last"]
                tapped = time.time()
                await trainer.post(
                    "/visits/api/suspicions",
                    {
                        "finding_id": str(uuid4()),
                        "item": 4,
                        "text": "Seen on the floor.",
                        "enterprise_id": enterprise_id,
                    },
                )
                mails = (await _arrived(web, officer, last, wait=30))["messages"]
                taken.append(datetime.fromisoformat(mails[0]["at"]).timestamp() - tapped)
            for one in (trainer, administrator, inbox, services):
                await one.close()
            await web.aclose()
    milliseconds = sorted(1000 * seconds for seconds in taken[_WARM_UP:])
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {"n": count, "p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": milliseconds[-1]}


async def _arrived(web: httpx.AsyncClient, address: str, since: int, *, wait: int) -> dict[str, Any]:
    """Mail to an address after message number `since`; waits for one, so that looking costs nothing."""
    answer = await web.get("/inbox/api/messages", params={"to": address, "since": since, "kind": "mail", "wait": wait})
    found: dict[str, Any] = answer.json()
    return found


if __name__ == "__main__":
    figures = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
    sys.stdout.write(json.dumps({name: round(value, 1) for name, value in figures.items()}) + "\n")
