"""Ten times as many clients at once as the load has, for some seconds: everybody is answered in time, or told when to come again.

They repeat what was answered with success, each under its own key: that is work for the service and no new fact.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.local import process
from deploy.local.state import ROOT
from tests.chaos.ledger import Line
from tests.chaos.load import CLIENTS

TIMES = 10
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

    def note(self, status: int, headers: Mapping[str, str], seconds: float) -> float:
        """Only 2xx, and 429 or 503 with a time to come again, are answers that a burst may get.

        Returns in how many seconds to ask again.
        """
        if 200 <= status < 300:
            self.seconds.append(seconds)
        elif status in {429, 503} and "retry-after" in headers:
            self.told_when += 1
            return float(headers["retry-after"])
        else:
            self.otherwise[str(status)] += 1
        return 0.0

    def as_json(self) -> dict[str, object]:
        """From one process to the other."""
        return {"seconds": self.seconds, "told_when": self.told_when, "otherwise": dict(self.otherwise)}

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Burst:
        """What `as_json` gave."""
        return cls(found["seconds"], found["told_when"], Counter(found["otherwise"]))

    def __str__(self) -> str:
        return f"{len(self.seconds)} answered, p99 {self.p99_seconds * 1000:.0f} ms, {self.told_when} told when to come again"


async def burst(origin: str, tokens: Mapping[str, str], done: Sequence[Line], *, seconds: float, seed: int) -> Burst:
    """`done`: commands that were answered with success. Returns when all have had their last answer."""
    if not done:
        return Burst()
    wanted = {
        "origin": origin,
        "seconds": seconds,
        "seed": seed,
        "clients": TIMES * CLIENTS,
        "requests": [_request(line, tokens) for line in done],
    }
    crowd = await asyncio.create_subprocess_exec(
        *process.spawn_command([sys.executable, "-m", "tests.chaos.crowd"]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    said, _ = await crowd.communicate(json.dumps(wanted).encode())
    return Burst.of(json.loads(said))


def _request(line: Line, tokens: Mapping[str, str]) -> dict[str, object]:
    who, path, body = line.request
    headers = {"Idempotency-Key": line.command.key, "Authorization": f"Bearer {tokens[who]}"}
    return {"method": "POST", "url": path, "json_body": body, "headers": headers}
