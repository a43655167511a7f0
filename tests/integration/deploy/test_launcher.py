"""``./gemba``: makes its environment once, anew when it broke off, and says what it lacks."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import jars, setup
from deploy.local.problem import Problem
from deploy.local.state import ROOT

NAME = re.compile(r"^([\w.\-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone whose locks are empty and whose command line says what it was given."""
    root = tmp_path_factory.mktemp("a clone")  # with a space in its name
    folder = root / "deploy" / "local"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "gemba", root)
    shutil.copy(ROOT / "deploy" / "local" / "setup.py", folder)
    (folder / "beside.py").touch()
    main = "import os, sys\nimport deploy.local.beside\nprint(sys.argv[1:], os.getcwd(), sys.prefix)\n"
    (folder / "__main__.py").write_text(main)
    (root / "requirements.lock").write_text("# nothing\n")
    (root / "requirements-test.lock").write_text("# nothing more\n")
    yield root
    shutil.rmtree(root)


def gemba(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / "gemba"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "GEMBA_PYTHON": sys.executable, **environment},
        check=False,
    )


def test_first_use_sets_up_and_the_second_does_not(clone: Path) -> None:
    first = gemba(clone, "cohort", "ls", "a b", HOME="")
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == f"['cohort', 'ls', 'a b'] / {clone / '.venv'}"
    assert "making .venv" in first.stderr

    assert gemba(clone, "status").stderr == ""


def test_what_was_compiled_is_kept_beside_the_environment_whatever_the_caller_says_of_bytecode(clone: Path) -> None:
    done = gemba(clone, "status", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX="/nowhere")
    assert done.returncode == 0, done.stderr
    assert [each.name.split(".")[0] for each in (clone / ".venv" / "bytecode").rglob("beside.*.pyc")] == ["beside"]
    assert not list((clone / "deploy").rglob("__pycache__")), "and the tree is as it was"


def test_changed_lock_is_installed_again(clone: Path) -> None:
    gemba(clone, "status")
    (clone / "requirements.lock").write_text("# another nothing\n")
    again = gemba(clone, "status")
    assert "making .venv" not in again.stderr
    assert "installing" in again.stderr
    assert gemba(clone, "status").stderr == ""


def test_tests_need_their_own_lock_too(clone: Path) -> None:
    gemba(clone, "status")
    assert "requirements-test.lock" in gemba(clone, "test").stderr
    assert gemba(clone, "test").stderr == ""


def test_set_up_that_broke_off_is_done_anew(clone: Path) -> None:
    gemba(clone, "status")
    (clone / ".venv" / "setting-up").touch()
    assert "interrupted set-up" in gemba(clone, "status").stderr
    assert gemba(clone, "status").stderr == ""


def test_two_at_once_wait_for_one_another(clone: Path) -> None:
    (clone / ".venv" / "setting-up").touch()
    command = [str(clone / "gemba"), "status"]
    environment = {**os.environ, "GEMBA_PYTHON": sys.executable}
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    said = [each.communicate()[1] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sum("making .venv" in each for each in said) == 1


def test_too_old_a_python_is_said_with_what_to_install(clone: Path, tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink", "cmp"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.10 && exit\nexit 1\n')
    old.chmod(0o755)
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    done = gemba(clone, "status", PATH=str(tmp_path), GEMBA_PYTHON="")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed, and there is Python 3.8.10" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_missing_venv_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(shutil, "which", lambda tool: tool == "apt-get" or None)
    with pytest.raises(setup.SetupError, match=r"apt-get install python3\.\d+-venv"):
        setup._make_venv(setup.Progress(sys.stderr))


def test_locks_name_no_place_and_agree_with_each_other() -> None:
    names = ("requirements.lock", "requirements-test.lock", "requirements-bench.lock")
    runtime, *more = ((ROOT / name).read_text() for name in names)
    for lock in (runtime, *more, jars.LOCK.read_text()):
        assert "://" not in lock
        assert "--index" not in lock
        assert "--find-links" not in lock
    for lock in more:
        assert dict(NAME.findall(runtime)).items() <= dict(NAME.findall(lock)).items()
    for block in re.split(r"\n(?=\w)", runtime.strip()):
        assert "--hash=sha256:" in block, block


def test_locks_hold_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, asked in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-test.lock", project["optional-dependencies"]["test"]),
        ("requirements-bench.lock", project["optional-dependencies"]["bench"]),
    ):
        locked = {name.lower() for name in dict(NAME.findall((ROOT / lock).read_text()))}
        wanted = {re.split(r"[\[<>=!~; ]", each)[0].lower() for each in asked}
        assert wanted <= locked, f"make {lock} again, as its neighbour deploy/local/setup.py says"


def test_jar_that_is_not_the_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_CACHE", str(tmp_path))
    monkeypatch.delenv("GEMBA_KAFKA_LIBS", raising=False)
    jar = jars.Jar("org.example", "forged", "1", "0" * 64)
    path = jar.path_in(tmp_path / "maven")

    class Forger:
        def resolve(self) -> Path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not the jar")
            return path

    monkeypatch.setattr(jars, "locked_jars", lambda: (jar,))
    monkeypatch.setattr(jars, "_artifact", lambda *_: Forger())
    with pytest.raises(Problem, match=r"its SHA-256 is .*, the lock says 000"):
        jars.kafka_class_path()
    assert not path.exists(), "what was refused must not be found next time"


def test_unpacked_kafka_may_be_named_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_KAFKA_LIBS", str(tmp_path))
    with pytest.raises(Problem, match=r"there is no \.jar file in it"):
        jars.kafka_class_path()
    (tmp_path / "kafka.jar").touch()
    assert jars.kafka_class_path() == [tmp_path / "kafka.jar"]
