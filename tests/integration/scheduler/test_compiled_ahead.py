"""A large plan does not wait for the compiler: it has run behind everything else when the planner had nothing to do."""

import asyncio
import contextlib
import multiprocessing
import os
from pathlib import Path

import pytest

from services.scheduler.planning.process import PlannerProcess

MARK = "GEMBA_TEST_MARK"


def pid_of() -> int:
    return os.getpid()


def leave_a_mark(parent: int) -> None:
    with Path(os.environ[MARK]).open("a", encoding="utf-8") as file:
        file.write(f"{parent}\n")


def beside() -> list[str]:
    """Processes of this one that were begun to compile and have not ended."""
    return [child.name for child in multiprocessing.active_children() if child.name == "planner-ahead"]


async def test_the_first_idle_moment_of_the_planner_s_process_is_used_once_to_compile_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setenv(MARK, str(mark))
    process = PlannerProcess(idle_seconds=0.02, ahead=leave_a_mark)
    reaping = asyncio.create_task(process.reap())
    try:
        first = await process(pid_of)
        async with asyncio.timeout(30):
            while not mark.exists():
                await asyncio.sleep(0.02)
            assert await process(pid_of) != first
            while process.is_alive() or beside():  # a second one would have been begun by now, and would leave its mark
                await asyncio.sleep(0.02)
    finally:
        reaping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reaping
    assert mark.read_text(encoding="utf-8") == f"{os.getpid()}\n"


async def test_a_planner_that_never_planned_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setenv(MARK, str(mark))
    process = PlannerProcess(idle_seconds=0.0, ahead=leave_a_mark)
    reaping = asyncio.create_task(process.reap())
    for _ in range(50):
        await asyncio.sleep(0)
        assert not beside()
    reaping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reaping
    assert not mark.exists()
