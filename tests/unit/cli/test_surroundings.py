"""The command line among pipes, terminals, signals and locales, as a process of its own."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from deploy.local.state import ROOT
from tests.unit.cli.conftest import Pretended

COMMAND = [sys.executable, "-m", "deploy.local"]
COHORTS = "/scheduler/api/cohorts"


def cohort(number: int, name: str = "Nguyễn và Trần") -> dict[str, object]:
    return {
        "cohort_id": f"0198c3a0-7c1e-7000-8000-{number:012}", "name": name, "country": "VN", "module": "WC",
        "first_day": "2026-02-01", "last_day": "2026-06-30", "state": "planned",
        "figures": {"visits": 17, "reported": 2},
    }  # fmt: skip


@pytest.fixture
def environment(gemba: Pretended) -> dict[str, str]:
    del gemba
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def test_a_reader_that_leaves_ends_it_without_a_word(gemba: Pretended, environment: dict[str, str]) -> None:
    gemba.answer("GET", COHORTS, {"items": [cohort(n) for n in range(2000)], "next": None})
    arguments = " ".join([*COMMAND, "cohort", "ls", "--limit", "2000"])
    done = subprocess.run(
        ["bash", "-c", f"{arguments} | head -1"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("COHORT")

    gemba.answer("GET", COHORTS, {"items": [cohort(1)], "next": None})  # fits Python's buffer
    reader, writer = os.pipe()
    os.close(reader)
    gone = subprocess.run(
        [*COMMAND, "cohort", "ls"], env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (gone.returncode, gone.stderr) == (1, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_without_utf_8(gemba: Pretended, environment: dict[str, str], encoding: str) -> None:
    gemba.answer("GET", COHORTS, {"items": [cohort(1)], "next": None})
    environment |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run([*COMMAND, "cohort", "ls"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Nguy?n" in done.stdout
    done = subprocess.run([*COMMAND, "cohort", "ls", "--json"], env=environment, capture_output=True, check=False)
    assert json.loads(done.stdout)["items"][0]["name"] == "Nguyễn và Trần"
    gemba.refuse("GET", COHORTS, 422, "no", "Không được")
    done = subprocess.run([*COMMAND, "cohort", "ls"], env=environment, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_ctrl_c_while_it_waits(gemba: Pretended, environment: dict[str, str], tmp_path: Path) -> None:
    workbook = tmp_path / "a.xlsx"
    workbook.write_bytes(b"PK")
    sheets = {"sheets": [{"sheet": "people", "rows": 1, "new": 1, "changed": 0, "unchanged": 0}], "errors": []}

    answered = threading.Event()

    def slow(asked: object) -> object:
        if asked.query["dry_run"] == "false":  # type: ignore[attr-defined]
            answered.wait(30)
        return sheets

    gemba.answer("POST", "/directory/api/imports", slow)
    gemba.answer("POST", "/scheduler/api/imports", {"sheets": [], "errors": []})
    running = subprocess.Popen(
        [*COMMAND, "import", str(workbook)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not any(one.query.get("dry_run") == "false" for one in gemba.asked):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=10)
    answered.set()
    assert (running.returncode, out) == (130, "")
    assert "doing the same again finishes it" in err
    assert "Traceback" not in err


def in_terminal(arguments: list[str], environment: dict[str, str], columns: int) -> tuple[int, str, str]:
    """Run it with a terminal of that width as standard error and standard output, each its own."""
    texts: list[bytes] = [b"", b""]
    ends = [pty.openpty(), pty.openpty()]
    for _, inner in ends:
        ioctl(inner, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**environment, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    running = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=ends[0][1], stderr=ends[1][1])
    for _, inner in ends:
        os.close(inner)
    waiting = {outer: number for number, (outer, _) in enumerate(ends)}
    while waiting:
        for outer in select.select(list(waiting), [], [], 20)[0]:
            try:
                some = os.read(outer, 65536)
            except OSError:  # how Linux says that the other end was closed
                some = b""
            texts[waiting[outer]] += some
            if not some:
                del waiting[outer]
                os.close(outer)
    return running.wait(20), texts[0].decode(), texts[1].decode()


def test_progress_is_shown_to_who_looks_on_and_results_stay_apart(
    gemba: Pretended, environment: dict[str, str], tmp_path: Path
) -> None:
    workbook = tmp_path / "a.xlsx"
    workbook.write_bytes(b"PK")
    sheets = {"sheets": [{"sheet": "people", "rows": 1, "new": 1, "changed": 0, "unchanged": 0}], "errors": []}

    def slow(asked: object) -> object:
        del asked
        threading.Event().wait(0.3)  # a server that takes its time: nobody sets this
        return sheets

    gemba.answer("POST", "/directory/api/imports", slow)
    gemba.answer("POST", "/scheduler/api/imports", {"sheets": [], "errors": []})
    code, out, err = in_terminal(["import", str(workbook)], environment, 100)
    assert code == 0
    assert "checking a.xlsx (directory)" in err
    assert "importing a.xlsx (directory)" in err
    assert "checking" not in out
    assert "people" in out

    quiet = subprocess.run(
        [*COMMAND, "import", str(workbook)], env=environment, capture_output=True, text=True, check=False
    )
    assert quiet.stderr == "", "nobody looks on"


def test_a_narrow_terminal_gets_blocks(gemba: Pretended, environment: dict[str, str]) -> None:
    gemba.answer("GET", COHORTS, {"items": [cohort(1), cohort(2)], "next": None})
    code, out, _ = in_terminal(["cohort", "ls"], environment, 50)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["cohort", "0198c3a0-7c1e-7000-8000-000000000001"]
    assert all(len(line) <= 50 for line in lines)
    code, out, _ = in_terminal(["cohort", "ls"], environment, 130)
    assert "COHORT" in out.splitlines()[0]
    assert code == 0


def test_help_waits_for_nothing_heavy() -> None:
    """What `./gemba --help` imports is what it costs; a request's libraries wait for a request."""
    heavy = "import sys; from deploy.local.cli.app import make_app; make_app(); "
    heavy += "print(*sorted({'httpx', 'rich', 'openpyxl', 'fastapi', 'asyncpg', 'aiokafka'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", heavy], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
