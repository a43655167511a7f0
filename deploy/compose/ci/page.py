"""The how-to page as a script: its sections, and in them the commands that a reader would type.

A block that begins with ```sh is run, as it stands, by bash, in the project's folder; any other block is only shown.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.problem import Problem

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SECONDS = 600


@dataclass
class Page:
    """``ran`` are the commands that were run so far, for the account at the end."""

    sections: Mapping[str, list[str]]
    folder: Path
    environment: Mapping[str, str]
    say: Callable[[str], None]
    ran: list[str] = field(default_factory=list)
    _left: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path, *, folder: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> Page:
        sections = commands_of(path.read_text(encoding="utf-8"))
        return cls(sections, folder, environment, say, [], set(sections))

    def run(self, section: str) -> str:
        """Every command of a section, in its order; what they printed. Raises Problem with what failed."""
        if section not in self.sections:
            raise Problem(f"the page has no section “{section}” with commands")
        self._left.discard(section)
        said = ""
        for block in self.sections[section]:
            for line in block.strip().splitlines():
                self.say(f"    $ {line}")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
            said += done.stdout
            if done.returncode != 0:
                raise Problem(f"exit code {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
            self.ran += [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        return said

    @property
    def not_run(self) -> set[str]:
        """Sections with commands that nobody ran."""
        return self._left


def commands_of(text: str) -> dict[str, list[str]]:
    """The ```sh blocks of each section (``## …``) that has any."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    found = {title.strip(): _BLOCK.findall(body) for title, body in zip(parts[1::2], parts[2::2], strict=True)}
    return {title: blocks for title, blocks in found.items() if blocks}
