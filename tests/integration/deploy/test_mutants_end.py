"""`./gemba mutants` that is asked to stop takes everything along: what it runs, its servers, its copies of the tree."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local import process

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60


def left_behind(folder: Path) -> str | None:
    """What still lies in the folder for passing files, and who still works in it."""
    workers = [str(proc) for proc in Path("/proc").glob("[0-9]*") if _works_in(proc, folder)]
    files = [path.name for path in folder.iterdir()]
    return f"files {files}, processes {workers}" if files or workers else None


def _works_in(proc: Path, folder: Path) -> bool:
    try:
        return (proc / "cwd").readlink().is_relative_to(folder) or os.fsencode(folder) in (
            proc / "cmdline"
        ).read_bytes()
    except OSError:
        return False


def test_asked_to_stop_it_leaves_no_server_no_test_and_no_folder(tmp_path: Path) -> None:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    mutants = subprocess.Popen(
        [sys.executable, "-m", "deploy.local", "mutants", "no_inbox"],
        cwd=ROOT,
        env=alone | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def testing() -> str | None:
        copies = list(tmp_path.glob("gemba-mutants-*/*"))
        working = any(_works_in(proc, copy) for copy in copies for proc in Path("/proc").glob("[0-9]*"))
        return None if working else "no test is running"

    try:
        process.wait_until(
            testing,
            what="the first tests",
            seconds=PATIENCE_SECONDS,
            still_alive=lambda: None if mutants.poll() is None else f"ended with {mutants.returncode}",
        )
        mutants.send_signal(signal.SIGTERM)
        said, _ = mutants.communicate(timeout=PATIENCE_SECONDS)
        assert mutants.returncode == 128 + signal.SIGTERM, said
        assert "SURVIVED" not in said, "a test that was broken off says nothing about a mutant"
        process.wait_until(lambda: left_behind(tmp_path), what="what it leaves behind", seconds=PATIENCE_SECONDS)
    finally:
        mutants.kill()
        mutants.communicate()
