"""What takes longer than a second says so, on standard error and only where somebody looks on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Told what is being done, and when a step is done."""

    def begin(self, what: str) -> None:
        """Say what is being done now."""

    def advance(self, steps: int = 1) -> None:
        """So many steps more are done."""


class _Silent:
    def begin(self, what: str) -> None:
        del what

    def advance(self, steps: int = 1) -> None:
        del steps


@contextmanager
def progress(steps: int | None) -> Iterator[Progress]:
    """A bar over `steps`, or one that only moves where their number is not known; it is gone afterwards."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    parts = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
    with Bars(*parts, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=steps)

        class _Bar:
            def begin(self, what: str) -> None:
                bars.update(task, description=what)

            def advance(self, steps: int = 1) -> None:
                bars.advance(task, steps)

        yield _Bar()
