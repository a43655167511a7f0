"""An event loop whose time, order and life belong to the seed.

Several simulated *processes* share it: each has its own queue of what is ready, and the seed picks whose turn it is. One
can be stopped (nothing of it runs, its timers come due meanwhile) and killed (nothing of it ever runs again, no `finally`
either). Time is virtual and jumps to the next timer whenever nobody is ready.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import deque
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

_MOST_STEPS = 1_000_000
_process: ContextVar[Process | None] = ContextVar("simulated_process", default=None)


lapse = asyncio.sleep
"""So much simulated time goes by. Nobody waits for it: the loop jumps."""


class Livelock(Exception):
    """So many steps without an end: something spins."""


class Process:
    """What dies together. The world itself (network, servers, faults) is one, too, and never dies."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.stopped = False
        self.ready: deque[Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        """Kept to the end, so that nothing of the dead is finished by the garbage collector."""

    def run(self, loop: Loop, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start something in this process."""
        if self not in loop.processes:
            loop.processes.append(self)
        context = Context()
        context.run(_process.set, self)
        task: asyncio.Task[Any] = context.run(loop.create_task, work)
        return task


def current_process() -> Process:
    """Whose code is running."""
    found = _process.get()
    assert found is not None, "Everything simulated runs in a process."
    return found


class Handle:
    """Something to run, in the context of whoever asked for it."""

    __slots__ = ("args", "callback", "cancelled", "context", "due_at")

    def __init__(self, callback: Any, args: tuple[Any, ...], context: Context | None, due_at: float = 0.0) -> None:
        self.callback = callback
        self.args = args
        self.context = context if context is not None else copy_context()
        self.cancelled = False
        self.due_at = due_at

    def cancel(self) -> None:
        self.cancelled = True

    def when(self) -> float:
        return self.due_at


class _Task(asyncio.Task):  # type: ignore[type-arg]
    """A set of tasks is walked in the order of their birth, not of their addresses."""

    def __init__(self, work: Any, loop: Loop, **options: Any) -> None:
        self._birth = next(loop.births)
        super().__init__(work, loop=loop, **options)

    def __hash__(self) -> int:
        return self._birth


class Loop(asyncio.BaseEventLoop):
    """Deterministic: the same seed gives the same steps."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._now = 0.0
        self._order = itertools.count()
        self.births = itertools.count()
        self._timers: list[tuple[float, int, Handle]] = []
        self._turns: list[Process] = []
        self.world = Process("world")
        self.processes = [self.world]
        self.steps = 0
        self._most_steps = _MOST_STEPS
        self.faults: list[dict[str, Any]] = []
        """What nobody caught: a defect of the code under simulation, or of the simulation."""
        self.set_task_factory(self._make_task)
        self.set_exception_handler(lambda _, context: self.faults.append(context))

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = Handle(callback, args, context)
        self._make_ready(handle)
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        timer = Handle(callback, args, context, when)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def kill(self, process: Process) -> None:
        """SIGKILL."""
        process.alive = False
        if process in self._turns:
            self._turns.remove(process)

    def stop_process(self, process: Process) -> None:
        """SIGSTOP."""
        process.stopped = True

    def continue_process(self, process: Process) -> None:
        """SIGCONT."""
        process.stopped = False
        if process.alive and process.ready and process not in self._turns:
            self._turns.append(process)

    def end(self, seconds: float = 60.0) -> None:
        """Cancel whatever is left, also of the dead: nothing may be left to the garbage collector. Their I/O fails by now."""
        self.set_exception_handler(lambda *_: None)
        self._most_steps = self.steps + _MOST_STEPS
        for process in self.processes:
            process.alive = True
            self.continue_process(process)
        until = self._now + seconds
        while self._now < until:
            left = [task for process in self.processes for task in process.tasks if not task.done()]
            if not left:
                return
            for task in left:
                task.cancel()
            self.run_until_complete(self._wait(left))

    async def _wait(self, tasks: list[asyncio.Task[Any]]) -> None:
        await asyncio.wait(tasks, timeout=5)

    def _make_task(self, loop: Any, work: Any, **options: Any) -> asyncio.Task[Any]:
        task = _Task(work, loop=loop, **options)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        owner = _process.get() or self.world
        owner.tasks.append(task)
        if len(owner.tasks) > 200:
            owner.tasks = [one for one in owner.tasks if not one.done()]
        return task

    def _make_ready(self, handle: Handle) -> None:
        process = handle.context.get(_process) or self.world
        process.ready.append(handle)
        if len(process.ready) == 1 and process.alive and not process.stopped:
            self._turns.append(process)

    def _run_once(self) -> None:
        timers, turns = self._timers, self._turns
        if not turns:
            while timers and timers[0][2].cancelled:
                heapq.heappop(timers)
            if not timers:
                raise Livelock("Nobody has anything to do, and nobody waits for a time.")
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled:
                self._make_ready(timer)
        if not turns:
            return
        which = int(self._rng.random() * len(turns)) if len(turns) > 1 else 0
        process = turns[which]
        if not process.ready or process.stopped or not process.alive:
            del turns[which]
            return
        handle = process.ready.popleft()
        if not process.ready:
            del turns[which]
        if handle.cancelled:
            return
        self.steps += 1
        if self.steps > self._most_steps:
            raise Livelock(f"More than {_MOST_STEPS} steps.")
        try:
            handle.context.run(handle.callback, *handle.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as fault:
            self.call_exception_handler({"message": f"in {handle.callback!r}", "exception": fault})

    def _write_to_self(self) -> None:
        pass
