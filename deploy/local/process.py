"""Start a child that cannot outlive its parent; wait for conditions with a deadline.

The death signal belongs to the *thread* that started the child, so children are started from
a process's main thread.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from deploy.local.problem import Problem

_ENTER = Path(__file__).with_name("enter.py")
_POLL_SECONDS = 0.05


def spawn_command(
    program: Sequence[str],
    *,
    identity: str = "self",
    death_signal: signal.Signals = signal.SIGKILL,
) -> list[str]:
    """Wrap ``program`` so that it gets ``death_signal`` when the caller's thread dies."""
    return [
        sys.executable,
        "-I",
        "-S",
        str(_ENTER),
        str(int(death_signal)),
        identity,
        str(os.getpid()),
        "--",
        *program,
    ]


def spawn(
    program: Sequence[str],
    *,
    log: IO[bytes],
    environment: Mapping[str, str] | None = None,
    identity: str = "self",
    death_signal: signal.Signals = signal.SIGKILL,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``program`` with its output in ``log`` and no standard input.

    It has a session of its own: Ctrl-C reaches the supervisor alone, which then stops its
    children in order.
    """
    return subprocess.Popen(
        spawn_command(program, identity=identity, death_signal=death_signal),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=dict(environment) if environment is not None else None,
        cwd=directory,
        start_new_session=True,
    )


def stop(
    child: subprocess.Popen[bytes],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    patience: float = 10.0,
) -> int:
    """Ask ``child`` to stop, kill it when it takes more than ``patience`` seconds."""
    if child.poll() is None:
        child.send_signal(stop_signal)
        try:
            return child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def wait_until(
    condition: Callable[[], str | None],
    *,
    what: str,
    seconds: float,
    still_alive: Callable[[], str | None] = lambda: None,
) -> None:
    """Poll ``condition`` until it returns None; what it returns otherwise is why not yet.

    ``still_alive`` returns why waiting has become pointless (the process ended), or None.
    Raises Problem with the last reason when ``seconds`` have passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        dead = still_alive()
        if dead is not None:
            raise Problem(f"{what}: {dead}")
        reason = condition()
        if reason is None:
            return
        if time.monotonic() >= deadline:
            raise Problem(f"{what}: not ready after {seconds:.0f} s ({reason})")
        time.sleep(_POLL_SECONDS)


def port_is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(avoid: frozenset[int] | set[int] = frozenset()) -> int:
    """A port that was free a moment ago, none of ``avoid``."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in avoid:
            return port


def tail(path: Path, lines: int = 8) -> str:
    """The end of a log, for a message that says why something did not start."""
    try:
        content = path.read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(content.strip().splitlines()[-lines:])


def memory_of(pid: int) -> int | None:
    """Bytes that process ``pid`` and its children hold (PSS), None where it cannot be read.

    What several processes share (PostgreSQL's buffers, a library's code) is counted once, in equal parts to each.
    """
    parts = [proportional for member in family(pid) if (proportional := memory_of_one(member)) is not None]
    return sum(parts) or None


def memory_of_one(pid: int) -> int | None:
    """As `memory_of`, without its children."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), None)


def family(pid: int) -> list[int]:
    """Process ``pid`` and everything below it, parents before their children."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                members.extend(int(child) for child in children.read_text("ascii").split())
            except OSError:
                continue
    return members
