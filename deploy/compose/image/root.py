"""``root.py MADE``: collect what Python needs to run, out of the base image, into ``MADE/python``.

The interpreter, its standard library without what installs or tests things, every shared library that it or a package
loads (asked of the loader itself), certificates, and two users. Standard library only: it runs in the base image.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

USER, UID = "gemba", 10001
_NOT_TAKEN = (
    "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "tkinter", "turtledemo", "venv", "site-packages",
    "dist-packages", "__pycache__",
)  # fmt: skip
_NOT_TAKEN_PACKAGES = re.compile(
    # Packages' own tests (one brings a private key along), and programs for a person at a shell.
    r"/(?:tests|__pycache__|bin)/"
    # Threads of a kind that needs libraries of the system; the planner's compiled code runs in one thread.
    r"|/numba/np/ufunc/(?:tbb|omp)pool\."
)
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def make_root(made: Path) -> None:
    """Fill ``made/python`` and tidy ``made/packages``."""
    root, packages = made / "python", made / "packages"
    _tidy(packages)
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    _copy(interpreter, root)
    shutil.copytree(library, _inside(root, library), symlinks=True, ignore=shutil.ignore_patterns(*_NOT_TAKEN))
    for found in _libraries([interpreter, *_binaries(library), *_binaries(packages)], packages):
        _copy(found, root)
    command = root / "usr" / "local" / "bin" / "python3"
    if not command.exists():
        command.parent.mkdir(parents=True, exist_ok=True)
        command.symlink_to(interpreter)
    _copy(Path(_CERTIFICATES), root)
    _accounts(root / "etc")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "var" / "lib").mkdir(parents=True)  # else it is whoever the volumes' folders belong to who owns them too
    for folder in ("inbox", "clock", "backup"):  # where volumes are mounted: a new one takes over whose it is
        (made / "state" / folder).mkdir(parents=True)


def _tidy(packages: Path) -> None:
    """Packages' own tests, and programs that only a person at a shell would start."""
    for path in sorted(packages.rglob("*"), reverse=True):
        inside = f"/{path.relative_to(packages)}" + ("/" if path.is_dir() else "")
        if not _NOT_TAKEN_PACKAGES.search(inside):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            path.unlink()


def _binaries(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink())


def _libraries(binaries: list[Path], packages: Path) -> list[Path]:
    """What the loader would open for them, outside of the packages themselves; raises where one is missing."""
    found: set[Path] = set()
    missing = []
    for binary in binaries:
        said = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
        for line in said.splitlines():
            if "not found" in line:
                missing.append(f"{binary}: {line.strip()}")
            named = re.search(r"(?:=> )?(/\S+) \(0x", line)
            if named:
                path = Path(named[1])
                if packages not in path.resolve().parents:
                    found.add(path)
    if missing:
        raise SystemExit("root.py: libraries that the base image lacks:\n" + "\n".join(missing))
    return sorted(found)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy(path: Path, root: Path) -> None:
    """A file under the name that it is asked for by, as a plain file."""
    to = _inside(root, path)
    to.parent.mkdir(parents=True, exist_ok=True)
    if not to.exists():
        shutil.copy2(os.path.realpath(path), to)


def _accounts(etc: Path) -> None:
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "passwd").write_text(
        f"root:x:0:0:root:/:/sbin/nologin\n{USER}:x:{UID}:{UID}:Gemba:/tmp:/sbin/nologin\n", encoding="ascii"
    )
    (etc / "group").write_text(f"root:x:0:\n{USER}:x:{UID}:\n", encoding="ascii")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n", encoding="ascii")


if __name__ == "__main__":
    make_root(Path(sys.argv[1]))
