"""The parts of the containers stage that decide: which commands of the page are run, and what counts as passed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from deploy.compose.ci.image_checks import _PRIVATE, _TOOLS
from deploy.compose.ci.leftovers import end_all_of, processes_of
from deploy.compose.ci.machine import NoContainers, check_that_containers_run
from deploy.compose.ci.page import Page, commands_of
from deploy.compose.ci.steps import Abandoned, Steps
from deploy.compose.engine import Engine
from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.state import ROOT

PAGE = ROOT / "docs" / "how-to" / "compose.md"


def page(folder: Path, text: str) -> Page:
    written = folder / "page.md"
    written.write_text(text, encoding="utf-8")
    return Page.read(written, folder=folder, environment={"PATH": "/usr/bin:/bin"}, say=lambda _: None)


def test_blocks_are_run_as_they_stand_and_others_are_only_shown(tmp_path: Path) -> None:
    shown = page(
        tmp_path, "## One\n```sh\necho a > made\n# a comment\ncat made\n```\n```text\nfalse\n```\n## Two\nwords\n"
    )
    assert shown.run("One") == "a\n"
    assert shown.ran == ["echo a > made", "cat made"]
    assert not shown.not_run


def test_a_command_that_fails_ends_its_section(tmp_path: Path) -> None:
    shown = page(tmp_path, "## One\n```sh\nfalse\necho reached\n```\n")
    with pytest.raises(Problem, match="exit code 1"):
        shown.run("One")


def test_a_section_that_nobody_ran_is_known(tmp_path: Path) -> None:
    assert page(tmp_path, "## One\n```sh\ntrue\n```\n").not_run == {"One"}


def test_the_page_says_everything_that_it_should() -> None:
    found = commands_of(PAGE.read_text(encoding="utf-8"))
    assert list(found) == [
        "Prepare", "Start", "Upgrade", "Scale a service", "Rotate a secret", "Back up", "Restore into an empty stack",
        "Add a broker", "Stop",
    ]  # fmt: skip
    assert found["Start"][0].splitlines()[0] == "docker compose build"


def test_the_stage_runs_each_of_them() -> None:
    steps = (ROOT / "deploy/compose/ci/on_the_stack.py").read_text(encoding="utf-8")
    for section in commands_of(PAGE.read_text(encoding="utf-8")):
        assert re.search(rf'page\.run\("{section}"\)', steps), section


def test_a_failure_is_counted_and_does_not_hide_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    with steps.step("one"):
        raise Problem("it did not")
    with steps.step("two"):
        pass
    assert steps.close() == 1
    told = capsys.readouterr().out
    assert "FAILED: one: it did not" in told
    assert told.splitlines()[-1] == "1 passed, 1 failed"


def test_without_a_needed_step_the_rest_is_abandoned() -> None:
    steps = Steps()
    with pytest.raises(Abandoned), steps.step("one", needed=True):
        raise AssertionError
    assert steps.failed == ["one"]


def test_single_steps_are_taken_with_those_that_they_stand_on() -> None:
    steps, taken = Steps(only=("restore",)), list[str]()
    for name, needed in (("images", True), ("roll", False), ("back up and restore", False)):
        steps.take(name, partial(taken.append, name), needed=needed)
    assert taken == steps.passed == ["images", "back up and restore"]


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The shell names the folder, as a shim of the engine does; what it started does not, as a container's process does not."""
    command = ["sh", "-c", "tail -f /dev/null & echo $!; wait", str(tmp_path / "socket")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        container = int(running.stdout.readline())
        try:
            while b"tail" not in Path(f"/proc/{container}/cmdline").read_bytes().split(b"\0")[0]:
                os.sched_yield()  # until then it is a copy of the shell, with its command line
            yield running.pid, container
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def test_whatever_an_engine_leaves_running_is_ended_with_its_descendants(tmp_path: Path, shim: tuple[int, int]) -> None:
    parent, container = shim
    assert processes_of(tmp_path) == [parent]
    assert set(end_all_of(tmp_path, patience_seconds=0)) == {parent, container}
    assert processes_of(tmp_path) == []
    process.wait_until(lambda: _still_runs(container), what="the container's process to end", seconds=10)


def _still_runs(pid: int) -> str | None:
    """One that was killed goes in its own time, and has no command line from then on."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode() or None
    except OSError:
        return None


def test_an_engine_that_starts_nothing_is_no_engine() -> None:
    with pytest.raises(NoContainers, match="starts no container"):
        check_that_containers_run(Engine(docker=("false",)))


def test_nothing_checked_is_not_passed() -> None:
    assert Steps().close() == 1


@pytest.mark.parametrize("name", ["bin/sh", "usr/bin/apt-get", "opt/x/pip/__init__.py", "usr/local/bin/pip3.11"])
def test_tools_are_recognised_in_a_layer(name: str) -> None:
    assert _TOOLS.search(name)


@pytest.mark.parametrize("name", ["usr/bin/python3.11", "opt/gemba/packages/shellingham/posix/ps.py"])
def test_what_is_needed_is_no_tool(name: str) -> None:
    assert not _TOOLS.search(name)


def test_a_private_key_is_recognised() -> None:
    assert _PRIVATE.search(b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 64 + b"\n")
    assert not _PRIVATE.search(b'_BEGIN = "-----BEGIN PRIVATE KEY-----"')
