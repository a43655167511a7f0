"""A one-tap link allows one answer, by one person, until its time is over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.auth import IdentityVerifier
from shared.crypto import key_id, load_signing_key, write_signing_keys
from shared.errors import Rejected
from shared.taps import Tap, TapVerifier, sign_tap

DUE = datetime(2026, 3, 31, 18, 0, tzinfo=UTC)
BEFORE = DUE - timedelta(hours=1)


@pytest.fixture
def key(tmp_path: Path) -> OKPKey:
    write_signing_keys(tmp_path / "taps.pem", tmp_path / "taps.pub.pem")
    return load_signing_key(tmp_path / "taps.pem")


@pytest.fixture
def verifier(key: OKPKey, tmp_path: Path) -> TapVerifier:
    assert key.is_private
    return TapVerifier(tmp_path / "taps.pub.pem")


def accept(key: OKPKey, *, action: str = "accept", subject: str = "visit-1", person: str = "rina") -> str:
    return sign_tap(
        key,
        audience="visits",
        action=action,
        subject=subject,
        person_id=person,
        expires_at=DUE,
        extra={"offer": "2"},
    )


def test_a_tap_says_what_may_be_done_to_what_and_by_whom(key: OKPKey, verifier: TapVerifier) -> None:
    tap = verifier.verify(accept(key), "visits", BEFORE)
    assert tap == Tap(tap.tap_id, "visits", "accept", "visit-1", "rina", DUE, {"offer": "2"})


def test_the_same_answer_is_the_same_link_so_a_repeated_mail_is_the_same_mail(
    key: OKPKey, verifier: TapVerifier
) -> None:
    assert accept(key) == accept(key)
    ids = {
        verifier.verify(token, "visits", BEFORE).tap_id
        for token in (
            accept(key),
            accept(key),
            accept(key, action="decline"),
            accept(key, subject="visit-2"),
            accept(key, person="omar"),
        )
    }
    assert len(ids) == 4


def test_a_tap_ends_at_its_instant_and_says_so(key: OKPKey, verifier: TapVerifier) -> None:
    token = accept(key)
    verifier.verify(token, "visits", DUE - timedelta(microseconds=1))
    with pytest.raises(Rejected, match="31 March 2026 18:00 UTC") as caught:
        verifier.verify(token, "visits", DUE)
    assert (caught.value.code, caught.value.status) == ("tap_expired", 410)


def test_a_tap_for_another_service_is_not_valid(key: OKPKey, verifier: TapVerifier) -> None:
    refused(verifier, accept(key), audience="scheduler")


def test_a_tap_signed_by_somebody_else_is_not_valid(verifier: TapVerifier) -> None:
    refused(verifier, accept(OKPKey.generate_key("Ed25519", private=True)))


def test_an_expired_forgery_is_invalid_not_expired(verifier: TapVerifier) -> None:
    """Otherwise anybody could learn what a link of theirs would have been."""
    refused(verifier, accept(OKPKey.generate_key("Ed25519", private=True)), now=DUE)


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_changed_tap_is_not_valid(key: OKPKey, verifier: TapVerifier, place: int) -> None:
    token = accept(key)
    at = place % (len(token) - 1)
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    refused(verifier, changed)


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é.é.é", "a" * 5000])
def test_junk_is_not_valid(verifier: TapVerifier, junk: str) -> None:
    refused(verifier, junk)


def test_a_tap_is_no_identity(key: OKPKey, tmp_path: Path) -> None:
    verifier = IdentityVerifier(tmp_path / "taps.pub.pem", installation="gemba", audience="visits")
    with pytest.raises(Rejected):
        verifier.verify(accept(key), BEFORE.timestamp())


def test_something_else_signed_with_the_same_key_is_no_tap(key: OKPKey, verifier: TapVerifier) -> None:
    claims = {"aud": "visits", "act": "accept", "sub": "v", "pid": "p", "exp": int(DUE.timestamp())}
    for kind, refusing in (("gemba-tap", False), ("gemba-identity", True)):
        header = {"alg": "Ed25519", "typ": kind, "kid": key_id(key)}
        token = jwt.encode(header, claims, key, algorithms=["Ed25519"])
        if refusing:
            refused(verifier, token)
        else:
            assert verifier.verify(token, "visits", BEFORE).action == "accept"


def test_an_instant_without_a_zone_is_refused_when_signing(key: OKPKey) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        sign_tap(
            key,
            audience="visits",
            action="accept",
            subject="v",
            person_id="p",
            expires_at=DUE.replace(tzinfo=None),
        )


def test_the_link_is_short_enough_for_a_text_message(key: OKPKey) -> None:
    token = sign_tap(
        key,
        audience="visits",
        action="accept",
        subject="01975f6e-0000-7000-8000-000000000000",
        person_id="01975f6e-0000-7000-8000-000000000001",
        expires_at=DUE,
    )
    assert len(token) < 400


def refused(verifier: TapVerifier, token: str, *, audience: str = "visits", now: datetime = BEFORE) -> None:
    with pytest.raises(Rejected) as caught:
        verifier.verify(token, audience, now)
    assert (caught.value.code, caught.value.status) == ("tap_invalid", 404)
