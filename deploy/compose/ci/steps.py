"""What is checked, one after another: each is told with its time, and a failure does not hide the next ones."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.local.problem import Problem


class Abandoned(Exception):
    """A step failed without which the others make no sense."""


@dataclass
class Steps:
    """Counts what passed and what failed. ``only`` are words of the steps to take beside the needed ones; none: all."""

    only: tuple[str, ...] = ()
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - self._began:6.1f} s] {text}\n")
        sys.stdout.flush()

    def take(self, name: str, act: Callable[[], object], *, needed: bool = False) -> None:
        """A step that is left alone where others were asked for."""
        if needed or not self.only or any(word in name for word in self.only):
            with self.step(name, needed=needed):
                act()

    @contextmanager
    def step(self, name: str, *, needed: bool = False) -> Iterator[None]:
        """Raises ``Abandoned`` when a ``needed`` one fails; any other failure is told and counted."""
        self.say(f"{name} …")
        begun = time.monotonic()
        try:
            yield
        except Exception as fault:
            self.failed.append(name)
            told = isinstance(fault, Problem | AssertionError)
            reason = str(fault) if told and str(fault) else "".join(traceback.format_exception(fault))
            self.say(f"FAILED: {name}: {reason[-4000:]}")
            if needed:
                raise Abandoned(name) from fault
        else:
            self.passed.append(name)
            self.seconds[name] = time.monotonic() - begun
            self.say(f"ok: {name} ({self.seconds[name]:.1f} s)")

    def close(self) -> int:
        """The line that says how it went; returns the exit code."""
        for name in self.failed:
            sys.stdout.write(f"failed: {name}\n")
        sys.stdout.write(f"{len(self.passed)} passed, {len(self.failed)} failed\n")
        sys.stdout.flush()
        return 1 if self.failed or not self.passed else 0
