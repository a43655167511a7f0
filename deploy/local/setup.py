"""Make ``.venv`` exactly as the lock says. Run by ``./gemba`` with the system's Python.

Standard library only: nothing is installed yet. The copy of the lock inside ``.venv`` is what
says that it is whole, and it is written last; a set-up that broke off is done anew. Two that
start at once wait for one another.

The locks are made from pyproject.toml, the second and third one with the one before as its constraint:

    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes
        --no-emit-index-url --no-header --no-annotate -o requirements.lock
    uv pip compile pyproject.toml --extra test -c requirements.lock … -o requirements-test.lock
    uv pip compile pyproject.toml --extra bench -c requirements-test.lock … -o requirements-bench.lock
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
UNFINISHED = VENV / "setting-up"
_BAR = 24
LOCK_OF = {"test": "requirements-test.lock", "mutants": "requirements-test.lock", "bench": "requirements-bench.lock"}
"""Commands that need more than the first lock; the same names stand in `gemba`."""


class Progress:
    """One line per phase with the time since the start; a bar where somebody looks on."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._start = time.monotonic()
        self._live = out.isatty()
        self._tenth = 0

    def phase(self, text: str) -> None:
        self._line(text + "\n")
        self._tenth = 0

    def part(self, done: int, of: int, what: str) -> None:
        share = min(done / of, 1.0)
        if self._live:
            filled = round(share * _BAR)
            bar = "█" * filled + "░" * (_BAR - filled)
            self._line(f"{bar} {done} of {of} packages  {what:<30.30}")
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self._line(f"  {self._tenth * 10} % ({done} of {of} packages)\n")

    def _line(self, text: str) -> None:
        if self._live:
            self._out.write("\r\033[K")
        self._out.write(f"[{time.monotonic() - self._start:4.0f} s] {text}")
        self._out.flush()


class SetupError(Exception):
    """Why the environment could not be made, and what to do."""


def locks_for(command: str) -> list[str]:
    """Tests and benchmarks need more than the rest, and nobody else should wait for it."""
    return ["requirements.lock", *([LOCK_OF[command]] if command in LOCK_OF else [])]


def is_set_up(locks: list[str]) -> bool:
    if UNFINISHED.exists() or not (VENV / "bin" / "python").exists():
        return False
    return all((VENV / lock).exists() and (VENV / lock).read_bytes() == (ROOT / lock).read_bytes() for lock in locks)


def set_up(command: str, progress: Progress) -> None:
    locks = locks_for(command)
    if UNFINISHED.exists() or not _runs():
        if VENV.exists():
            progress.phase("removing what an earlier, interrupted set-up left")
            _remove(VENV)
        _make_venv(progress)
    UNFINISHED.touch()
    _install(ROOT / locks[-1], progress)  # each of the others contains the first one whole
    for lock in locks:
        shutil.copyfile(ROOT / lock, VENV / lock)
    UNFINISHED.unlink()
    progress.phase("set up")


def _runs() -> bool:
    python = VENV / "bin" / "python"
    if not python.exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([str(python), "-I", "-c", check], check=False).returncode == 0


def _remove(folder: Path) -> None:
    away = folder.with_name(f"{folder.name}.{os.getpid()}")
    folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def _make_venv(progress: Progress) -> None:
    version = ".".join(str(part) for part in sys.version_info[:3])
    progress.phase(f"making .venv with Python {version} (once)")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(_without_venv()) from error
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"could not make {VENV}:\n{made.stdout.strip()}")


def _without_venv() -> str:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    say = "this Python comes without `venv` and `ensurepip`; install them with\n    "
    for tool, command in (
        ("apt-get", f"apt-get install python{minor}-venv"),
        ("dnf", f"dnf install python{minor} python3-pip"),
        ("zypper", f"zypper install python{minor.replace('.', '')}-pip"),
        ("apk", "apk add py3-pip"),
    ):
        if shutil.which(tool):
            return say + command
    return say + "the system's package for Python's venv"


def _install(lock: Path, progress: Progress) -> None:
    wanted = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(encoding="utf-8"), re.MULTILINE))
    progress.phase(f"installing {wanted} packages of {lock.name}, each checked by its hash")
    command = [
        *(str(VENV / "bin" / "python"), "-I", "-m", "pip", "install"),
        *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-compile", "-r", str(lock)),
    ]
    said: list[str] = []
    fetched = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line.rstrip())
            found = re.match(r"(?:Collecting|Requirement already satisfied:|Ignoring) ([\w.\-]+)", line)
            if found:
                fetched += 1
                progress.part(fetched, wanted, found[1])
            elif line.startswith("Installing collected"):
                progress.phase("all fetched, unpacking")
    if pip.returncode != 0:
        raise SetupError(_pip_failed("\n".join(said[-12:])))


def _pip_failed(said: str) -> str:
    text = f"the packages could not be installed. pip said:\n{said}\n"
    if "CERTIFICATE_VERIFY_FAILED" in said or "SSLError" in said:
        text += "Behind an inspecting proxy set PIP_CERT to the file with its certificate.\n"
    elif "No space left" in said:
        text += "The disk is full: Gemba needs about 1.5 GB below its folder.\n"
    elif "HASHES" in said:
        text += "A package is not what the lock says. Do not go on: find out who serves it.\n"
    return text + "Nothing is half-done: the same command starts again from here."


def main(command: str) -> int:
    progress = Progress(sys.stderr)
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.phase("another ./gemba is setting up; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if is_set_up(locks_for(command)):
            return 0
        try:
            set_up(command, progress)
        except SetupError as error:
            sys.stderr.write(f"gemba: {error}\n")
            return 1
        except KeyboardInterrupt:
            sys.stderr.write("\ngemba: interrupted; the same command starts the set-up anew\n")
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
