"""Processes, mounts and control groups of an engine of our own: the first two are known by the folder that only they use."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_POLL_SECONDS = 0.1


def end_all_of(folder: Path, *, patience_seconds: float) -> list[int]:
    """Wait until no process names the folder any more; then kill those that do, and all their descendants.

    Returns whom it had to kill.
    """
    deadline = time.monotonic() + patience_seconds
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    killed = _with_descendants(processes_of(folder))
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while processes_of(folder):
        time.sleep(_POLL_SECONDS)
    return killed


def processes_of(folder: Path) -> list[int]:
    """Whose command line names a path below the folder; ended ones that nobody reaped have no command line."""
    mark, found = f"{folder}/".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if mark in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def unmount_all_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for mounted in sorted((path for path in mounts if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)


def control_groups() -> set[Path]:
    """The parents that dockerd makes for its containers: one in version 2, one for each controller in version 1."""
    root = Path("/sys/fs/cgroup")
    return {path for path in (root / "docker", *root.glob("*/docker")) if path.is_dir()}


def remove_empty_groups(groups: set[Path]) -> None:
    """A group that holds a process stays: the kernel removes none that does."""
    for group in groups:
        inside = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
        for folder in (*inside, group):
            with suppress(OSError):
                folder.rmdir()


def _with_descendants(roots: list[int]) -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
                children[int(parent)].append(int(entry.name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.append(pid)
            waiting += children[pid]
    return found
