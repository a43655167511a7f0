"""Run something in the foreground: say what happens, end in order on Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TextIO


class Timeline:
    """One line per event, with the seconds since the start. A ``Report`` for the supervisor."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._start = time.monotonic()

    def __call__(self, name: str, what: str) -> None:
        self._out.write(f"[{time.monotonic() - self._start:6.1f} s] {name}: {what}\n")
        self._out.flush()


async def until_interrupted(work: Coroutine[object, object, None], say: Callable[[str, str], None]) -> None:
    """Run ``work`` and cancel it on the first SIGINT or SIGTERM, so that it stops in order.

    On the second one the process ends at once; its children end with it.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    asked = 0

    def interrupt() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            say("gemba", "killed")
            os.kill(os.getpid(), signal.SIGKILL)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        with suppress(asyncio.CancelledError):
            await task
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
