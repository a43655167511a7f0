"""A throw-away copy of the working tree: the one place in which a mutant ever stands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import process
from tests.mutants.mutant import Edit

_LAST_SECONDS = 10.0
"""How long tests that are broken off may take to put away what they started."""

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of some tests gave: a verdict for each, whether it went on for too long, the end of what it said."""

    verdicts: Mapping[str, Mapping[str, Any]]
    too_long: bool
    tail: str


class BrokenOff(Exception):
    """The run was asked to stop: what its tests said by then says nothing about a mutant."""


class CopyOfTree:
    """Tests run in it as they do in the tree itself, with the same interpreter and the run's servers."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.root = folder
        self._environment = environment
        self._tests: subprocess.Popen[str] | None = None
        self._broken_off = False

    @contextmanager
    def mutated(self, edits: Sequence[Edit]) -> Iterator[None]:
        """While this is open the mutant stands; then the files are what they were."""
        before = {edit.path: (self.root / edit.path).read_bytes() for edit in edits if (self.root / edit.path).exists()}
        try:
            for edit in edits:
                edit.apply(self.root)
            yield
        finally:
            for path, content in before.items():
                (self.root / path).write_bytes(content)

    def run(self, tests: Sequence[str], *, seconds: float, environment: Mapping[str, str]) -> Run:
        """Run these tests, and nothing else; `environment` comes on top of what all runs have.

        Raises `BrokenOff` when the copy was told to break off.
        """
        verdicts = self.root / "verdicts.jsonl"
        verdicts.unlink(missing_ok=True)
        plugins = ["-p", "tests.mutants.verdicts", "-p", "no:cacheprovider"]
        own = {
            "PYTHONPATH": str(self.root),
            "GEMBA_VERDICTS": str(verdicts),
            # Python compares size and second of a source: two mutants of one second could be taken for one another.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with subprocess.Popen(
            process.spawn_command([sys.executable, "-m", "pytest", "-q", *plugins, "--tb=short", *tests]),
            cwd=self.root,
            env={**os.environ, **self._environment, **environment, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            self._tests = running
            try:
                if self._broken_off:
                    raise BrokenOff
                said, _ = running.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                return Run(_read(verdicts), True, "")
            finally:
                running.kill()
                self._tests = None
        if self._broken_off:
            raise BrokenOff
        return Run(_read(verdicts), False, said[-3000:])

    def break_off(self) -> None:
        """End the tests that run, as Ctrl-C would, and begin no others."""
        self._broken_off = True
        if (running := self._tests) is not None:
            process.stop(running, stop_signal=signal.SIGINT, patience=_LAST_SECONDS)


@contextmanager
def copies(count: int, environment: Mapping[str, str]) -> Iterator[list[CopyOfTree]]:
    """So many copies of what the tree holds now, committed or not, and nothing that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    with tempfile.TemporaryDirectory(prefix="gemba-mutants-") as folder:
        made = []
        for number in range(count):
            root = Path(folder) / str(number)
            for name in names:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, root / name)
            made.append(CopyOfTree(root, environment))
        yield made


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        verdict = json.loads(line)
        known = found.get(verdict["test"])
        if known is None or verdict["outcome"] != "passed":
            found[verdict["test"]] = verdict
    return found
