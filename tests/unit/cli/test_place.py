"""Which installation, and as whom: no token goes where it could be read, or to anybody else's address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.administrator import TOKEN_FILE
from deploy.local.client.failure import ClientFailure
from deploy.local.client.place import find_place
from deploy.local.state import State, write_private


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A running installation with the token that `up` writes."""
    state = State(tmp_path / "var")
    monkeypatch.setenv("GEMBA_STATE", str(state.folder))
    for name in ("GEMBA_URL", "GEMBA_TOKEN", "GEMBA_PLAIN_HTTP"):
        monkeypatch.delenv(name, raising=False)
    with state.locked():
        state.save_config(ports={"origin": 8377})
        write_private(state.folder / TOKEN_FILE, b"the-token\n")
        yield state


def test_the_running_installation_is_found_with_its_first_administrator(state: State) -> None:
    place = find_place()
    assert (place.url, place.token) == ("http://localhost:8377", "the-token")
    assert "the-token" not in repr(place)


def test_the_environment_goes_before_the_folder(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_TOKEN", "another")
    assert find_place().token == "another"
    monkeypatch.setenv("GEMBA_URL", "https://gemba.example.org/")
    assert find_place().url == "https://gemba.example.org"


def test_the_folders_token_is_not_sent_to_an_address_from_the_environment(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMBA_URL", "https://somebody.example.org")
    with pytest.raises(ClientFailure, match="GEMBA_TOKEN is not") as refused:
        find_place()
    assert refused.value.exit_code == 4


def test_a_token_that_others_can_read_is_not_used(state: State) -> None:
    (state.folder / TOKEN_FILE).chmod(0o640)
    with pytest.raises(ClientFailure, match="can be read by others"):
        find_place()


@pytest.mark.parametrize("broken", [b"", b"two words\n", b"one\ntwo\n", "töken".encode(), b"\x00\x01"])
def test_what_is_no_token_is_said_before_it_is_sent(state: State, broken: bytes) -> None:
    write_private(state.folder / TOKEN_FILE, broken)
    with pytest.raises(ClientFailure, match="no token"):
        find_place()


@pytest.mark.parametrize(
    "url",
    ["gemba.example.org", "ftp://x", "http://", "https://x:99999", "https://x/path", "https://me@x", "https://x?y"],
)
def test_what_is_no_address_is_said(state: State, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GEMBA_URL", url)
    monkeypatch.setenv("GEMBA_TOKEN", "t")
    with pytest.raises(ClientFailure, match="not the address of an installation"):
        find_place()


def test_a_token_does_not_cross_a_network_in_the_clear(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_URL", "http://gemba.example.org")
    monkeypatch.setenv("GEMBA_TOKEN", "t")
    with pytest.raises(ClientFailure, match="could be read on the way"):
        find_place()
    monkeypatch.setenv("GEMBA_PLAIN_HTTP", "1")
    assert find_place().url == "http://gemba.example.org"
