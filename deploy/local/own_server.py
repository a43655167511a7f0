"""A server that whoever starts it waits for, stops and outlives: for those who supervise nothing (the tests)."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from deploy.local import process


class OwnServer(ABC):
    """What PostgreSQL and Kafka have in common once their folder is made; a supervisor uses the parts by itself."""

    NAME: ClassVar[str]
    START_SECONDS: ClassVar[float]
    STOP_SIGNAL: ClassVar[signal.Signals]
    STOP_SECONDS: ClassVar[float]

    _child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs before it starts."""

    @abstractmethod
    def command(self) -> list[str]:
        """Its command line; it ends when the thread that starts it ends."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """All the variables that it gets."""

    @abstractmethod
    def not_ready(self) -> str | None:
        """Why it serves nobody yet, or None when it does."""

    @abstractmethod
    def log_file(self) -> Path:
        """Where its output goes."""

    def start(self) -> None:
        """Prepare, start and wait until it serves. Raises Problem with the end of its log when it ends instead."""
        self.prepare()
        log_file = self.log_file()
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as log:
            child = self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )

        def ended() -> str | None:
            code = child.poll()
            return None if code is None else f"ended with {code}:\n{process.tail(log_file)}"

        process.wait_until(self.not_ready, what=self.NAME, seconds=self.START_SECONDS, still_alive=ended)

    def stop(self) -> None:
        """In its own time, and by force after that."""
        if self._child is not None:
            process.stop(self._child, stop_signal=self.STOP_SIGNAL, patience=self.STOP_SECONDS)
            self._child = None

    def kill(self) -> None:
        """As a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid
