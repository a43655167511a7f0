"""The stages, in their order: images, the stack by the how-to page, what goes wrong, what tests take from containers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from deploy.compose import supply
from deploy.compose.ci import bad_input
from deploy.compose.ci.copies import copy_of_the_project, fetch_wheels, previous_version
from deploy.compose.ci.disturbances import Disturbances
from deploy.compose.ci.image_checks import check_image
from deploy.compose.ci.page import Page
from deploy.compose.ci.steps import Steps
from deploy.compose.engine import Engine
from deploy.compose.stack import Stack
from deploy.compose.stand_ins.make import Images, make_stand_ins
from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.state import ROOT
from deploy.local.topology import SERVICES

PAGE = "docs/how-to/compose.md"
_STEERED = "COMPOSE_FILE=docker-compose.yml:deploy/compose/demo.yml\n"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_TEST_SECONDS = 420


@dataclass
class Stages:
    """``folder`` is for copies of the project; names of images and of the project are of this run alone."""

    steps: Steps
    engine: Engine
    folder: Path
    name: str = field(default_factory=lambda: f"gemba-ci-{secrets.token_hex(3)}")

    @property
    def image(self) -> str:
        return f"{self.name}/gemba:now"

    @property
    def before(self) -> str:
        return f"{self.name}/gemba:before"

    @property
    def project(self) -> Path:
        return self.folder / "gemba"

    def run(self) -> None:
        try:
            images = self._make_images()
            self._run_stack(images)
            self._run_tests(images)
        finally:
            self._leave_nothing()

    def _make_images(self) -> Images:
        with self.steps.step("base images are made from the project's locks", needed=True):
            images = make_stand_ins(self.engine, f"{self.name}-base", self.steps.say)
        with self.steps.step("the image is built from the hash lock", needed=True):
            copy_of_the_project(self.project)
            fetch_wheels(self.project / "wheels", self.steps.say)
            self._build(self.project, images, self.image)
        with self.steps.step("the image holds what it should, and nothing else"):
            self.steps.say(check_image(self.engine, self.image))
        with self.steps.step("its packages are listed, and an audit that cannot look them up does not pass"):
            self._check_supply()
        with self.steps.step("the image of the commit before is built", needed=True):
            older = self.folder / "before"
            if previous_version(older):
                shutil.copytree(self.project / "wheels", older / "wheels", copy_function=os.link)
                self._build(older, images, self.before)
            else:
                self.steps.say("there is no commit before this one with an image: rolled from this one to itself")
                self.engine.run("tag", self.image, self.before)
        return images

    def _check_supply(self) -> None:
        listed = json.loads(supply.sbom())
        self.steps.say(f"{listed['bomFormat']} {listed['specVersion']}: {len(listed['components'])} components")
        nowhere = {
            **os.environ,
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
            "NO_PROXY": "",
        }
        try:
            supply.audit(nowhere)
        except Problem as refused:
            if "could not be checked" not in str(refused):
                raise
        else:
            raise AssertionError("an audit without an index passed")
        try:
            self.steps.say(supply.audit())
        except Problem as problem:
            if "could not be checked" not in str(problem):
                raise
            self.steps.say(f"NOT AUDITED: {problem}")

    def _build(self, context: Path, images: Images, image: str) -> None:
        arguments = {"PYTHON_IMAGE": images.python, "PIP_CERT": _CERTIFICATES, "REVISION": _revision()}
        self.engine.build(context, image, arguments)

    def _run_stack(self, images: Images) -> None:
        project = self.project
        port = process.free_port()
        environment = {
            **self.engine.environment,
            **images.environment(),
            "GEMBA_PROJECT": self.name,
            "GEMBA_IMAGE": self.image,
            "GEMBA_REVISION": _revision(),
            "GEMBA_BUILD_NETWORK": "host",
            "GEMBA_BUILD_PIP_CERT": _CERTIFICATES,
            "GEMBA_ORIGIN": f"https://localhost:{port}",
            "GEMBA_STATE": str(self.folder / "no-state"),
            "GEMBA_COMPOSE": str(project / "var" / "compose"),
        }
        stack = Stack(Engine(environment), project)
        page = Page.read(project / PAGE, folder=project, environment=environment, say=self.steps.say)
        try:
            self._follow_page(page, stack, port)
        finally:
            with self.steps.step("the stack is taken down"):
                stack.compose("--profile", "*", "down", "--volumes", "--timeout", "10")

    def _follow_page(self, page: Page, stack: Stack, port: int) -> None:
        step, say = self.steps.step, self.steps.say
        with step("page: prepare", needed=True):
            page.run("Prepare")
            with (page.folder / ".env").open("a", encoding="utf-8") as chosen:
                chosen.write(_STEERED)
        with step("page: start, on the image of the commit before", needed=True):
            begun = time.monotonic()
            self._start_on_the_version_before(page)
            say(f"ready {time.monotonic() - begun:.0f} s after the first command")
        disturbances = Disturbances(stack, page.folder, f"https://localhost:{port}", say)
        with step("no secret is shown by `docker inspect`"):
            disturbances.check_inspection()
        with step("page: upgrade, rolled under load with no failed request"):
            disturbances.under_load("rolling", lambda: page.run("Upgrade"))
            disturbances.check_revision(_revision(), SERVICES)
        with step("the demonstration's story is told on it, through its origin"):
            begun = time.monotonic()
            told = subprocess.run(
                [sys.executable, "-m", "deploy.local", "compose", "demo"], cwd=page.folder, capture_output=True,
                env={**page.environment, "PYTHONPATH": str(page.folder)}, text=True, timeout=400, check=False,
            )  # fmt: skip
            if told.returncode != 0:
                raise Problem((told.stdout + told.stderr)[-4000:])
            say(f"told in {time.monotonic() - begun:.0f} s")
        with step("page: scale a service, under load with no failed request"):
            disturbances.under_load("scaling", lambda: page.run("Scale a service"))
        with step("a replica of each service and the broker are killed under load with no failed request"):
            disturbances.under_load("killing", disturbances.kill_one_of_each)
            disturbances.await_healthy()
        with step("page: rotate a secret, under load with no failed request"):
            disturbances.under_load("rotating", lambda: page.run("Rotate a secret"))
        with step("a missing, a weak and a wrong secret are named in one line"):
            bad_input.check_secrets(stack, page.folder / "var" / "compose" / "secrets")
        with step("an older and a newer schema are named in one line, and nothing is changed"):
            bad_input.check_schemas(stack)
        with step("a port in use is named"):
            bad_input.check_port(stack, port)
        with step("who needs Kafka waits for it"):
            bad_input.check_waiting_for_kafka(stack, disturbances.await_line)
            disturbances.await_healthy()
        with step("page: back up, and restore into an empty stack"):
            before = disturbances.known()
            page.run("Back up")
            begun = time.monotonic()
            page.run("Restore into an empty stack")
            say(f"restored, started and released in {time.monotonic() - begun:.0f} s")
            if disturbances.known() != before or not before["visits"]:
                raise AssertionError("the restored stack knows other cohorts or visits than the one that was backed up")
        with step("page: add a broker"):
            page.run("Add a broker")
            disturbances.await_healthy()
            disturbances.kill_a_broker()
        with step("page: stop"):
            page.run("Stop")
        with step("every command of the page was run"):
            say(f"{len(page.ran)} commands")
            if page.not_run:
                raise AssertionError(f"sections that nobody ran: {', '.join(sorted(page.not_run))}")

    def _start_on_the_version_before(self, page: Page) -> None:
        """`docker compose build` of the page makes the image of now; what is started first is the one before it."""
        self.engine.run("tag", self.image, f"{self.name}/gemba:kept")
        build, *start = page.sections["Start"][0].splitlines()
        page.sections = {**page.sections, "Build": [build + "\n"], "Start": ["\n".join(start) + "\n"]}
        page.run("Build")
        self.engine.run("tag", self.before, self.image)
        page.run("Start")

    def _run_tests(self, images: Images) -> None:
        with self.steps.step("integration tests of the kit on servers from testcontainers"):
            environment = {
                **self.engine.environment, **images.environment(), "GEMBA_TEST_SERVERS": "docker",
                "TESTCONTAINERS_RYUK_DISABLED": "true", "CI": "true", "PYTHONPATH": str(ROOT),
            }  # fmt: skip
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "--dist", "loadgroup",
                 "tests/integration/kit"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=_TEST_SECONDS, check=False,
            )  # fmt: skip
            self.steps.say(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no output")
            if done.returncode != 0:
                raise Problem(done.stdout[-4000:] + done.stderr[-1000:])

    def _leave_nothing(self) -> None:
        """Whatever this run made in an engine that is not its own; containers of tests included."""
        for kind, listing in (
            ("container", ["ps", "--all", "--quiet", "--filter", f"name={self.name}"]),
            ("volume", ["volume", "ls", "--quiet", "--filter", f"name={self.name}"]),
            ("network", ["network", "ls", "--quiet", "--filter", f"name={self.name}"]),
            ("image", ["images", "--quiet", f"{self.name}*/*"]),
        ):
            found = sorted(set(self.engine.run(*listing).split()))
            if found and not self.engine.succeeds(kind, "rm", "--force", *found):
                self.steps.say(f"left behind: {kind} {', '.join(found)}")


def _revision() -> str:
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"
