"""The planner's process: spawned when there is something to compute, gone again when there was nothing for a while.

The event loop never blocks, and a planner that eats its memory takes only itself down: the job is taken over.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from services.scheduler.planning import progress
from shared.errors import Transient

_ORPHAN_CHECK_SECONDS = 1.0


class PlannerProcess:
    """One worker process; calls queue up behind each other."""

    def __init__(self, *, idle_seconds: float = 60.0) -> None:
        self._idle_seconds = idle_seconds
        self._executor: ProcessPoolExecutor | None = None
        self._pid: int | None = None
        self._calls = 0
        self._last_use = time.monotonic()

    async def __call__(self, task: Callable[..., Any], *arguments: object) -> Any:
        """Run `task` over there. Raises `Transient` when the process died under it, and what `task` raises."""
        self._calls += 1
        try:
            return await self._run(task, *arguments)
        except BrokenProcessPool as died:
            self._drop()
            raise Transient("The planner's process died.") from died
        finally:
            self._calls -= 1
            self._last_use = time.monotonic()

    async def _run(self, task: Callable[..., Any], *arguments: object) -> Any:
        loop = asyncio.get_running_loop()
        if self._executor is None:
            context = get_context("spawn")
            told, telling = context.Pipe(duplex=False)
            threading.Thread(target=progress.receive, args=(told,), daemon=True, name="planner.progress").start()
            self._executor = ProcessPoolExecutor(
                max_workers=1, mp_context=context, initializer=_begin, initargs=(os.getpid(), telling)
            )
            self._pid = await loop.run_in_executor(self._executor, os.getpid)
            telling.close()  # theirs alone now: when that process ends, so does what is told
        return await loop.run_in_executor(self._executor, task, *arguments)

    async def reap(self) -> None:
        """Until cancelled: end a process that has had nothing to do for a while. Ends it in any case at the end."""
        try:
            while True:
                await asyncio.sleep(self._idle_seconds / 4)
                if not self._calls and time.monotonic() - self._last_use > self._idle_seconds:
                    self._drop()
        finally:
            self._drop()

    def _drop(self) -> None:
        executor, self._executor = self._executor, None
        pid, self._pid = self._pid, None
        if executor is not None:
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            executor.shutdown(wait=False, cancel_futures=True)


def _begin(parent: int, telling: "Connection[Any, Any]") -> None:
    """A process whose service was killed must not stay behind: nobody would ever tell it to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.send_through(telling)
    threading.Thread(target=_end_with, args=(parent,), daemon=True, name="parent").start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_ORPHAN_CHECK_SECONDS)
    os._exit(1)
