"""A group's tests run in one worker, and long ones begin first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = """
import os, pathlib, pytest
pytestmark = pytest.mark.xdist_group("log")
@pytest.mark.parametrize("number", range(8))
def test_number(number):
    with pathlib.Path("ran").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + ":" + pathlib.Path(__file__).stem + "\\n")
"""


TAKES_LONG = SAMPLE.replace('"log"', '"story"').replace("range(8)", "range(1)")
ALONE = SAMPLE.replace('pytestmark = pytest.mark.xdist_group("log")\n', "").replace("range(8)", "range(3)")


def _ran(tmp_path: Path, *options: str) -> list[str]:
    """What the sample's tests wrote down, in the order in which they ran."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    every = ["--dist", "loadgroup", "--no-loadscope-reorder", "-q", "-p", "tests.harness.groups", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *every, *options, "--import-mode=importlib", "."],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return (tmp_path / "ran").read_text().split()


def test_all_tests_of_a_group_run_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    ran = _ran(tmp_path, "-n", "2")
    assert (len(ran), len({line.split(":")[0] for line in ran})) == (8, 1)


def test_what_needs_a_whole_installation_begins_before_what_takes_a_moment(tmp_path: Path) -> None:
    for name, content in (("unit", ALONE), ("integration", SAMPLE), ("scenarios", TAKES_LONG)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text(content)
    order = [line.split(":")[1] for line in _ran(tmp_path, "-n", "1")]
    assert list(dict.fromkeys(order)) == ["test_scenarios", "test_integration", "test_unit"]
