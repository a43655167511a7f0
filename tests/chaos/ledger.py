"""What the client was told, kept outside the system: every wish, every attempt, every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.schedule import Command, Story


@dataclass(slots=True)
class Line:
    """One command. `answers` are status codes, or the name of what went wrong on the way; seconds are monotonic."""

    story: Story
    command: Command
    about: str
    """The id of the aggregate whose fact it makes."""
    request: tuple[str, str, dict[str, object]] = ("", "", {})
    """Who asks, path and body: a POST."""
    answers: list[str] = field(default_factory=list)
    acknowledged: bool = False
    slowest: float = 0.0


class Ledger:
    """Lines are written down as they are known, so that a campaign that is killed leaves them too."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self.lines: list[Line] = []
        self.sent = 0
        self.acknowledged = 0
        self.acknowledged_at = 0.0

    def begin(self, story: Story, command: Command, about: str) -> Line:
        line = Line(story, command, about)
        self.lines.append(line)
        self.sent += 1
        return line

    def note(self, line: Line, answer: str, *, acknowledged: bool) -> None:
        line.answers.append(answer)
        if acknowledged:
            line.acknowledged = True
            self.acknowledged += 1
            self.acknowledged_at = time.monotonic()
        said = {"about": line.about, "act": line.command.act, "key": line.command.key, "answer": answer}
        self._file.write(json.dumps(said) + "\n")

    def of_acts(self) -> Iterator[tuple[str, str, bool]]:
        """Aggregate, act and whether it was acknowledged, of everything that was sent."""
        for line in self.lines:
            yield line.about, line.command.act, line.acknowledged

    def close(self) -> None:
        self._file.close()
