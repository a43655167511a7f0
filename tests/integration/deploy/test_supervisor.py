"""The supervisor: what dies starts again, what is stopped is gone, and both are said."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local import process, supervisor
from deploy.local.problem import Problem
from deploy.local.program import Program
from deploy.local.state import ROOT, State
from deploy.local.supervisor import Supervisor, rotate

SERVER = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    server.accept()[0].close()
"""


class Said(list[tuple[str, str]]):
    """Everything the supervisor reported."""

    def __call__(self, name: str, what: str) -> None:
        self.append((name, what))

    def of(self, part: str) -> list[str]:
        return [what for _, what in self if part in what]


def listener(port: int, **settings: object) -> Program:
    values: dict[str, object] = {
        "name": "listener",
        "command": lambda: process.spawn_command([sys.executable, "-c", SERVER, str(port)]),
        "environment": dict(os.environ),
        "not_ready": lambda: None if process.port_is_open(port) else "does not listen",
        "start_seconds": 10.0,
        **settings,
    }
    return Program(**values)  # type: ignore[arg-type]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "var")
    with made.locked():
        yield made


@asynccontextmanager
async def supervising(state: State, said: Said) -> AsyncIterator[Supervisor]:
    async with Supervisor(state, said) as running:
        yield running


async def until(condition: Callable[[], object], what: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)


def test_what_is_killed_starts_again_with_growing_pauses(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.1)
    said, port = Said(), process.free_port()

    async def story() -> None:
        async with supervising(state, said) as running:
            await running.start(listener(port))
            for restart in (1, 2):
                os.kill(running.pids()["listener"], signal.SIGKILL)
                await until(lambda n=restart: said.of(f"restart {n}"), "restart")  # type: ignore[misc]
            assert process.port_is_open(port)
            assert running.memory()["listener"] > 1_000_000

    asyncio.run(story())
    assert said.of("ended (signal 9); again in") != []
    pauses = [float(what.split()[-2]) for what in said.of("again in")]
    assert pauses == sorted(pauses)
    assert pauses[1] == 2 * pauses[0]
    assert not process.port_is_open(port), "leaving the supervisor stops what it started"


def test_what_never_gets_ready_is_named_with_the_end_of_its_log(state: State) -> None:
    command = [sys.executable, "-c", "print('no such table: visit'); raise SystemExit(3)"]
    program = listener(process.free_port(), command=lambda: process.spawn_command(command))

    async def story() -> None:
        async with supervising(state, Said()) as running:
            await running.start(program)

    with pytest.raises(Problem, match=r"(?s)ended while starting \(exit code 3\).*no such table"):
        asyncio.run(story())


def test_what_runs_but_does_not_live_is_killed_and_starts_again(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_HOUSEKEEPING_SECONDS", 0.02)
    said, port = Said(), process.free_port()
    sick = [True]
    program = listener(port, not_alive=lambda: "hangs" if sick[0] else None)

    async def story() -> None:
        async with supervising(state, said) as running:
            await running.start(program)
            await until(lambda: said.of("does not live (hangs)"), "kill")
            sick[0] = False
            await until(lambda: said.of("runs again"), "restart")

    asyncio.run(story())


def test_what_ignores_the_request_to_stop_is_killed(state: State) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
    port, said = process.free_port(), Said()
    command = [sys.executable, "-c", stubborn, str(port)]
    program = listener(port, command=lambda: process.spawn_command(command), stop_seconds=0.3)

    async def story() -> None:
        async with supervising(state, said) as running:
            await running.start(program)

    asyncio.run(story())
    assert said.of("did not stop in time, killed")
    assert not process.port_is_open(port)


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    port = process.free_port()
    parent = f"""
import subprocess, sys
from deploy.local import process
child = subprocess.Popen(process.spawn_command([sys.executable, "-c", {SERVER!r}, "{port}"]))
child.wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen([sys.executable, "-c", parent], env=environment, cwd=tmp_path)
    try:
        process.wait_until(lambda: None if process.port_is_open(port) else "not yet", what="child", seconds=10)
    finally:
        running.kill()
        running.wait()
    process.wait_until(lambda: "still there" if process.port_is_open(port) else None, what="its end", seconds=10)


def test_log_is_bounded_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 2_000)
        rotate(log, limit=1_000)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "a.log.1").stat().st_size == 2_000
