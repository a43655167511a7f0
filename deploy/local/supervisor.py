"""Keep programs running: start, watch, restart with back-off and say so, stop in order.

It knows nothing of Gemba: ``installation.py`` says which programs there are. All children are
started from the main thread and die with it, so kill -9 of the supervisor leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.program import Program
from deploy.local.state import LEAST_FREE_BYTES, State, free_bytes

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A program that ran this long starts again with the shortest pause."""
LOG_BYTES = 8_000_000
_HOUSEKEEPING_SECONDS = 5.0
_READY_POLL_SECONDS = 0.05
_DEAD_AFTER_CHECKS = 6

Report = Callable[[str, str], None]
"""Gets a program's name and a sentence about it."""


@dataclass
class _Kept:
    program: Program
    child: Process | None = None
    started_at: float = 0.0
    restarts: int = 0
    pause: float = FIRST_PAUSE_SECONDS
    failed_checks: int = 0
    ready: bool = False
    """Once it was ready it must stay alive; while it starts, only its time to start counts."""
    watcher: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Use as an async context manager; leaving it stops everything, last started first."""

    def __init__(self, state: State, report: Report) -> None:
        self._state = state
        self._report = report
        self._kept: dict[str, _Kept] = {}
        self._stopping = False
        self._housekeeping: asyncio.Task[None] | None = None
        self._disk_was_full = False

    async def __aenter__(self) -> Self:
        self._housekeeping = asyncio.create_task(self._keep_house(), name="housekeeping")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(reversed(list(self._kept)))
        if self._housekeeping:
            self._housekeeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._housekeeping
        self._state.processes_file.unlink(missing_ok=True)

    def log_of(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    async def start(self, program: Program) -> None:
        """Start and wait until it is ready. Raises Problem when it does not get there."""
        kept = self._kept[program.name] = _Kept(program)
        await self._launch(kept)
        kept.watcher = asyncio.create_task(self._watch(kept), name=f"watch {program.name}")

    async def _launch(self, kept: _Kept) -> None:
        program = kept.program
        await asyncio.to_thread(program.prepare)
        command = await asyncio.to_thread(program.command)
        with self.log_of(program.name).open("ab") as log:
            kept.child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(program.environment),
                cwd=program.directory,
                start_new_session=True,
            )
        kept.started_at = time.monotonic()
        kept.failed_checks = 0
        kept.ready = False
        self._write_processes()
        await self._until_ready(kept)
        kept.ready = True
        await asyncio.to_thread(program.after_ready)

    async def _until_ready(self, kept: _Kept) -> None:
        program, deadline = kept.program, time.monotonic() + kept.program.start_seconds
        assert kept.child is not None
        while (reason := await asyncio.to_thread(program.not_ready)) is not None:
            if kept.child.returncode is not None:
                raise self._problem(program, f"ended while starting ({_how(kept.child)})")
            if time.monotonic() > deadline:
                await self._end(kept)
                raise self._problem(program, f"was not ready after {program.start_seconds:.0f} s ({reason})")
            await asyncio.sleep(_READY_POLL_SECONDS)

    def _problem(self, program: Program, what: str) -> Problem:
        log = self.log_of(program.name)
        return Problem(
            f"{program.name} {what}. The end of its log:\n{process.tail(log)}",
            remedy=f"the whole log is {log}; `./gemba doctor` looks further",
        )

    async def _watch(self, kept: _Kept) -> None:
        while True:
            assert kept.child is not None
            await kept.child.wait()
            if self._stopping:
                return
            if time.monotonic() - kept.started_at > STEADY_SECONDS:
                kept.pause = FIRST_PAUSE_SECONDS
            self._report(kept.program.name, f"ended ({_how(kept.child)}); again in {kept.pause:g} s")
            await asyncio.sleep(kept.pause)
            kept.pause = min(kept.pause * 2, LONGEST_PAUSE_SECONDS)
            kept.restarts += 1
            try:
                await self._launch(kept)
            except Exception as fault:  # whatever it is: whoever stops watching leaves a dead program dead
                said = str(fault) if isinstance(fault, Problem) else f"{type(fault).__name__}: {fault}"
                self._report(kept.program.name, f"did not start again: {said}")
                await self._end(kept)
            else:
                self._report(kept.program.name, f"runs again (restart {kept.restarts})")

    async def _end(self, kept: _Kept) -> None:
        """Ask, wait as long as the program may take, then kill."""
        child = kept.child
        if child is None or child.returncode is not None:
            return
        with suppress(ProcessLookupError):
            child.send_signal(kept.program.stop_signal)
        try:
            await asyncio.wait_for(child.wait(), kept.program.stop_seconds)
        except TimeoutError:
            self._report(kept.program.name, "did not stop in time, killed")
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def stop(self, names: Iterable[str]) -> None:
        """Stop these, one after another; nothing is restarted from here on."""
        self._stopping = True
        for name in names:
            await self.stop_together([name])

    async def stop_together(self, names: Iterable[str]) -> None:
        """Stop these at the same time; nothing is restarted from here on."""
        self._stopping = True
        leaving = [kept for name in names if (kept := self._kept.pop(name, None))]
        for kept in leaving:
            if kept.watcher:
                kept.watcher.cancel()
        await asyncio.gather(*(self._end(kept) for kept in leaving))

    def kill_all(self) -> None:
        """At once, for a second Ctrl-C. Everything that was promised is on disk."""
        self._stopping = True
        for kept in self._kept.values():
            if kept.child and kept.child.returncode is None:
                with suppress(ProcessLookupError):
                    kept.child.kill()

    def pids(self) -> dict[str, int]:
        return {name: kept.child.pid for name, kept in self._kept.items() if kept.child}

    def runs_again(self, name: str) -> bool:
        """Whether a program is past its start: it has been ready since it was launched the last time."""
        kept = self._kept.get(name)
        return kept is not None and kept.ready

    def memory(self) -> dict[str, int]:
        """Bytes that each program holds with its children, and this process by itself as `gemba`."""
        found = {name: process.memory_of(pid) for name, pid in self.pids().items()}
        found["gemba"] = process.memory_of_one(os.getpid())
        return {name: size for name, size in found.items() if size is not None}

    def _write_processes(self) -> None:
        content = {
            name: {"pid": kept.child.pid, "restarts": kept.restarts} for name, kept in self._kept.items() if kept.child
        }
        self._state.processes_file.write_text(json.dumps(content), encoding="ascii")

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            for name, kept in list(self._kept.items()):
                rotate(self.log_of(name))
                await self._check_alive(kept)
            self._check_disk()

    async def _check_alive(self, kept: _Kept) -> None:
        if not kept.ready or kept.child is None or kept.child.returncode is not None:
            return
        reason = await asyncio.to_thread(kept.program.not_alive)
        kept.failed_checks = kept.failed_checks + 1 if reason else 0
        if kept.failed_checks >= _DEAD_AFTER_CHECKS and not self._stopping:
            self._report(kept.program.name, f"runs but does not live ({reason}); killed")
            kept.failed_checks = 0
            with suppress(ProcessLookupError):
                kept.child.kill()

    def _check_disk(self) -> None:
        full = free_bytes(self._state.folder) < LEAST_FREE_BYTES
        if full and not self._disk_was_full:
            self._report("disk", f"less than {LEAST_FREE_BYTES // 1_000_000} MB left: free some")
        self._disk_was_full = full


def rotate(log: Path, limit: int = LOG_BYTES) -> None:
    """Keep a log and the one before it below ``limit`` each.

    Copied and truncated, because the child holds the file open (for appending); what it writes
    between the two is lost, and nothing else.
    """
    try:
        if log.stat().st_size <= limit:
            return
    except FileNotFoundError:
        return
    shutil.copyfile(log, log.with_suffix(".log.1"))
    with log.open("r+b") as file:
        file.truncate(0)


def _how(child: Process) -> str:
    code = child.returncode
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
