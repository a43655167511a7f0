"""Leaving a test out is said, and in CI it is a failure unless it needs containers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.state import ROOT

MODULE = """
import pytest

def test_that_runs():
    pass

{skipped}
"""
SKIPPED = """
@pytest.mark.skip(reason="no browser here")
def test_that_should_have_run():
    pass
"""
WITH_DOCKER = "@pytest.mark.docker" + SKIPPED


def run(folder: Path, skipped: str, *, ci: str, workers: str = "0") -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(MODULE.format(skipped=skipped))
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ["-p", "tests.harness.left_out", "-p", "no:cacheprovider", "-n", workers]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("workers", ["0", "1"])
def test_skipped_test_is_named_with_its_reason(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, SKIPPED, ci="", workers=workers)
    assert done.returncode == 0
    assert "test_that_should_have_run: no browser here" in done.stdout


@pytest.mark.parametrize("workers", ["0", "1"])
def test_in_ci_it_fails_the_run(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, SKIPPED, ci="true", workers=workers)
    assert done.returncode == 1
    assert "CI=true: 1 of these should have run" in done.stdout


def test_what_needs_containers_may_be_left_out_even_in_ci(tmp_path: Path) -> None:
    done = run(tmp_path, WITH_DOCKER, ci="true")
    assert done.returncode == 0
    assert "test_that_should_have_run" in done.stdout


def test_nothing_left_out_is_said_too(tmp_path: Path) -> None:
    assert "Nothing was left out." in run(tmp_path, "", ci="true").stdout
