"""One program that the supervisor runs: how to start it, when it is ready, how it stops."""

from __future__ import annotations

import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import process
from deploy.local.state import ROOT

_HTTP_SECONDS = 3.0


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Program:
    """``prepare``, ``not_ready``, ``after_ready`` and ``not_alive`` block; they run in a thread.

    ``prepare`` and ``after_ready`` run at every start, so a broker whose data was deleted is
    formatted and provisioned again by its restart. ``not_alive`` says why a program that still
    runs is as good as dead; when it keeps saying so, the program is killed and started again.
    """

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    not_ready: Callable[[], str | None]
    prepare: Callable[[], None] = _nothing
    after_ready: Callable[[], None] = _nothing
    not_alive: Callable[[], str | None] = _nothing
    start_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 8.0
    directory: Path = field(default=ROOT)


def http_problem(url: str) -> str | None:
    """Why a GET of ``url`` does not answer 2xx, or None when it does. No proxy, no redirect."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_HTTP_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def python_command(module: str, *arguments: str) -> list[str]:
    """Run a module of ours with this Python; it dies with its parent."""
    return process.spawn_command([sys.executable, "-m", module, *arguments])


def inherited_environment() -> dict[str, str]:
    """The caller's environment without Gemba's own variables.

    Those hold administrators' passwords, and each service is told only what it needs.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GEMBA_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
