"""What is seen on a running stack, by the how-to page from its first command to its last, with everything that goes wrong between."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.compose.ci import bad_input
from deploy.compose.ci.commits import revision
from deploy.compose.ci.disturbances import Disturbances
from deploy.compose.ci.page import Page
from deploy.compose.ci.steps import Steps
from deploy.compose.engine import Engine
from deploy.compose.stack import Stack
from deploy.compose.stand_ins.make import Images
from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.topology import SERVICES

PAGE = "docs/how-to/compose.md"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""What a build trusts, where a proxy of the machine stands between it and the packages."""
_STEERED = "COMPOSE_FILE=docker-compose.yml:deploy/compose/demo.yml\n"
_STORY_SECONDS = 600


@dataclass(frozen=True)
class Built:
    """Two versions, each with the copy of its files and its image: the one whose page is followed, and the one before."""

    project: Path
    image: str
    older: Path
    before: str


@dataclass
class OnTheStack:
    """A stack under ``name``, which starts on the version before and is rolled to this one."""

    steps: Steps
    engine: Engine
    images: Images
    name: str
    built: Built

    def __post_init__(self) -> None:
        self._port = process.free_port()
        origin = f"https://localhost:{self._port}"
        environment = {
            **self.engine.environment,
            **self.images.environment(),
            "GEMBA_PROJECT": self.name,
            "GEMBA_IMAGE": self.built.image,
            "GEMBA_REVISION": revision(),
            "GEMBA_BUILD_NETWORK": "host",
            "GEMBA_BUILD_PIP_CERT": CERTIFICATES,
            "GEMBA_ORIGIN": origin,
            "GEMBA_STATE": str(self.project.parent / "no-state"),
            "GEMBA_COMPOSE": str(self.project / "var" / "compose"),
        }
        self._stack = Stack(Engine(environment), self.project)
        self._page = Page.read(self.project / PAGE, folder=self.project, environment=environment, say=self.steps.say)
        self._disturbances = Disturbances(self._stack, self.project, origin, self.steps.say)

    @property
    def project(self) -> Path:
        return self.built.project

    def run(self) -> None:
        """Raises ``Abandoned`` where the stack does not even start; whatever happened, it is taken down."""
        take, disturbances, stack = self.steps.take, self._disturbances, self._stack
        try:
            take("page: prepare", self._prepare, needed=True)
            take("page: start, on the image of the commit before", self._start, needed=True)
            take("no secret is shown by `docker inspect`", disturbances.check_inspection)
            take("page: upgrade, rolled under load with no failed request", self._upgrade)
            take("the demonstration's story is told on it, through its origin", self._tell_the_story)
            take("page: scale a service, under load with no failed request", self._scale)
            take("a replica of each service and the broker are killed under load with no failed request", self._kill)
            take("page: rotate a secret, under load with no failed request", self._rotate)
            take(
                "a missing, a weak and a wrong secret are named in one line",
                partial(bad_input.check_secrets, stack, self.project / "var" / "compose" / "secrets"),
            )
            take(
                "an older and a newer schema are named in one line, and nothing is changed",
                partial(bad_input.check_schemas, stack),
            )
            take("a port in use is named", partial(bad_input.check_port, stack, self._port))
            take("who needs Kafka waits for it", self._wait_for_kafka)
            take("page: back up, and restore into an empty stack", self._back_up_and_restore)
            take("page: add a broker", self._add_a_broker)
            take("page: stop", self._stop)
            take("every command of the page was run", self._count_commands)
        finally:
            with self.steps.step("the stack is taken down"):
                stack.compose("--profile", "*", "down", "--volumes", "--timeout", "10")

    def _prepare(self) -> None:
        self._page.run("Prepare")
        with (self.project / ".env").open("a", encoding="utf-8") as chosen:
            chosen.write(_STEERED)

    def _start(self) -> None:
        """As whoever upgrades later started it: with the image and the compose file of the version before.

        `docker compose build` of the page makes the image of now, which is under that name again when it is rolled.
        """
        page, engine, built = self._page, self.engine, self.built
        begun = time.monotonic()
        build, *start = page.sections["Start"][0].splitlines()
        page.sections = {**page.sections, "Build": [build + "\n"], "Start": ["\n".join(start) + "\n"]}
        page.run("Build")
        engine.run("tag", built.before, built.image)
        shutil.copyfile(self.project / ".env", built.older / ".env")
        files = (built.older / "docker-compose.yml", built.older / "deploy" / "compose" / "demo.yml")
        now, page.environment = page.environment, {**page.environment, "COMPOSE_FILE": ":".join(map(str, files))}
        try:
            page.run("Start")
        finally:
            page.environment = now
        self.steps.say(f"ready {time.monotonic() - begun:.0f} s after the first command")

    def _upgrade(self) -> None:
        self._disturbances.under_load("rolling", lambda: self._page.run("Upgrade"))
        self._disturbances.check_revision(revision(), SERVICES)

    def _tell_the_story(self) -> None:
        begun = time.monotonic()
        told = subprocess.run(
            [sys.executable, "-m", "deploy.local", "compose", "demo"], cwd=self.project, capture_output=True,
            env={**self._page.environment, "PYTHONPATH": str(self.project)}, text=True,
            timeout=_STORY_SECONDS, check=False,
        )  # fmt: skip
        if told.returncode != 0:
            raise Problem((told.stdout + told.stderr)[-4000:])
        self.steps.say(f"told in {time.monotonic() - begun:.0f} s")

    def _scale(self) -> None:
        self._disturbances.under_load("scaling", lambda: self._page.run("Scale a service"))

    def _kill(self) -> None:
        self._disturbances.under_load("killing", self._disturbances.kill_one_of_each)
        self._disturbances.await_healthy()

    def _rotate(self) -> None:
        self._disturbances.under_load("rotating", lambda: self._page.run("Rotate a secret"))

    def _wait_for_kafka(self) -> None:
        bad_input.check_waiting_for_kafka(self._stack, self._disturbances.await_line)
        self._disturbances.await_healthy()

    def _back_up_and_restore(self) -> None:
        before = self._disturbances.known()
        self._page.run("Back up")
        begun = time.monotonic()
        self._page.run("Restore into an empty stack")
        self.steps.say(f"restored, started and released in {time.monotonic() - begun:.0f} s")
        if self._disturbances.known() != before or not before["visits"]:
            raise AssertionError("the restored stack knows other cohorts or visits than the one that was backed up")

    def _add_a_broker(self) -> None:
        self._page.run("Add a broker")
        self._disturbances.await_healthy()
        self._disturbances.kill_a_broker()

    def _stop(self) -> None:
        self._page.run("Stop")

    def _count_commands(self) -> None:
        self.steps.say(f"{len(self._page.ran)} commands")
        if self._page.not_run:
            raise AssertionError(f"sections that nobody ran: {', '.join(sorted(self._page.not_run))}")
