"""How far the planner is: told where it computes, read where somebody waits.

Each computation has a key. From the planner's own process what is told travels through a pipe; in one process (tests)
it is simply there.
"""

import threading
import time
from multiprocessing.connection import Connection
from typing import Any

LONGEST = 400
"""Entries that are kept of one trace; beyond that every second one is dropped, the newest stays."""

Entry = list[float]
"""Seconds since it began, best cost, proven bound, visits without a place."""

_traces: dict[str, list[Entry]] = {}
_begun: dict[str, float] = {}
_out: "Connection[Any, Any] | None" = None
_lock = threading.Lock()


def send_through(pipe: "Connection[Any, Any]") -> None:
    """In the planner's process: what is told goes to the service as well."""
    global _out
    _out = pipe


def receive(pipe: "Connection[Any, Any]") -> None:
    """In the service: take what the planner's process tells, until that process ends."""
    while True:
        try:
            _keep(*pipe.recv())
        except (EOFError, OSError):
            return


def begin(key: str) -> None:
    """A computation begins; what was known under its key is forgotten."""
    with _lock:
        _begun[key] = time.monotonic()
        _traces[key] = []


def tell(key: str, cost: float, bound: float, unplaced: int) -> None:
    """A better plan, or a better bound."""
    with _lock:
        begun = _begun.setdefault(key, time.monotonic())
    entry = [round(time.monotonic() - begun, 3), round(cost, 2), round(bound, 2), float(unplaced)]
    _keep(key, entry)
    if _out is not None:
        _out.send((key, entry))


def trace_of(key: str) -> list[Entry]:
    """What was told so far; empty for a key that nobody knows."""
    with _lock:
        return list(_traces.get(key, ()))


def forget(key: str) -> None:
    """Nobody will ask for it any more."""
    with _lock:
        _traces.pop(key, None)
        _begun.pop(key, None)


def _keep(key: str, entry: Entry) -> None:
    with _lock:
        trace = _traces.setdefault(key, [])
        trace.append(entry)
        if len(trace) > LONGEST:
            del trace[:-1:2]
