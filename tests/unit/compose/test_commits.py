"""Which versions the containers stage rolls between: the commit before where history has one, and a plain no where it begins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.compose.ci.commits import copy_of_the_project, previous_version, revision


def git(folder: Path, *arguments: str) -> None:
    named = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, content: str) -> None:
    (folder / "Dockerfile").write_text(content, encoding="ascii")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", content)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init")
    (folder / ".gitignore").write_text("/.venv\n", encoding="ascii")
    commit(folder, "one")
    return folder


def test_the_commit_before_is_what_was_in_it(project: Path, tmp_path: Path) -> None:
    commit(project, "two")
    assert previous_version(tmp_path / "older", project)
    assert (tmp_path / "older" / "Dockerfile").read_text(encoding="ascii") == "one"
    assert revision(project, name="HEAD~1") != revision(project)


def test_where_history_begins_there_is_none(project: Path, tmp_path: Path) -> None:
    assert not previous_version(tmp_path / "older", project)
    assert not (tmp_path / "older").exists()
    commit(project, "two")
    git(tmp_path, "clone", "--depth", "1", project.as_uri(), "shallow")
    assert not previous_version(tmp_path / "older", tmp_path / "shallow")


def test_a_copy_is_the_tree_as_it_is_now_without_what_is_ignored(project: Path, tmp_path: Path) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "program").touch()
    (project / "Dockerfile").write_text("three", encoding="ascii")
    (project / "new").touch()
    copy_of_the_project(tmp_path / "copy", project)
    assert (tmp_path / "copy" / "Dockerfile").read_text(encoding="ascii") == "three"
    assert (tmp_path / "copy" / "new").exists()
    assert (tmp_path / "copy" / ".venv").is_symlink()
