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
from multiprocessing.process import BaseProcess
from typing import Any

from services.scheduler.planning import progress
from services.scheduler.planning.orphan import end_with
from services.scheduler.planning.tasks import Task
from shared.errors import Transient

COMPILE_AHEAD = Task("compile_ahead", module="services.scheduler.planning.ahead")


class PlannerProcess:
    """One worker process; calls queue up behind each other. When it is idle for the first time, `ahead`, if there is any, is run once
    beside it.
    """

    def __init__(self, *, idle_seconds: float = 60.0, ahead: Callable[[int], None] | None = COMPILE_AHEAD) -> None:
        self._idle_seconds = idle_seconds
        self._ahead = ahead
        self._beside: BaseProcess | None = None
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
                if self._executor is not None and not self._calls and self._idle():
                    self._drop()
                    self._begin_ahead()
        finally:
            self._drop()
            if self._beside is not None:
                self._beside.kill()

    def is_alive(self) -> bool:
        """Whether the process for calls is there."""
        return self._executor is not None

    def _idle(self) -> bool:
        return time.monotonic() - self._last_use > self._idle_seconds

    def _begin_ahead(self) -> None:
        if self._beside is None and self._ahead is not None:
            self._beside = get_context("spawn").Process(
                target=self._ahead, args=(os.getpid(),), name="planner-ahead", daemon=True
            )
            self._beside.start()

    def _drop(self) -> None:
        executor, self._executor = self._executor, None
        pid, self._pid = self._pid, None
        if executor is not None:
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            executor.shutdown(wait=False, cancel_futures=True)


def _begin(parent: int, telling: "Connection[Any, Any]") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.send_through(telling)
    end_with(parent)
