"""Without a fresh signature by directory for this very service there is no identity."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.auth import (
    REUSED_SECONDS,
    Identity,
    IdentitySigner,
    IdentityVerifier,
    require,
    require_country,
    sign_identity,
)
from shared.crypto import KeyFileUnusable, key_id, load_signing_key, write_signing_keys
from shared.errors import Rejected, not_found

NOW = 1_774_000_000.0
RINA = Identity(
    person_id="0197-rina",
    name="Rina Das",
    roles=frozenset({"trainer"}),
    countries=frozenset({"BD"}),
    session_id="session-1",
    kind="session",
    zone="Asia/Dhaka",
    language="bn",
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    write_signing_keys(tmp_path / "identity.pem", tmp_path / "identity.pub.pem")
    return tmp_path


@pytest.fixture
def key(keys: Path) -> OKPKey:
    return load_signing_key(keys / "identity.pem")


@pytest.fixture
def verifier(keys: Path) -> IdentityVerifier:
    return IdentityVerifier(keys / "identity.pub.pem", installation="gemba", audience="visits")


def signed(key: OKPKey, *, now: float = NOW, audience: str = "visits", by: str = "gemba") -> str:
    return sign_identity(RINA, key, now, audience, installation=by)


def refused(verifier: IdentityVerifier, token: str, now: float = NOW) -> None:
    with pytest.raises(Rejected) as caught:
        verifier.verify(token, now)
    assert (caught.value.code, caught.value.status) == ("not_signed_in", 401)


def test_a_signed_identity_arrives_whole(key: OKPKey, verifier: IdentityVerifier) -> None:
    assert verifier.verify(signed(key), NOW) == RINA


def test_it_is_good_for_one_minute(key: OKPKey, verifier: IdentityVerifier) -> None:
    token = signed(key)
    assert verifier.verify(token, NOW + 59) == RINA
    refused(verifier, token, NOW + 60)
    refused(verifier, token, NOW - 6)


def test_a_signature_is_checked_once_and_its_times_with_every_request(
    key: OKPKey, verifier: IdentityVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed(key)
    assert verifier.verify(token, NOW) == RINA
    monkeypatch.setattr(jwt, "decode", None)
    assert verifier.verify(token, NOW + 59) == RINA
    refused(verifier, token, NOW + 60)
    refused(verifier, token, NOW - 6)


def test_what_was_checked_with_a_key_that_was_taken_away_counts_no_more(
    key: OKPKey, keys: Path, verifier: IdentityVerifier
) -> None:
    token = signed(key)
    assert verifier.verify(token, NOW) == RINA
    (keys / "identity.pub.pem").write_bytes(OKPKey.generate_key("Ed25519", private=True).as_pem(private=False) + b"\n")
    refused(verifier, token)


def test_directory_signs_the_same_answer_once_a_while_and_another_one_at_once(
    key: OKPKey, verifier: IdentityVerifier
) -> None:
    signer = IdentitySigner(key, installation="gemba")
    first = signer.sign(RINA, NOW, "visits")
    assert signer.sign(RINA, NOW + REUSED_SECONDS - 0.1, "visits") == first
    assert signer.sign(RINA, NOW + REUSED_SECONDS, "visits") != first
    assert signer.sign(RINA, NOW, "scheduler") != first
    promoted = replace(RINA, roles=frozenset({"trainer", "officer"}))
    assert verifier.verify(signer.sign(promoted, NOW + 1, "visits"), NOW + 1) == promoted


def test_a_signature_that_is_handed_out_again_is_good_for_most_of_its_minute(
    key: OKPKey, verifier: IdentityVerifier
) -> None:
    signer = IdentitySigner(key, installation="gemba")
    signer.sign(RINA, NOW, "visits")
    again = signer.sign(RINA, NOW + REUSED_SECONDS - 1, "visits")
    assert verifier.verify(again, NOW + REUSED_SECONDS - 1 + 45) == RINA


def test_after_a_clock_was_set_back_directory_signs_anew(key: OKPKey, verifier: IdentityVerifier) -> None:
    signer = IdentitySigner(key, installation="gemba")
    signer.sign(RINA, NOW + 3600, "visits")
    assert verifier.verify(signer.sign(RINA, NOW, "visits"), NOW) == RINA


def test_it_is_good_for_one_service_of_one_installation(key: OKPKey, verifier: IdentityVerifier) -> None:
    refused(verifier, signed(key, audience="scheduler"))
    refused(verifier, signed(key, by="another"))


def test_another_key_signs_nothing(verifier: IdentityVerifier) -> None:
    refused(verifier, signed(OKPKey.generate_key("Ed25519", private=True)))


def test_another_key_under_directorys_key_id_signs_nothing(key: OKPKey, verifier: IdentityVerifier) -> None:
    other = OKPKey.generate_key("Ed25519", private=True)
    header, claims, _ = signed(key).split(".")
    forged = jwt.encode(_read(header), _read(claims), other, algorithms=["Ed25519"])
    refused(verifier, forged)


def test_the_public_key_used_as_a_shared_secret_signs_nothing(
    key: OKPKey, keys: Path, verifier: IdentityVerifier
) -> None:
    claims = _read(signed(key).split(".")[1])
    secret = OctKey.import_key((keys / "identity.pub.pem").read_bytes().hex())
    header = {"alg": "HS256", "typ": "gemba-identity", "kid": key_id(key)}
    refused(verifier, jwt.encode(header, claims, secret, algorithms=["HS256"]))


def test_an_unsigned_or_changed_token_is_refused(key: OKPKey, verifier: IdentityVerifier) -> None:
    header, claims, signature = signed(key).split(".")
    unsigned = _write({"alg": "none", "typ": "gemba-identity", "kid": key_id(key)})
    officer = _write({**_read(claims), "roles": ["officer"]})
    refused(verifier, f"{unsigned}.{claims}.")
    refused(verifier, f"{header}.{officer}.{signature}")


def test_a_token_made_for_something_else_with_the_same_key_is_refused(key: OKPKey, verifier: IdentityVerifier) -> None:
    header, claims, _ = signed(key).split(".")
    other = {**_read(header), "typ": "gemba-tap"}
    refused(verifier, jwt.encode(other, _read(claims), key, algorithms=["Ed25519"]))


def test_a_longer_life_than_a_minute_is_refused_even_when_signed(key: OKPKey, verifier: IdentityVerifier) -> None:
    header, claims, _ = signed(key).split(".")
    longer = {**_read(claims), "exp": int(NOW) + 3600}
    refused(verifier, jwt.encode(_read(header), longer, key, algorithms=["Ed25519"]))


@pytest.mark.parametrize("claim", ["exp", "iat", "aud", "iss", "sub", "roles", "kind", "sid"])
def test_a_token_without_a_claim_is_refused(key: OKPKey, verifier: IdentityVerifier, claim: str) -> None:
    header, claims, _ = signed(key).split(".")
    less = {name: value for name, value in _read(claims).items() if name != claim}
    refused(verifier, jwt.encode(_read(header), less, key, algorithms=["Ed25519"]))


@pytest.mark.parametrize("junk", ["", ".", "..", "a.b.c", "é.é.é", "x" * 10_000, "e30.e30.e30"])
def test_junk_is_refused(verifier: IdentityVerifier, junk: str) -> None:
    refused(verifier, junk)


def test_an_installation_without_its_key_does_not_say_sign_in_again(tmp_path: Path) -> None:
    verifier = IdentityVerifier(tmp_path / "none.pem", installation="gemba", audience="visits")
    with pytest.raises(KeyFileUnusable):
        verifier.verify(signed(OKPKey.generate_key("Ed25519", private=True)), NOW)


def test_an_identity_does_not_show_a_name_in_a_log() -> None:
    assert "Rina" not in repr(RINA)


def test_roles_that_do_not_exist_cannot_be_required() -> None:
    with pytest.raises(ValueError, match="trainr"):
        require("trainr")
    with pytest.raises(ValueError, match="no role"):
        require()


def test_roles_that_do_not_exist_are_not_taken_from_a_token(key: OKPKey, verifier: IdentityVerifier) -> None:
    odd = replace(RINA, roles=frozenset({"trainer", "root"}))
    token = sign_identity(odd, key, NOW, "visits", installation="gemba")
    assert verifier.verify(token, NOW).roles == {"trainer"}


def test_another_countrys_object_answers_exactly_as_a_missing_one() -> None:
    require_country(RINA, "BD", "visit")
    with pytest.raises(Rejected) as caught:
        require_country(RINA, "PK", "visit")
    missing = not_found("visit")
    assert vars(caught.value) == vars(missing)
    assert str(caught.value) == str(missing)


def _read(part: str) -> dict[str, object]:
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def _write(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
