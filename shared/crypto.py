"""Secrets: sealed text, random tokens and the key files that signatures are checked with.

Case text lives in one encrypted column of one database. It is sealed with a key of its own
per case (envelope encryption: that key is itself wrapped by the installation's key), so
deleting the wrapped key erases the text everywhere, backups included.

Invariant: what was sealed for one row and column opens for that row and column only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"
_WRAP_CONTEXT = b"gemba:case-key:1"
_FINGERPRINT_CONTEXT = b"gemba:fingerprint:1"
_PEM_END = b"-----END PUBLIC KEY-----"


class SealBroken(Exception):
    """The bytes were not sealed with this key, for this row and column, or were changed.

    Never a business error: it means a wrong key or a tampered database, so it is not a
    `Rejected` and ends as a 500 and an alert.
    """


class KeyFileUnusable(Exception):
    """A key file is missing or is not what its name says.

    Kept apart from a bad token: an installation without its key must not answer "sign in again".
    """


class SealedText:
    """Text that must not be seen by accident: in a log, a traceback or a template.

    It shows itself only to `reveal()`, so that every place that reads case text can be found.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Callers write down who read it before they show it."""
        return self._text

    def __repr__(self) -> str:
        return "SealedText(…)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        message = "SealedText is not pickled or copied: reveal() it where it is needed"
        raise TypeError(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedText) and same_secret(self._text, other._text)

    def __hash__(self) -> int:
        return hash(self._text)


class Sealer:
    """Seals and opens the one sealed column, with one wrapped key per case (AES-256-GCM)."""

    def __init__(self, kek: bytes) -> None:
        """`kek` is the installation's key-encryption key: 32 random bytes, kept in a file."""
        if len(kek) != _KEY_BYTES:
            message = f"the sealing key has {len(kek)} bytes; {_KEY_BYTES} random bytes are needed"
            raise ValueError(message)
        self._kek = AESGCM(kek)
        self._fingerprint_key = hmac.digest(kek, _FINGERPRINT_CONTEXT, "sha256")

    def __repr__(self) -> str:
        return "Sealer(…)"

    def new_case_key(self) -> bytes:
        """Make a key for one case; what is returned is wrapped and safe to store."""
        return _encrypt(self._kek, secrets.token_bytes(_KEY_BYTES), _WRAP_CONTEXT)

    def seal(self, wrapped: bytes, plaintext: str | SealedText, *, row_id: str, column: str) -> bytes:
        """Encrypt `plaintext` so that it opens only as this row's `column`."""
        text = plaintext.reveal() if isinstance(plaintext, SealedText) else plaintext
        return _encrypt(self._case_key(wrapped), text.encode(), _binding(row_id, column))

    def open(self, wrapped: bytes, sealed: bytes, *, row_id: str, column: str) -> SealedText:
        """Decrypt; raises `SealBroken` on another row, another column, another key or a change."""
        plain = _decrypt(self._case_key(wrapped), sealed, _binding(row_id, column))
        return SealedText(plain.decode())

    def fingerprint(self, text: str | SealedText) -> str:
        """Tell two texts apart without keeping either: a plain hash of a short text could be guessed."""
        plain = text.reveal() if isinstance(text, SealedText) else text
        return hmac.digest(self._fingerprint_key, plain.encode(), "sha256").hex()

    def _case_key(self, wrapped: bytes) -> AESGCM:
        return AESGCM(_decrypt(self._kek, wrapped, _WRAP_CONTEXT))


def _binding(row_id: str, column: str) -> bytes:
    """Additional data that names the place; lengths first, so no two places share one binding."""
    parts = (row_id.encode(), column.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _encrypt(key: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + key.encrypt(nonce, plain, _VERSION + context)


def _decrypt(key: AESGCM, sealed: bytes, context: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        message = "sealed with a version of the format that this program does not know"
        raise SealBroken(message)
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return key.decrypt(nonce, body, _VERSION + context)
    except (InvalidTag, ValueError) as broken:
        message = "the seal does not fit this key, row and column, or the bytes were changed"
        raise SealBroken(message) from broken


def new_token() -> str:
    """Make an unguessable reference (256 bits, URL-safe): sessions, sign-in links, CLI tokens."""
    return secrets.token_urlsafe(_KEY_BYTES)


def hash_token(token: str) -> bytes:
    """What is stored of a token. A plain hash is enough: the token is random, not a password."""
    return hashlib.sha256(token.encode()).digest()


def same_secret(left: str | bytes, right: str | bytes) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    left_bytes = left.encode() if isinstance(left, str) else left
    right_bytes = right.encode() if isinstance(right, str) else right
    return hmac.compare_digest(left_bytes, right_bytes)


def write_signing_keys(private_path: Path, public_path: Path) -> None:
    """Make an Ed25519 pair: the private half for its owner alone (mode 0600), the public half for all."""
    key = OKPKey.generate_key("Ed25519", private=True)
    descriptor = os.open(private_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.as_pem(private=True))
    public_path.write_bytes(key.as_pem(private=False))


def load_signing_key(private_path: Path) -> OKPKey:
    """Read the private half; a clear error when the file is not an Ed25519 private key."""
    try:
        key = OKPKey.import_key(private_path.read_bytes())
    except (OSError, JoseError, ValueError) as wrong:
        message = f"{private_path} is not an Ed25519 private key in PEM form"
        raise KeyFileUnusable(message) from wrong
    if not key.is_private or key.curve_name != "Ed25519":
        message = f"{private_path} holds no Ed25519 private key"
        raise KeyFileUnusable(message)
    return key


def key_id(key: OKPKey) -> str:
    """Short name of a key in a token's header: the start of its RFC 7638 thumbprint."""
    return key.thumbprint()[:8]


class PublicKeys:
    """The public keys in one PEM file, found by id and read again when the file changes.

    The file may hold several: a rotation adds the new key before anything is signed with it
    and removes the old one when its last signature has expired.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, OKPKey] = {}
        self._read_at: tuple[int, int] | None = None

    def find(self, name: object) -> OKPKey | None:
        """Return the key of that id, or None. Raises `KeyFileUnusable` when there is no key at all."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._read_at:
                self._keys = {key_id(key): key for key in self._load()}
                self._read_at = stamp
        except (OSError, JoseError, ValueError) as wrong:
            message = f"{self._path} does not hold Ed25519 public keys in PEM form: {wrong}"
            raise KeyFileUnusable(message) from wrong
        return self._keys.get(name) if isinstance(name, str) else None

    def _load(self) -> list[OKPKey]:
        blocks = self._path.read_bytes().split(_PEM_END)[:-1]
        return [OKPKey.import_key(block.strip() + b"\n" + _PEM_END) for block in blocks]
