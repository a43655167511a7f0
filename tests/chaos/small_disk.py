"""A small disk for PostgreSQL that can be filled and emptied: tmpfs, in a mount namespace of this process and its children.

Because the namespace ends with the last of them, no mount is left behind, however the campaign ends.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from deploy.local.problem import Problem

_MEGABYTES = 900
_NEW_MOUNTS = 0x00020000
_BALLAST = "ballast"
_LEFT_BYTES = 65_536


class SmallDisk:
    """Mounted while the context is open; `place` becomes a link to a folder on it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._mount = place.with_name("small-disk")

    def __enter__(self) -> Self:
        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(_NEW_MOUNTS) != 0:
            raise Problem(
                f"disk-full: this machine permits no mounts of one's own ({os.strerror(ctypes.get_errno())})",
                remedy="leave disk-full out of --kinds",
            )
        self._mount.mkdir(parents=True)
        _run("mount", "--make-rprivate", "/")
        _run("mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=0700", "gemba-chaos", str(self._mount))
        self._place.symlink_to(self._mount / "postgres")
        return self

    def __exit__(self, *_: object) -> None:
        self.free()
        subprocess.run(["umount", "-l", str(self._mount)], check=False, capture_output=True)

    def fill(self) -> None:
        """Leave next to nothing."""
        free = os.statvfs(self._mount)
        size = max(0, free.f_bavail * free.f_frsize - _LEFT_BYTES)
        with (self._mount / _BALLAST).open("wb", buffering=0) as ballast:
            block = bytes(1 << 20)
            with suppress(OSError):  # PostgreSQL writes on meanwhile: it may take what was left
                while size > 0:
                    size -= ballast.write(block[: min(len(block), size)])

    def free(self) -> None:
        (self._mount / _BALLAST).unlink(missing_ok=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(
            f"disk-full: `{' '.join(command)}` failed: {done.stderr.strip()}", remedy="leave it out of --kinds"
        )
