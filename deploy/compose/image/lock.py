"""``lock.py LOCK LEFT-OUT``: print the hash lock without the packages that the image leaves out.

Standard library only: it runs in the base image, before anything is installed. A name that the lock does not have is
an error, so that the list cannot keep a package that is long gone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def without(lock: str, left_out: set[str]) -> str:
    """The lock's text with the entries of ``left_out`` removed; raises ``ValueError`` for a name it does not have."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    names = {_name(entry) for entry in entries}
    unknown = left_out - names
    if unknown:
        raise ValueError(f"the lock has no package {', '.join(sorted(unknown))}: take it off left-out.txt")
    return "".join(entry for entry in entries if _name(entry) not in left_out)


def listed(text: str) -> set[str]:
    """The names in left-out.txt."""
    return {name for line in text.splitlines() if (name := line.split("#")[0].strip())}


def _name(entry: str) -> str:
    return re.split(r"[=\[; ]", entry, maxsplit=1)[0].strip().lower()


if __name__ == "__main__":
    try:
        sys.stdout.write(without(Path(sys.argv[1]).read_text("utf-8"), listed(Path(sys.argv[2]).read_text("utf-8"))))
    except ValueError as wrong:
        sys.exit(f"lock.py: {wrong}")
