"""Copies of the project in which commands may be run: as it is now, and as it was one commit ago."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.compose.supply import image_lock
from deploy.local.jars import cache_folder
from deploy.local.state import ROOT


def copy_of_the_project(to: Path, source: Path = ROOT) -> None:
    """What is tracked, as it is now, with the environment of the original: commands run in it touch nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, to / name)
    (to / ".venv").symlink_to(source / ".venv")


def previous_version(to: Path, source: Path = ROOT) -> bool:
    """The commit before this one, where there is one and it has an image to build."""
    has_image = subprocess.run(
        ["git", "cat-file", "-e", "HEAD~1:Dockerfile"], cwd=source, capture_output=True, check=False
    )
    if has_image.returncode != 0:
        return False
    to.mkdir(parents=True)
    with subprocess.Popen(
        ["git", "-c", "tar.umask=0022", "archive", "HEAD~1"], cwd=source, stdout=subprocess.PIPE
    ) as archive:
        subprocess.run(["tar", "-x", "-C", str(to)], stdin=archive.stdout, check=True)
    return archive.returncode == 0


def fetch_wheels(to: Path, say: Callable[[str], None]) -> None:
    """The image's packages, once per lock: the build then downloads only what is missing here.

    They come as this machine's pip gets packages, from an index of its own too, which the build knows nothing of.
    """
    lock = image_lock()
    wheels = cache_folder() / "containers"
    kept = wheels / f"wheels-{hashlib.sha256(lock.encode()).hexdigest()[:12]}"
    if not kept.exists():
        wheels.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wheels, prefix="arriving-") as folder:
            written, arriving = Path(folder) / "image.lock", Path(folder) / "wheels"
            written.write_text(lock, encoding="utf-8")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            done = subprocess.run(
                [*pip, "--require-hashes", "--dest", str(arriving), "--requirement", str(written)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                say(f"the build downloads by itself: {(done.stderr.strip().splitlines() or ['pip said nothing'])[-1]}")
                return
            for old in wheels.glob("wheels-*"):
                shutil.rmtree(old)
            arriving.replace(kept)
    shutil.copytree(kept, to)


def revision(source: Path = ROOT, *, name: str = "HEAD") -> str:
    """The commit that is looked at, or ``unknown``."""
    told = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", name], cwd=source, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"
