"""Where the command line finds an installation that runs in containers: its origin, its token, the authority to trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.compose import layout
from deploy.compose.init import Choices, initialise
from deploy.local.administrator import TOKEN_FILE
from deploy.local.client.failure import ClientFailure
from deploy.local.client.http import _trust
from deploy.local.client.place import find_place
from deploy.local.state import State, write_private


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GEMBA_URL", "GEMBA_TOKEN", "GEMBA_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMBA_STATE", str(tmp_path / "var"))
    monkeypatch.setenv("GEMBA_COMPOSE", str(tmp_path / "compose"))
    monkeypatch.setattr(layout, "ENVIRONMENT_FILE", tmp_path / ".env")
    return tmp_path / "compose"


def test_a_stack_is_found_where_nothing_was_started_on_this_machine(folder: Path) -> None:
    initialise(Choices(origin="https://localhost:9443"))
    write_private(folder / TOKEN_FILE, b"the-token\n")
    place = find_place()
    assert (place.url, place.token, place.authority) == ("https://localhost:9443", "the-token", folder / "ca.pem")
    assert not isinstance(_trust(place), bool)


def test_without_a_token_it_says_how_to_make_one(folder: Path) -> None:
    initialise(Choices())
    with pytest.raises(ClientFailure) as failed:
        find_place()
    assert "./gemba compose administrator" in failed.value.remedy


def test_the_one_machine_mode_comes_first(folder: Path) -> None:
    initialise(Choices())
    state = State(folder.parent / "var")
    state.folder.mkdir()
    state.save_config(ports={"origin": 8300})
    with pytest.raises(ClientFailure, match="is not running"):
        find_place()


def test_what_is_named_comes_before_everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise(Choices())
    monkeypatch.setenv("GEMBA_URL", "https://gemba.example.org")
    monkeypatch.setenv("GEMBA_TOKEN", "mine")
    place = find_place()
    assert (place.url, place.token, place.authority) == ("https://gemba.example.org", "mine", None)
    monkeypatch.setenv("GEMBA_CA", str(folder / "secrets" / "inbox"))
    with pytest.raises(ClientFailure, match="no certificate to trust"):
        _trust(find_place())
