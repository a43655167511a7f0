"""Requests through the web origin, one after another on several connections, while the stack is disturbed.

Half of them only read, half are commands with an Idempotency-Key. The client tries nothing twice: what the origin does
not make good is a failed request.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from deploy.local.topology import SERVICES

_CONNECTIONS = 4
_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0


@dataclass
class Load:
    """``failures`` counts by what happened; ``slowest`` is in seconds."""

    requests: int = 0
    slowest: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.failures.total()} failed, the slowest took {self.slowest:.1f} s"


@contextmanager
def load_on(origin: str, token: str, authority: Path) -> Iterator[Load]:
    """Requests go on while the block runs."""
    load, stopping, lock = Load(), threading.Event(), threading.Lock()
    trust = ssl.create_default_context(cafile=str(authority))

    def work(number: int) -> None:
        with httpx.Client(
            base_url=origin, verify=trust, timeout=_PATIENCE_SECONDS, headers={"Authorization": f"Bearer {token}"}
        ) as client:
            turn = number
            while not stopping.is_set():
                turn += 1
                begun = time.monotonic()
                outcome = _ask(client, SERVICES[turn % len(SERVICES)], reads=turn // len(SERVICES) % 2 == 0)
                with lock:
                    load.requests += 1
                    load.slowest = max(load.slowest, time.monotonic() - begun)
                    if outcome:
                        load.failures[outcome] += 1
                stopping.wait(_PAUSE_SECONDS)

    workers = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(_CONNECTIONS)]
    for worker in workers:
        worker.start()
    try:
        yield load
    finally:
        stopping.set()
        for worker in workers:
            worker.join(_PATIENCE_SECONDS)


def _ask(client: httpx.Client, service: str, *, reads: bool) -> str:
    """What went wrong, or nothing."""
    path = f"/{service}/api/operations"
    try:
        if reads:
            answer = client.get(f"{path}/timers", params={"limit": 1})
        else:
            answer = client.post(f"{path}/hold/release", json={}, headers={"Idempotency-Key": str(uuid4())})
    except httpx.HTTPError as fault:
        return f"{service}: {type(fault).__name__}"
    if answer.status_code < 300:
        return ""
    return f"{service}: {answer.request.method} {answer.status_code} {answer.text[:120]}"
