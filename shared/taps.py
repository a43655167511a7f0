"""One-tap links: an answer straight from the message, without a session.

The token is signed by notifications and verified by the service that acts. It is good for one
action on one thing by one person, until the offer or the visit it belongs to is over. Showing
the page is a GET and changes nothing; acting is a POST (mail scanners follow every link).

Expiry is business time. The same answer signed twice gives the same token, so a message that
is sent again after a crash is the same message, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.crypto import PublicKeys, key_id
from shared.errors import Rejected

_TYPE: Final = "gemba-tap"
_ALGORITHM: Final = "Ed25519"
MAX_TOKEN_LENGTH: Final = 2048


@dataclass(frozen=True, slots=True)
class Tap:
    """What a verified token allows: `person_id` may do `action` to `subject`, nothing else.

    `tap_id` is the same for the same permission: use it as the idempotency key of the command,
    so that a second tap gives the first one's answer.
    """

    tap_id: str
    audience: str
    action: str
    subject: str
    person_id: str
    expires_at: datetime
    extra: Mapping[str, str]


def sign_tap(
    key: OKPKey,
    *,
    audience: str,
    action: str,
    subject: str,
    person_id: str,
    expires_at: datetime,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Make the token for one answer. `audience` is the service that acts; `expires_at` is aware.

    `extra` travels readable in the link: ids and codes only, never a name or free text.
    """
    if expires_at.tzinfo is None:
        message = "expires_at has no time zone; pass an aware instant"
        raise ValueError(message)
    claims: dict[str, object] = {
        "aud": audience,
        "act": action,
        "sub": subject,
        "pid": person_id,
        "exp": int(expires_at.timestamp()),
    }
    if extra:
        claims["ext"] = dict(sorted(extra.items()))
    header = {"alg": _ALGORITHM, "typ": _TYPE, "kid": key_id(key)}
    return jwt.encode(header, claims, key, algorithms=[_ALGORITHM])


class TapVerifier:
    """Checks one-tap tokens with the public key of notifications."""

    def __init__(self, public_key_path: Path) -> None:
        self._keys = PublicKeys(public_key_path)

    def verify(self, token: str, audience: str, now: datetime) -> Tap:
        """Return what the token allows.

        `now` is business time. Raises `Rejected`: `tap_expired` (410) when it was good once,
        `tap_invalid` (404) for anything else, saying nothing about what is wrong with it.
        """
        try:
            tap = self._decode(token)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as bad:
            raise _invalid() from bad
        if tap.audience != audience:
            raise _invalid()
        if now >= tap.expires_at:
            raise Rejected(
                "tap_expired",
                410,
                "This link is no longer valid: its answer was due by"
                f" {tap.expires_at:%d %B %Y %H:%M} UTC. Sign in to see how things stand now.",
            )
        return tap

    def _decode(self, token: str) -> Tap:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _invalid()
        header = jws.extract_compact(token.encode()).headers()
        key = self._keys.find(header.get("kid"))
        if key is None or header.get("typ") != _TYPE:
            raise _invalid()
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
        extra = cast("dict[str, object]", claims.get("ext", {}))
        return Tap(
            tap_id=_tap_id(claims),
            audience=str(claims["aud"]),
            action=str(claims["act"]),
            subject=str(claims["sub"]),
            person_id=str(claims["pid"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            extra={name: str(value) for name, value in extra.items()},
        )


def _tap_id(claims: Mapping[str, object]) -> str:
    canonical = json.dumps(claims, sort_keys=True, separators=(",", ":"))
    return "tap-" + hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _invalid() -> Rejected:
    return Rejected("tap_invalid", 404, "This link is not valid. Open it from the message again, or sign in.")
