"""Sealed text opens only where it was sealed; tokens and keys are handled so that they cannot leak."""

import copy
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crypto import (
    KeyFileUnusable,
    PublicKeys,
    SealBroken,
    SealedText,
    Sealer,
    hash_token,
    key_id,
    load_signing_key,
    new_token,
    same_secret,
    write_signing_keys,
)

KEK = bytes(range(32))
TEXT = "A child of about twelve was sewing in the back room."


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(KEK)


@given(st.text())
def test_what_is_sealed_opens_again(text: str) -> None:
    sealer = Sealer(KEK)
    wrapped = sealer.new_case_key()
    sealed = sealer.seal(wrapped, text, row_id="case-1", column="text")
    assert sealer.open(wrapped, sealed, row_id="case-1", column="text").reveal() == text


@pytest.mark.parametrize(("row_id", "column"), [("case-2", "text"), ("case-1", "note"), ("case-1t", "ext")])
def test_sealed_text_moved_to_another_row_or_column_does_not_open(sealer: Sealer, row_id: str, column: str) -> None:
    wrapped = sealer.new_case_key()
    sealed = sealer.seal(wrapped, TEXT, row_id="case-1", column="text")
    with pytest.raises(SealBroken):
        sealer.open(wrapped, sealed, row_id=row_id, column=column)


def test_another_case_key_and_another_installation_open_nothing(sealer: Sealer) -> None:
    wrapped = sealer.new_case_key()
    sealed = sealer.seal(wrapped, TEXT, row_id="case-1", column="text")
    with pytest.raises(SealBroken):
        sealer.open(sealer.new_case_key(), sealed, row_id="case-1", column="text")
    with pytest.raises(SealBroken):
        Sealer(bytes(32)).open(wrapped, sealed, row_id="case-1", column="text")


def test_every_changed_byte_is_noticed(sealer: Sealer) -> None:
    wrapped = sealer.new_case_key()
    sealed = sealer.seal(wrapped, "short", row_id="r", column="c")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(wrapped, bytes(changed), row_id="r", column="c")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(wrapped, sealed[:length], row_id="r", column="c")


def test_the_same_text_never_looks_the_same_twice(sealer: Sealer) -> None:
    wrapped = sealer.new_case_key()
    seals = {sealer.seal(wrapped, TEXT, row_id="r", column="c") for _ in range(50)}
    assert len(seals) == 50
    assert len({sealer.new_case_key() for _ in range(50)}) == 50


def test_sealed_text_shows_itself_to_reveal_alone() -> None:
    text = SealedText(TEXT)
    for shown in (repr(text), str(text), f"{text}", f"{text:>100}", repr([text]), "%s" % text):  # noqa: UP031
        assert "child" not in shown
    assert text.reveal() == TEXT
    for leak in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            leak(text)


def test_a_sealing_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes; 32"):
        Sealer(bytes(16))


def test_tokens_are_unguessable_and_only_their_hash_is_stored() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    token = tokens.pop()
    assert len(token) >= 43
    assert len(hash_token(token)) == 32
    assert token.encode() not in hash_token(token)
    assert hash_token(token) == hash_token(token)


def test_secrets_compare_by_value() -> None:
    assert same_secret("é", "é".encode())
    assert not same_secret("a", "b")
    assert not same_secret("", "b")


def test_the_private_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    write_signing_keys(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert b"PRIVATE" not in (tmp_path / "key.pub.pem").read_bytes()
    with pytest.raises(FileExistsError):
        write_signing_keys(tmp_path / "key.pem", tmp_path / "key.pub.pem")


def test_a_rotation_is_seen_without_a_restart(tmp_path: Path) -> None:
    for name in ("old", "new"):
        write_signing_keys(tmp_path / f"{name}.pem", tmp_path / f"{name}.pub.pem")
    old, new = (key_id(load_signing_key(tmp_path / f"{name}.pem")) for name in ("old", "new"))
    published = tmp_path / "published.pem"
    published.write_bytes((tmp_path / "old.pub.pem").read_bytes())
    keys = PublicKeys(published)
    assert keys.find(old) is not None
    assert keys.find(new) is None
    both = (tmp_path / "old.pub.pem").read_bytes() + (tmp_path / "new.pub.pem").read_bytes()
    published.write_bytes(both)
    assert keys.find(old) is not None
    assert keys.find(new) is not None


def test_a_missing_or_wrong_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileUnusable, match=r"nothing\.pem"):
        PublicKeys(tmp_path / "nothing.pem").find("x")
    write_signing_keys(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    with pytest.raises(KeyFileUnusable, match="no Ed25519 private key"):
        load_signing_key(tmp_path / "key.pub.pem")
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(KeyFileUnusable, match=r"junk\.pem"):
        load_signing_key(tmp_path / "junk.pem")
