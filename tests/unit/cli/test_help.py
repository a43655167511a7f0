"""Every command explains itself with examples, and every client command has --json."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from deploy.local.cli.app import make_app
from deploy.local.state import ROOT
from tests.unit.cli.conftest import Pretended, Run

NOT_OF_A_CLIENT = {"up", "demo", "test", "compose"}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that lead to it."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield path, command


ALL = list(commands(typer.main.get_command(make_app())))
CLIENT = [(path, command) for path, command in ALL if path[0] not in NOT_OF_A_CLIENT]


def test_these_are_the_commands() -> None:
    """What the issue lists, and what it takes to use them."""
    named = {" ".join(path) for path, _ in ALL}
    assert named >= {
        "import", "cohort create", "cohort ls", "cohort show", "cohort cancel", "plan show", "plan publish", "visit ls",
        "visit show", "case ls", "case show", "case ack", "action ls", "action show", "status", "outbox replay",
        "quarantine ls", "quarantine show", "quarantine replay", "quarantine skip", "timers ls", "token create", "whoami",
    }  # fmt: skip


@pytest.mark.parametrize(("path", "command"), ALL, ids=lambda one: " ".join(one) if isinstance(one, tuple) else "")
def test_help_has_examples_that_parse(run: Run, path: tuple[str, ...], command: Any) -> None:
    shown = run(*path, "--help")
    assert shown.code == 0
    assert "Examples:" in shown.out
    text = re.sub(r"\\\n\s*", "", command.epilog)
    examples = [line.strip() for line in text.splitlines() if "./gemba " in line]
    assert examples
    for example in examples:
        words = shlex.split(example.partition("|")[0], comments=True)
        words = words[words.index("./gemba") + 1 :]
        assert tuple(words[: len(path)]) == path, example
        if path[0] != "test":
            command.make_context("gemba", words[len(path) :], resilient_parsing=False)


@pytest.mark.parametrize(("path", "command"), CLIENT, ids=lambda one: " ".join(one) if isinstance(one, tuple) else "")
def test_json_on_all_of_them(path: tuple[str, ...], command: Any) -> None:
    assert any("--json" in option.opts for option in command.params), path


def completions(line: str) -> list[str]:
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_GEMBA_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_of_commands_options_services_and_ids(gemba: Pretended) -> None:
    assert completions("gemba quarantine s") == ["show", "skip"]
    assert "--dry-run" in completions("gemba import --d")
    assert completions("gemba outbox replay ") == ["directory", "scheduler", "visits", "notifications"]
    cohorts = [{"cohort_id": "0198a", "name": "Pilot", "state": "planned"}, {"cohort_id": "0207b", "name": "Second"}]
    gemba.answer("GET", "/scheduler/api/cohorts", {"items": cohorts, "next": None})
    assert completions("gemba plan show ") == ["0198a", "0207b"]
    assert completions("gemba plan show 01") == ["0198a"]


def test_completion_without_an_installation_says_nothing(gemba: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    gemba.refuse("GET", "/scheduler/api/cohorts", 403, "wrong_role", "No.")
    assert completions("gemba cohort show ") == []
    monkeypatch.setenv("GEMBA_URL", "nonsense")
    assert completions("gemba cohort show ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_can_be_shown(shell: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "--show-completion", shell],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "_GEMBA_COMPLETE=" in done.stdout
