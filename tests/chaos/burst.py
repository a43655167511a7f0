"""Ten times as many clients at once as the load has, for some seconds: everybody is answered in time, or told when to come again.

They repeat what was answered with success, each under its own key: that is work for the service and no new fact.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from tests.chaos.ledger import Line
from tests.chaos.load import CLIENTS, WHO, request_of

TIMES = 10
IN_TIME_SECONDS = 0.5
_ANSWER_SECONDS = 8.0
_SHARE_IN_TIME = 0.99


@dataclass(slots=True)
class Burst:
    """What became of every request: how long an answer with success took, who was told to come again, what else was said."""

    seconds: list[float] = field(default_factory=list)
    told_when: int = 0
    otherwise: Counter[str] = field(default_factory=Counter)

    @property
    def p99_seconds(self) -> float:
        """0 when nobody was answered with success."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * _SHARE_IN_TIME), len(ordered) - 1)] if ordered else 0.0

    def note(self, answer: httpx.Response, seconds: float) -> None:
        """Only 2xx, and 429 or 503 with a time to come again, are answers that a burst may get."""
        if answer.is_success:
            self.seconds.append(seconds)
        elif answer.status_code in {429, 503} and "retry-after" in answer.headers:
            self.told_when += 1
        else:
            self.otherwise[str(answer.status_code)] += 1

    def __str__(self) -> str:
        return f"{len(self.seconds)} answered, p99 {self.p99_seconds * 1000:.0f} ms, {self.told_when} told when to come again"


async def burst(origin: str, tokens: Mapping[str, str], done: Sequence[Line], *, seconds: float, seed: int) -> Burst:
    """`done`: commands that were answered with success. Returns when all have had their last answer."""
    found, until = Burst(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=TIMES * CLIENTS, max_keepalive_connections=TIMES * CLIENTS)
    async with httpx.AsyncClient(base_url=origin, timeout=_ANSWER_SECONDS, limits=limits, trust_env=False) as http:

        async def client(number: int) -> None:
            chance = random.Random(f"{seed} {number}")
            while done and time.monotonic() < until:
                line = chance.choice(done)
                method, path, body = request_of(line.story, line.command)
                who = tokens[WHO[line.command.act]]
                headers = {"Idempotency-Key": line.command.key, "Authorization": f"Bearer {who}"}
                began = time.monotonic()
                try:
                    answer = await http.request(method, path, json=body, headers=headers)
                except httpx.TransportError as fault:
                    found.otherwise[type(fault).__name__] += 1
                else:
                    found.note(answer, time.monotonic() - began)

        await asyncio.gather(*(client(number) for number in range(TIMES * CLIENTS)))
    return found
