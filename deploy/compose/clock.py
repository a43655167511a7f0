"""``python -m deploy.compose.clock``: a steered clock for the demonstration, standing at the beginning of its story.

One that is there already is left alone: after a restart the story's time goes on where it was.
"""

from __future__ import annotations

import os
from pathlib import Path

from deploy.compose.job import run_job
from deploy.local.demo.chapters.cast import BEGINS
from shared.clock import SteeredClock


def provide() -> str:
    """The clock's file, made if it is missing."""
    path = Path(os.environ["GEMBA_CLOCK_FILE"])
    if not path.exists():
        SteeredClock.create(path, BEGINS)
    return f"the clock stands at {SteeredClock(path).now():%Y-%m-%d %H:%M} UTC"


if __name__ == "__main__":
    run_job(provide)
