"""What is done to a running stack while requests go on, and what is looked at afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.compose import layout
from deploy.compose.ci.load import load_on
from deploy.compose.stack import Stack
from deploy.local.administrator import TOKEN_FILE
from deploy.local.problem import Problem
from deploy.local.topology import SERVICES

_LEAST_REQUESTS = 50
_HEALTHY_SECONDS = 240.0
_LINE_SECONDS = 60.0


@dataclass
class Disturbances:
    """``folder`` is the copy of the project that the stack belongs to."""

    stack: Stack
    folder: Path
    origin: str
    say: Callable[[str], None]

    @property
    def _compose(self) -> Path:
        return self.folder / "var" / "compose"

    def under_load(self, what: str, act: Callable[[], object]) -> None:
        """Do it while requests go on; raises AssertionError when any of them failed."""
        token = (self._compose / TOKEN_FILE).read_text(encoding="ascii").strip()
        with load_on(self.origin, token, self._compose / "ca.pem") as load:
            act()
        self.say(f"while {what}: {load}")
        if load.failures:
            raise AssertionError(f"failed while {what}: {dict(load.failures)}")
        if load.requests < _LEAST_REQUESTS:
            raise AssertionError(f"only {load.requests} requests were made")

    def check_inspection(self) -> None:
        """Whoever may ask the engine sees no password; the log of no container holds one either."""
        containers = self.stack.compose("ps", "--all", "--quiet").split()
        shown = self.stack.engine.run("inspect", *containers)
        logs = "".join(self.stack.engine.run("logs", container) for container in containers)
        token = (self._compose / TOKEN_FILE).read_text(encoding="ascii").strip()
        for name in (*layout.PASSWORDS, None):
            secret = token if name is None else (self._compose / "secrets" / name).read_text(encoding="ascii").strip()
            if secret in shown or secret in logs:
                raise AssertionError(f"{name or 'the administrator token'} is shown")

    def check_revision(self, revision: str, services: Sequence[str]) -> None:
        """Every replica runs the image of this commit."""
        for service in services:
            containers = self.stack.replicas(service)
            told = json.loads(self.stack.engine.run("inspect", *containers))
            found = {each["Config"]["Labels"]["org.opencontainers.image.revision"] for each in told}
            if found != {revision} or len(containers) != 2:
                raise AssertionError(f"{service}: {len(containers)} replicas of {found}, not 2 of {revision}")

    def kill_one_of_each(self) -> None:
        """As a crash would: the process itself, behind the engine's back. Kafka too: requests do not need it."""
        for service in (*SERVICES, "kafka-1"):
            container = self.stack.replicas(service)[0]
            pid = int(self.stack.engine.run("inspect", "--format", "{{.State.Pid}}", container))
            self.say(f"    kill -9 {pid} ({service})")
            os.kill(pid, signal.SIGKILL)
            self._await(partial(self._runs_as_before, service), f"{service} runs again")

    def kill_a_broker(self) -> None:
        """One of three is gone: what is published is still taken."""
        self.stack.compose("kill", "kafka-2")
        self._gemba("outbox", "replay", "directory")
        self._await(lambda: not self._waiting("directory", "outbox"), "facts are published on two brokers")
        self.stack.start("--no-deps", "kafka-2")

    def await_healthy(self) -> None:
        """Every replica of every service."""
        for service in SERVICES:
            self.stack.await_health(self.stack.replicas(service), lambda _: None)

    def await_line(self, container: str, text: str) -> str:
        """Return when the container has said it; raises Problem with what it said instead."""
        self._await(lambda: text in self._said(container), f"“{text}”", lambda: self._said(container))
        return text

    def known(self) -> dict[str, list[str]]:
        """The ids of all cohorts (through the origin), visits and people (in the databases)."""
        cohorts = json.loads(self._gemba("cohort", "ls", "--limit", "1000", "--json"))["items"]
        return {
            "cohorts": sorted(str(each.get("cohort_id") or each["id"]) for each in cohorts),
            "visits": self._rows("gemba_visits", "select visit_id from visits order by 1"),
            "people": self._rows("gemba_directory", "select person_id from people order by 1"),
        }

    def _rows(self, database: str, query: str) -> list[str]:
        psql = ("psql", "-h", "/var/run/postgresql", "-U", "postgres", "-d", database, "-tAc", query)
        return self.stack.compose("exec", "-T", "postgres", *psql).split()

    def _said(self, container: str) -> str:
        done = subprocess.run(
            [*self.stack.engine.docker, "logs", container], capture_output=True, text=True,
            env=dict(self.stack.engine.environment), check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def _runs_as_before(self, service: str) -> bool:
        wanted = 1 if service.startswith("kafka") else 2
        containers = self.stack.replicas(service)
        return len(containers) >= wanted and all(self.stack.health(one) == "healthy" for one in containers)

    def _waiting(self, service: str, what: str) -> int:
        rows = json.loads(self._gemba("status", "--json"))["items"]
        return int(next(row for row in rows if row["service"] == service)["waiting"].get(what, 1))

    def _gemba(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local", *arguments], cwd=self.folder, capture_output=True, text=True,
            env={**self.stack.engine.environment, "PYTHONPATH": str(self.folder)}, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Problem(f"./gemba {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _await(self, condition: Callable[[], bool], what: str, otherwise: Callable[[], str] = lambda: "") -> None:
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise Problem(f"not within {_HEALTHY_SECONDS:.0f} s: {what}; {otherwise()[-1000:]}")
            time.sleep(0.5)
