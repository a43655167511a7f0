"""The steered clock across processes: one jump moves all of them, and no reader ever sees half of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clock import SteeredClock

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
_ROOT = Path(__file__).resolve().parents[3]

READER = """
import sys
from pathlib import Path
from shared.clock import SteeredClock
clock = SteeredClock(Path(sys.argv[1]))
print(clock.now().isoformat(), flush=True)
for _ in sys.stdin:
    print(clock.now().isoformat(), flush=True)
"""

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shared.clock import SteeredClock
clock = SteeredClock(Path(sys.argv[1]))
start = datetime(2026, 3, 2, 12, tzinfo=UTC)
print("writing", flush=True)
for number in range(10**9):
    clock.jump_to(start + timedelta(days=number % 1000))
"""


def python(program: str, file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )


def answer(process: subprocess.Popen[str]) -> datetime:
    assert process.stdout
    return datetime.fromisoformat(process.stdout.readline().strip())


def ask(process: subprocess.Popen[str]) -> datetime:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


def test_all_processes_see_one_jump(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SteeredClock.create(file, START)
    with python(READER, file) as one, python(READER, file) as other:
        assert {answer(one), answer(other)} == {START}
        clock.jump_to(START + timedelta(hours=30))
        assert {ask(one), ask(other), clock.now()} == {START + timedelta(hours=30)}
        clock.jump_to(START - timedelta(days=1))
        assert {ask(one), ask(other), clock.now()} == {START - timedelta(days=1)}


def test_no_reader_sees_half_a_jump_and_a_killed_writer_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SteeredClock.create(file, START)
    for _ in range(3):
        with python(WRITER, file) as writer:
            assert writer.stdout
            writer.stdout.readline()
            seen = {clock.now() for _ in range(20_000)}
            os.kill(writer.pid, signal.SIGKILL)
        whole = {START + timedelta(days=number) for number in range(1000)}
        assert seen <= whole
        assert clock.now() in whole
        clock.jump_to(START)
        assert clock.now() == START


def test_a_clock_file_is_never_seen_before_its_first_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clock"
    original = SteeredClock._write
    seen: list[bool] = []

    def write(self: SteeredClock, now: datetime, rate: float) -> None:
        seen.append(file.exists())
        original(self, now, rate)

    monkeypatch.setattr(SteeredClock, "_write", write)
    SteeredClock.create(file, START)
    assert seen == [False]
    assert file.exists()
