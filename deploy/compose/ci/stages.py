"""The stages, in their order: images, the stack by the how-to page, what tests take from containers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.compose import supply
from deploy.compose.ci.commits import copy_of_the_project, fetch_wheels, previous_version, revision
from deploy.compose.ci.image_checks import check_image
from deploy.compose.ci.machine import Machine
from deploy.compose.ci.on_the_stack import CERTIFICATES, Built, OnTheStack
from deploy.compose.ci.steps import Steps
from deploy.compose.ci.two_builders import compare, with_buildkit
from deploy.compose.engine import Engine
from deploy.compose.stand_ins.make import Images, make_stand_ins
from deploy.local.problem import Problem
from deploy.local.state import ROOT
from deploy.local.topology import SERVICES

_TEST_SECONDS = 600


@dataclass
class Stages:
    """``folder`` is for copies of the project; names of images and of the project are of this run alone.

    ``kept`` gives them a name that a later run may use again: what it names is left in the engine, except the stack.
    """

    steps: Steps
    machine: Machine
    folder: Path
    kept: str = ""
    name: str = field(default_factory=lambda: f"gemba-ci-{secrets.token_hex(3)}")

    def __post_init__(self) -> None:
        self.name = self.kept or self.name

    @property
    def engine(self) -> Engine:
        return self.machine.engine

    @property
    def image(self) -> str:
        return f"{self.name}/gemba:now"

    @property
    def before(self) -> str:
        return f"{self.name}/gemba:before"

    @property
    def project(self) -> Path:
        return self.folder / "gemba"

    @property
    def older(self) -> Path:
        """The project as it was before."""
        return self.folder / "before"

    def run(self) -> None:
        take = self.steps.take
        try:
            take("base images are made from the project's locks", self._make_base_images, needed=True)
            take("the image is built from the hash lock", self._build_image, needed=True)
            take("the image holds what it should, and nothing else", self._check_image)
            take("BuildKit makes the same image", self._build_with_buildkit)
            take("its packages are listed, and an audit that cannot look them up does not pass", self._check_supply)
            take("the image of the commit before is built", self._build_the_image_before, needed=True)
            take("docker compose is there", self.machine.provide_compose, needed=True)
            built = Built(self.project, self.image, self.older, self.before)
            OnTheStack(self.steps, self.engine, self.images, self.name, built).run()
            take("integration tests on servers from testcontainers", self._run_tests)
        finally:
            self._leave_nothing()

    def _make_base_images(self) -> None:
        self.images: Images = make_stand_ins(self.engine, f"{self.name}-base", self.steps.say)

    def _build_image(self) -> None:
        copy_of_the_project(self.project)
        fetch_wheels(self.project / "wheels", self.steps.say)
        self._build(self.project, self.image, revision())

    def _check_image(self) -> None:
        self.steps.say(check_image(self.engine, self.image))

    def _build_with_buildkit(self) -> None:
        client = with_buildkit(self.engine)
        if client is None:
            self.steps.say("NOT BUILT: no docker client on this machine has BuildKit")
            return
        other = f"{self.name}/gemba:buildkit"
        client.build(self.project, other, self._arguments(revision()), "--no-cache")
        self.steps.say(f"the same {compare(self.engine, self.image, other)} files by both builders")

    def _build_the_image_before(self) -> None:
        """Where history begins here, what is rolled from is this commit's content under another revision's name."""
        if previous_version(self.older):
            if (self.project / "wheels").exists():
                shutil.copytree(self.project / "wheels", self.older / "wheels", copy_function=os.link)
            self._build(self.older, self.before, revision(name="HEAD~1"))
        else:
            self.steps.say("no commit before this one is known here: rolled from this one to itself instead")
            copy_of_the_project(self.older)
            self._build(self.project, self.before, "before")

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

    def _build(self, context: Path, image: str, commit: str) -> None:
        self.engine.build(context, image, self._arguments(commit))

    def _arguments(self, commit: str) -> dict[str, str]:
        return {"PYTHON_IMAGE": self.images.python, "PIP_CERT": CERTIFICATES, "REVISION": commit}

    def _run_tests(self) -> None:
        environment = {
            **self.engine.environment, **self.images.environment(), "GEMBA_TEST_SERVERS": "docker",
            "TESTCONTAINERS_RYUK_DISABLED": "true", "CI": "true", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "--dist", "loadgroup",
             "--no-loadscope-reorder", *(f"tests/integration/{part}" for part in ("kit", *SERVICES))],
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
            *([] if self.kept or self.machine.own else [("image", ["images", "--quiet", f"{self.name}*/*"])]),
        ):
            found = sorted(set(self.engine.run(*listing).split()))
            if found and not self.engine.succeeds(kind, "rm", "--force", *found):
                self.steps.say(f"left behind: {kind} {', '.join(found)}")
