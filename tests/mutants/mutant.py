"""A mutant: a small breakage on purpose, what it opens, and the tests that must notice it, for the reason that is meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Edit:
    """In `path`, the text `old`, which must stand there exactly once, becomes `new`."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Raises `Stale` when the code is no longer what the mutant was written for."""
        file = root / self.path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if (count := text.count(self.old)) != 1:
            raise Stale(
                f"{self.path} holds the text to be replaced {count} times, not once. The code has changed: "
                f"write the mutant anew for it.\n      {self.old.strip().splitlines()[0]}"
            )
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


class Stale(Exception):
    """A mutant whose text is no longer there: nothing it says can be believed."""


@dataclass(frozen=True, slots=True)
class Killer:
    """A test that must fail, and a part of what it then says; without one, whatever it asserts."""

    test: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`opens` says what would go wrong in the world. Quick ones need no Kafka and run in continuous integration."""

    name: str
    opens: str
    edits: tuple[Edit, ...]
    killers: tuple[Killer, ...]
    quick: bool = True
