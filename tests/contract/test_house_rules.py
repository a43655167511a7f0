"""The rules of the house that a machine can check: layers, types, lint, clocks, what the project may not mention."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_SCRIPTS = Path(sys.executable).parent


def _run(*command: str) -> None:
    done = subprocess.run(
        [str(_SCRIPTS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("lint-imports", "--no-cache"), ("mypy",)],
    ids=lambda command: command[0],
)
def test_the_code_passes(command: tuple[str, ...]) -> None:
    _run(*command)


def tracked(*patterns: str) -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file():
            yield path


_CLOCK = re.compile(r"datetime\.(now|utcnow)\(|time\.time\(\)|(?<![\w.])now\(\)|current_timestamp", re.IGNORECASE)
_OWN_NOW = re.compile(r"(clock|self)\.now\(\)|def now\(|clock_timestamp\(\)")
_MACHINE_TIME = {
    "shared/clock.py": "it is the clock",
    "shared/auth.py": "an identity is good for a minute of machine time",
    "services/directory/http/forward_auth.py": "an identity is good for a minute of machine time",
}


def test_business_time_is_read_from_one_place() -> None:
    found = []
    for path in tracked("services/*.py", "services/*.sql", "shared/*.py", "shared/*.sql"):
        name = path.relative_to(ROOT).as_posix()
        if name in _MACHINE_TIME:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            code = _OWN_NOW.sub("", line.split("#")[0])
            if _CLOCK.search(code) and not code.lstrip().startswith(('"""', "--", "*")) and "`" not in code:
                found.append(f"{name}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_tests_wait_for_conditions_and_never_sleep() -> None:
    """A short pause inside a loop that watches for a condition is how one waits; anything else is a guess."""
    pause = re.compile(r"(asyncio|time)\.sleep\(([^)]*)\)")
    found = []
    for path in tracked("tests/*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            match = pause.search(line)
            if match is None or match.group(2) in {"0", ""}:
                continue
            around = "\n".join(lines[max(0, number - 16) : number])
            if not re.search(r"\bwhile\b|\bfor\b", around):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_nothing_names_a_machine_or_a_registry() -> None:
    telling = re.compile(
        r"(?:^|[^\w.-])/(?:work|farm)/|https?://[^ \"]*/(?:simple|maven2|packages/[0-9a-f]{2}/[0-9a-f]{2})/"
    )
    found = []
    for path in tracked():
        if path.suffix in {".png", ".xlsx", ".woff2", ".ico"} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if telling.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def test_links_between_the_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked("*.md")
        for target in link.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("service", ["directory", "scheduler", "visits", "notifications"])
def test_migrations_of_a_service_stand_in_one_line(service: str) -> None:
    """Two that follow the same one would stop every start: found here before a database is asked."""
    revision = re.compile(r'^revision, down_revision = "(\d{4})", (?:"(\d{4})"|None)$', re.MULTILINE)
    steps = []
    for path in sorted((ROOT / "services" / service / "migrations").glob("[0-9]*.py")):
        found = revision.search(path.read_text(encoding="utf-8"))
        assert found, f"{path.name} says which revision it is, and after which"
        assert path.name.startswith(found.group(1)), f"{path.name} is named after its revision"
        steps.append((found.group(1), found.group(2)))
    assert [after for _, after in steps] == [None, *(this for this, _ in steps[:-1])], steps
