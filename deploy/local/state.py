"""The state folder (``var/``): whose it is, which version made it, its ports and its secrets."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import process
from deploy.local.problem import Problem

STATE_VERSION = 1
"""Raised when a release changes the folder so that an older one would damage it."""
DEFAULT_ORIGIN_PORT = 8300
LEAST_FREE_BYTES = 500_000_000
ROOT = Path(__file__).resolve().parent.parent.parent


def default_state_folder() -> Path:
    """``GEMBA_STATE``, else ``var/`` of this installation."""
    named = os.environ.get("GEMBA_STATE")
    return Path(named).expanduser().resolve() if named else ROOT / "var"


@dataclass(frozen=True)
class State:
    """One installation's folder. Methods that write are for the holder of ``locked``."""

    folder: Path

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def processes_file(self) -> Path:
        """Names, process ids and restarts of what runs now, for ``doctor``."""
        return self.folder / "processes.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who runs this installation; refuses what would do damage."""
        self._check_owner()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_version()
        self.check_disk()
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise Problem(
                    f"{self.folder} is in use: Gemba runs already ({holder})",
                    remedy="use that one, stop it with Ctrl-C, or give this one another folder: "
                    "GEMBA_STATE=/path/to/folder ./gemba up",
                ) from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            (self.folder / "version").write_text(f"{STATE_VERSION}\n", encoding="ascii")
            for folder in (self.logs, self.keys, self.folder / "secrets"):
                folder.mkdir(mode=0o700, exist_ok=True)
            try:
                yield
            finally:
                lock.truncate(0)

    def is_running(self) -> bool:
        """Whether somebody holds the lock now."""
        try:
            with (self.folder / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _check_owner(self) -> None:
        if not self.folder.exists():
            return
        owner = self.folder.stat().st_uid
        if owner != os.getuid():
            raise Problem(
                f"{self.folder} belongs to user {owner}, and you are user {os.getuid()}",
                remedy="run Gemba as its owner, or name a folder of your own with GEMBA_STATE",
            )

    def _check_version(self) -> None:
        try:
            found = int((self.folder / "version").read_text(encoding="ascii"))
        except FileNotFoundError:
            return
        except ValueError as error:
            raise Problem(
                f"{self.folder / 'version'} does not hold a number",
                remedy="restore the folder from a backup; nothing was changed",
            ) from error
        if found > STATE_VERSION:
            raise Problem(
                f"{self.folder} was made by a newer Gemba (its version is {found}, this one "
                f"knows {STATE_VERSION}); nothing was changed",
                remedy="start the newer release, or restore a backup from before the upgrade",
            )

    def check_disk(self) -> None:
        """Refuse to start on a disk that is nearly full: a write that fails halfway costs more."""
        free = free_bytes(self.folder)
        if free < LEAST_FREE_BYTES:
            raise Problem(
                f"the disk of {self.folder} has {free // 1_000_000} MB left; Gemba needs "
                f"{LEAST_FREE_BYTES // 1_000_000} MB to start",
                remedy="free some space, or put the state on another disk: GEMBA_STATE=/path",
            )

    def secret(self, name: str) -> str:
        """The password called ``name``, made at first use, readable by its owner alone."""
        path = self.folder / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24).encode())
        return path.read_text(encoding="ascii").strip()

    def config(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Problem(
                f"{self.folder / 'config.json'} is not JSON: {error}",
                remedy="put it right, or delete it: new ports are chosen then",
            ) from error
        return dict(found)

    def save_config(self, **changes: object) -> None:
        content = json.dumps({**self.config(), **changes}, indent=2) + "\n"
        write_private(self.folder / "config.json", content.encode())

    def ports(self, names: Sequence[str]) -> dict[str, int]:
        """A port for each name, chosen once: addresses in mails and bookmarks stay good."""
        known: dict[str, int] = dict(self.config().get("ports", {}))
        taken = set(known.values())
        for name in names:
            if name in known:
                continue
            if name == "origin" and process.port_is_free(DEFAULT_ORIGIN_PORT):
                known[name] = DEFAULT_ORIGIN_PORT
            else:
                known[name] = process.free_port(taken | {DEFAULT_ORIGIN_PORT})
            taken.add(known[name])
        self.save_config(ports=known)
        return {name: known[name] for name in names}

    def check_ports_free(self, ports: dict[str, int]) -> None:
        for name, port in ports.items():
            if not process.port_is_free(port):
                raise Problem(
                    f"port {port} (for {name}) is in use by another program",
                    remedy=f"end that program, or choose another port for {name!r} in {self.folder / 'config.json'}",
                )


def write_private(path: Path, content: bytes) -> None:
    """Replace a file as a whole, with mode 0600 from its first byte on."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def free_bytes(folder: Path) -> int:
    """What the disk of ``folder`` (or of its nearest parent that exists) has left."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
