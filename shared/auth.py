"""Who is asking: an identity made by directory and verified by every service.

Sessions live in directory alone. The web origin asks it for every request and hands services
a signed identity that is good for one minute, in the header `Gemba-Identity`. So a revoked
session is gone everywhere at once, and a service reached around the origin refuses.

Identity time is machine time: the steered business clock must not be able to expire or revive
a sign-in.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, cast

from fastapi import Depends, Request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.crypto import PublicKeys, hash_token, key_id
from shared.errors import Rejected, not_found

HEADER: Final = "Gemba-Identity"
LIFETIME_SECONDS: Final = 60
CLOCK_SKEW_SECONDS: Final = 5
REUSED_SECONDS: Final = 10
"""How long directory hands out the same signature for the same answer."""
_MOST_REMEMBERED: Final = 2000
ROLES: Final = frozenset(
    {
        "coordinator",
        "trainer",
        "officer",
        "deputy",
        "head",
        "enterprise",
        "administrator",
        "auditor",
    }
)
_TYPE: Final = "gemba-identity"
_ALGORITHM: Final = "Ed25519"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as of this minute. `countries` are ISO 3166-1 alpha-2, `zone` an IANA name,
    `language` a BCP 47 tag. `kind` is `session` (a browser, so CSRF matters) or `token` (a CLI
    or an API client that sent `Authorization: Bearer`).
    """

    person_id: str
    name: str
    roles: frozenset[str]
    countries: frozenset[str]
    session_id: str
    kind: Literal["session", "token"]
    zone: str
    language: str

    def has(self, *roles: str) -> bool:
        """Whether the person has at least one of these roles."""
        return not self.roles.isdisjoint(roles)

    def __repr__(self) -> str:
        """Ids and roles only: a name has no business in a log."""
        return f"Identity({self.person_id}, {'+'.join(sorted(self.roles))})"


def sign_identity(identity: Identity, key: OKPKey, now: float, audience: str, *, installation: str) -> str:
    """Directory's statement to one service (`audience`, such as `visits`), good for one minute.

    `now` is machine time in Unix seconds.
    """
    claims = {
        "iss": installation,
        "aud": audience,
        "iat": int(now),
        "exp": int(now) + LIFETIME_SECONDS,
        "sub": identity.person_id,
        "name": identity.name,
        "roles": sorted(identity.roles),
        "countries": sorted(identity.countries),
        "sid": identity.session_id,
        "kind": identity.kind,
        "zone": identity.zone,
        "lang": identity.language,
    }
    header = {"alg": _ALGORITHM, "typ": _TYPE, "kid": key_id(key)}
    return jwt.encode(header, claims, key, algorithms=[_ALGORITHM])


class IdentitySigner:
    """Directory's signature: who somebody is, is looked up for every request; the same answer is signed once a while.

    So revocation loses nothing: whoever has no session any more is never signed for, and whose roles changed is somebody
    else here.
    """

    def __init__(self, key: OKPKey, *, installation: str) -> None:
        self._key = key
        self._installation = installation
        self._signed: dict[tuple[Identity, str], tuple[float, str]] = {}

    def sign(self, identity: Identity, now: float, audience: str) -> str:
        """A statement to one service that is good for at least `LIFETIME_SECONDS - REUSED_SECONDS` more."""
        at, token = self._signed.get((identity, audience), (0.0, ""))
        if not token or not 0 <= now - at < REUSED_SECONDS:
            token = sign_identity(identity, self._key, now, audience, installation=self._installation)
            if len(self._signed) >= _MOST_REMEMBERED:
                self._signed.clear()
            self._signed[identity, audience] = (now, token)
        return token


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a signature was found to say, and the key that it was checked with."""

    identity: Identity
    issued: int
    expires: int
    key_name: str
    key: OKPKey


class IdentityVerifier:
    """Checks the signed identity with directory's public key.

    Invariant: without a valid, fresh signature by directory for this service there is no identity. A signature that was
    checked is not checked again while its key stands; its times are, with every request.
    """

    def __init__(self, public_key_path: Path, *, installation: str, audience: str) -> None:
        """`audience` is the name of the service that verifies."""
        self._keys = PublicKeys(public_key_path)
        self._installation = installation
        self._audience = audience
        self._verified: dict[bytes, _Verified] = {}

    def verify(self, token: str, now: float) -> Identity:
        """Return the identity, or raise `Rejected('not_signed_in', 401)`. `now`: Unix seconds."""
        digest = hash_token(token)
        known = self._verified.get(digest)
        if known is None or self._keys.find(known.key_name) is not known.key:
            known = self._check_signature(token)
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[digest] = known
        if not known.issued - CLOCK_SKEW_SECONDS <= now < known.expires:
            raise _not_signed_in()
        return known.identity

    def _check_signature(self, token: str) -> _Verified:
        """That directory signed it, for us, and for no longer than it may."""
        try:
            header = jws.extract_compact(token.encode()).headers()
            name = header.get("kid")
            key = self._keys.find(name)
            if key is None or header.get("typ") != _TYPE:
                raise _not_signed_in()
            claims = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
            issued, expires = claims["iat"], claims["exp"]
            if not isinstance(issued, int) or not isinstance(expires, int):
                raise _not_signed_in()
            bounded = expires - issued <= LIFETIME_SECONDS
            here = claims["iss"] == self._installation and claims["aud"] == self._audience
            if not (bounded and here):
                raise _not_signed_in()
            return _Verified(_from_claims(claims), issued, expires, str(name), key)
        except (JoseError, ValueError, KeyError, TypeError) as bad:
            raise _not_signed_in() from bad


def _from_claims(claims: dict[str, object]) -> Identity:
    kind = str(claims["kind"])
    if kind not in {"session", "token"}:
        raise _not_signed_in()
    return Identity(
        person_id=str(claims["sub"]),
        name=str(claims["name"]),
        roles=frozenset(cast("list[str]", claims["roles"])) & ROLES,
        countries=frozenset(cast("list[str]", claims["countries"])),
        session_id=str(claims["sid"]),
        kind=cast("Literal['session', 'token']", kind),
        zone=str(claims["zone"]),
        language=str(claims["lang"]),
    )


def _not_signed_in() -> Rejected:
    return Rejected("not_signed_in", 401, "You are not signed in, or your sign-in has ended. Sign in again.")


def optional_identity(request: Request) -> Identity | None:
    """The caller's identity, or None where the page is open to all (sign-in, one-tap links)."""
    state = request.scope.setdefault("state", {})
    if "identity" not in state:
        token = request.headers.get(HEADER)
        verifier = cast("IdentityVerifier", request.app.state.identity_verifier)
        state["identity"] = verifier.verify(token, time.time()) if token else None
    return cast("Identity | None", state["identity"])


async def identity(request: Request) -> Identity:
    """FastAPI dependency: the caller's identity, or 401.

    A coroutine like every dependency here: what is a plain function would wait for a thread to run it, once a request.
    """
    found = optional_identity(request)
    if found is None:
        raise _not_signed_in()
    return found


CurrentIdentity = Annotated[Identity, Depends(identity)]


def require(*roles: str) -> Callable[[Request], Awaitable[Identity]]:
    """FastAPI dependency: the caller's identity if it has one of `roles`, or 403."""
    unknown = set(roles) - ROLES
    if unknown or not roles:
        message = f"require() got {sorted(unknown) or 'no role'}; roles are {sorted(ROLES)}"
        raise ValueError(message)

    async def required_identity(request: Request) -> Identity:
        found = await identity(request)
        if not found.has(*roles):
            names = " or ".join(roles)
            raise Rejected("wrong_role", 403, f"This needs the role {names}, which you do not have.")
        return found

    return required_identity


def require_country(identity: Identity, country: str, what: str = "object") -> None:
    """Refuse another country's object exactly as if it were missing: forbidden looks absent.

    `what` is the noun that the service uses for a missing one, so that both answers are equal.
    """
    if country not in identity.countries:
        raise not_found(what)
