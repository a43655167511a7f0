"""One stack as `docker compose` knows it: run its jobs, see its replicas, wait for their health."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.compose.engine import Engine, docker_engine
from deploy.local.problem import Problem
from deploy.local.state import ROOT
from deploy.local.topology import SERVICES

MIGRATIONS = tuple(f"migrate-{service}" for service in SERVICES)
HEALTHY_SECONDS = 300.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Stack:
    """The compose file in ``project``, with the engine that runs it. Nothing is pulled or built behind one's back."""

    engine: Engine = field(default_factory=docker_engine)
    project: Path = ROOT

    def compose(self, *arguments: str) -> str:
        return self.engine.run_compose(self.project, *arguments)

    def start(self, *arguments: str) -> None:
        """``docker compose up -d`` with these options and services."""
        self.compose("up", "--detach", "--no-build", *arguments)

    def run_job(self, name: str, *arguments: str) -> str:
        """A one-shot container; what it printed. Raises Problem with what it said."""
        return self.compose("run", "--rm", "--no-deps", "-T", name, *arguments).strip()

    def stream_job(self, name: str, *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> None:
        """A one-shot container whose standard input or output is a file."""
        command = ("run", "--rm", "--no-deps", "-T", name)
        self.engine.stream([*self.engine.compose, *command], self.project, stdin=stdin, stdout=stdout)

    def run_jobs(self, names: Sequence[str]) -> None:
        """Side by side; the first that fails is the one raised."""
        with ThreadPoolExecutor(len(names)) as pool:
            for done in [pool.submit(self.run_job, name) for name in names]:
                done.result()

    def replicas(self, service: str) -> list[str]:
        """Ids of the containers of a service that run now."""
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def health(self, container: str) -> str:
        """``starting``, ``healthy``, ``unhealthy``, or its state where it does not run."""
        state = json.loads(self.engine.run("inspect", "--format", "{{json .State}}", container))
        return str(state["Health"]["Status"]) if state["Running"] and "Health" in state else str(state["Status"])

    def await_health(self, containers: Sequence[str], say: Callable[[str], None]) -> None:
        """Raises Problem with the end of a container's log when it does not become healthy."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        waiting = list(containers)
        while waiting:
            for container in list(waiting):
                health = self.health(container)
                if health == "healthy":
                    waiting.remove(container)
                elif health not in {"starting", "unhealthy", "running", "restarting"} or time.monotonic() > deadline:
                    raise Problem(f"container {container[:12]} is {health}: {self.last_words(container)}")
            if waiting:
                time.sleep(_POLL_SECONDS)
        say(f"{len(containers)} replicas are healthy")

    def last_words(self, container: str) -> str:
        """The last line of a container's log."""
        said = self.engine.run("logs", "--tail", "3", container).strip().splitlines()
        return said[-1] if said else "it said nothing"
