"""The state folder: one at a time, never of a newer version, never on a full disk."""

import json
from pathlib import Path

import pytest

from deploy.local import state as state_module
from deploy.local.keys import make_missing_keys
from deploy.local.problem import Problem
from deploy.local.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "var")


def test_second_one_is_refused_by_name_of_the_first(state: State) -> None:
    with state.locked():
        assert state.is_running()
        with pytest.raises(Problem, match=r"runs already \(process \d+\)"), state.locked():
            pass
    assert not state.is_running()


def test_folder_of_a_newer_version_is_left_alone(state: State) -> None:
    state.folder.mkdir()
    (state.folder / "version").write_text("999\n")
    with pytest.raises(Problem, match="made by a newer Gemba"), state.locked():
        pass
    assert [path.name for path in state.folder.iterdir()] == ["version"]


def test_full_disk_is_said_before_anything_is_written(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "free_bytes", lambda _: 3_000_000)
    with pytest.raises(Problem, match="has 3 MB left"), state.locked():
        pass
    assert not list(state.folder.iterdir())


def test_ports_are_chosen_once(state: State) -> None:
    with state.locked():
        first = state.ports(("origin", "directory"))
        assert state.ports(("origin", "directory")) == first
        more = state.ports(("origin", "directory", "visits"))
    assert len(set(more.values())) == 3


def test_secrets_and_keys_are_made_once_and_private(state: State) -> None:
    with state.locked():
        secret = state.secret("kafka-admin")
        make_missing_keys(state.keys)
        before = {path: path.read_bytes() for path in state.keys.iterdir()}
        (state.keys / "taps.pub.pem").unlink()
        make_missing_keys(state.keys)
    assert state.secret("kafka-admin") == secret
    assert {path: path.read_bytes() for path in state.keys.iterdir()} == before
    for path in [*state.keys.iterdir(), state.folder / "secrets" / "kafka-admin"]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert len((state.keys / "case-kek.bin").read_bytes()) == 32


def test_broken_config_is_named(state: State) -> None:
    with state.locked():
        (state.folder / "config.json").write_text(json.dumps({"ports": {}})[:-3])
        with pytest.raises(Problem, match=r"config\.json is not JSON"):
            state.config()
