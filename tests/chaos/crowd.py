"""`python -m tests.chaos.crowd`: a burst's clients, in a process of their own, so that what they wait for is the service alone.

Reads what to ask as JSON on standard input, asks until the time is over, and writes what became of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from tests.chaos.burst import Burst

_ANSWER_SECONDS = 8.0
_FIRST = -10
"""Clients have machines of their own: here they must not wait for a processor behind those whom they ask."""


async def ask_all(wanted: Mapping[str, Any]) -> Burst:
    """So many clients at once, each with one request after the other; who is told when to come again comes then."""
    found, until, clients = Burst(), time.monotonic() + wanted["seconds"], wanted["clients"]
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(
        base_url=wanted["origin"], timeout=_ANSWER_SECONDS, limits=limits, trust_env=False
    ) as http:

        async def client(number: int) -> None:
            chance = random.Random(f"{wanted['seed']} {number}")
            while time.monotonic() < until:
                asked = chance.choice(wanted["requests"])
                began = time.monotonic()
                try:
                    answer = await http.request(**asked)
                except httpx.TransportError as fault:
                    found.otherwise[type(fault).__name__] += 1
                else:
                    pause = found.note(answer, time.monotonic() - began)
                    await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))

        await asyncio.gather(*(client(number) for number in range(clients)))
    return found


if __name__ == "__main__":
    with suppress(PermissionError):
        os.nice(_FIRST)
    json.dump(asyncio.run(ask_all(json.load(sys.stdin))).as_json(), sys.stdout)
