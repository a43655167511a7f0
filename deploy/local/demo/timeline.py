"""What the audience sees: one line for each thing that happened, and at the end a table of what it took."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table


class Timeline:
    """Prints as it happens and keeps every line."""

    def __init__(self, zone: str, console: Console | None = None) -> None:
        self._zone = ZoneInfo(zone)
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._started = time.monotonic()
        self._chapter = ""
        self._chapters: list[tuple[str, float, int]] = []
        self._chapter_started = self._started
        self._steps = 0
        self.steps = 0

    def chapter(self, title: str) -> None:
        """A new part of the story begins."""
        self._close()
        self._chapter, self._chapter_started, self._steps = title, time.monotonic(), 0
        self._console.print(f"\n[bold]{title}[/bold]")

    def tell(self, now: datetime, who: str, what: str, event: str = "") -> None:
        """One observed step: virtual time, real time, who, what, which event."""
        self.steps += 1
        self._steps += 1
        real = time.monotonic() - self._started
        local = now.astimezone(self._zone)
        self._console.print(
            f"  [cyan]{local:%a %d %b %H:%M}[/cyan]  [dim]{real:6.1f} s[/dim]  [bold]{who:<18}[/bold] {what}"
            + (f"  [dim]{event}[/dim]" if event else "")
        )

    def summary(self, figures: dict[str, str]) -> None:
        """The table at the end."""
        self._close()
        table = Table(title="What happened, and what it took", title_justify="left")
        table.add_column("chapter")
        table.add_column("steps seen", justify="right")
        table.add_column("real seconds", justify="right")
        for title, seconds, steps in self._chapters:
            table.add_row(title, str(steps), f"{seconds:.1f}")
        self._console.print()
        self._console.print(table)
        facts = Table(show_header=False)
        facts.add_column()
        facts.add_column(justify="right")
        for name, value in figures.items():
            facts.add_row(name, value)
        self._console.print(facts)

    def say(self, text: str) -> None:
        """A line outside the story."""
        self._console.print(text)

    def _close(self) -> None:
        if self._chapter:
            self._chapters.append((self._chapter, time.monotonic() - self._chapter_started, self._steps))
            self._chapter = ""
