"""The installation's keys, made at its first start.

``identity`` signs who is asking (directory), ``taps`` signs one-tap links (notifications): of
each, the others need only the public half. ``case-kek.bin`` wraps the key of every case's text
(visits); whoever loses it has lost those texts, so it belongs into the backup.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from deploy.local.state import write_private

KEK_BYTES = 32
PAIRS = ("identity", "taps")


def make_missing_keys(folder: Path) -> None:
    """Make what is not there; never replaces a key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in PAIRS:
        _make_pair(folder / f"{name}.pem", folder / f"{name}.pub.pem")
    kek = folder / "case-kek.bin"
    if not kek.exists():
        write_private(kek, secrets.token_bytes(KEK_BYTES))


def _make_pair(private: Path, public: Path) -> None:
    if private.exists() and public.exists():
        return
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
    )

    if not private.exists():
        write_private(
            private,
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    write_private(
        public,
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
