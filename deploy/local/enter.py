"""Become a child that dies with its parent, then exec the real program.

Run as a script by ``process.spawn_command``, with nothing but the standard library, because
what happens between fork and exec must not run inside a process that has threads.

    python -I -S enter.py SIGNAL IDENTITY PARENT_PID -- PROGRAM ARGUMENTS…

SIGNAL is what the kernel sends when the parent dies (Linux; elsewhere nothing does, and the
next start finds and ends what was left over). IDENTITY is ``self``, ``namespace`` (PostgreSQL
refuses root: root becomes user 1000 of a user namespace of its own, so files stay root's,
nothing is chowned and no user is added) or ``uid:gid`` (where namespaces are refused).
"""

import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def enter_user_namespace() -> None:
    """Raise OSError where the kernel or a container's profile refuses namespaces."""
    uid, gid = os.getuid(), os.getgid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"1000 {uid} 1"),
        ("gid_map", f"1000 {gid} 1"),
    ):
        Path("/proc/self", name).write_text(content, encoding="ascii")


def _take_identity(identity: str) -> None:
    if identity == "namespace":
        enter_user_namespace()
    elif identity != "self":
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def main(arguments: list[str]) -> None:
    death_signal, identity, parent = int(arguments[0]), arguments[1], int(arguments[2])
    program = arguments[4:]
    _take_identity(identity)
    if sys.platform == "linux":
        # After the change of identity, which clears it.
        _libc().prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the signal was armed
            sys.exit(0)
    os.execv(program[0], program)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main(sys.argv[1:])
