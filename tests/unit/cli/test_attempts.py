"""A lost answer is asked for again with the same key: nothing is done twice, and nobody waits for ever."""

from __future__ import annotations

import time

import pytest

from deploy.local.client import http
from tests.unit.cli.conftest import Pretended, Run

CANCEL = "/scheduler/api/cohorts/0198/cancel"
BUSY = {"status": 503, "code": "try_again", "detail": "Not just now."}
COHORT = {"cohort_id": "0198", "name": "Pilot", "state": "cancelled"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    start = time.monotonic()
    monkeypatch.setattr(http.time, "sleep", waited.append)
    monkeypatch.setattr(http.time, "monotonic", lambda: start + sum(waited))
    monkeypatch.setenv("GEMBA_PATIENCE", "30")
    return waited


def test_the_same_key_until_it_is_answered_and_another_for_the_next_command(
    gemba: Pretended, run: Run, pauses: list[float]
) -> None:
    gemba.answer("POST", CANCEL, "drop", (503, BUSY, {}), (502, b"bad gateway", {}), "drop", COHORT)
    done = run("cohort", "cancel", "0198", "--reason", "Postponed")
    assert done.code == 0, done.err
    keys = [one.key for one in gemba.of(CANCEL)]
    assert len(keys) == 5
    assert len(set(keys)) == 1
    assert keys[0]
    assert {one.json["reason"] for one in gemba.of(CANCEL)} == {"Postponed"}

    run("cohort", "cancel", "0198", "--reason", "Postponed")
    assert gemba.of(CANCEL)[-1].key != keys[0]


def test_a_server_that_says_how_long_to_wait_is_believed(gemba: Pretended, run: Run, pauses: list[float]) -> None:
    gemba.answer("POST", CANCEL, (503, BUSY, {"Retry-After": "7"}), (429, BUSY, {"Retry-After": "soon"}), COHORT)
    assert run("cohort", "cancel", "0198", "--reason", "Postponed").code == 0
    assert pauses[0] == 7
    assert 0 < pauses[1] < 1


def test_patience_ends(gemba: Pretended, run: Run, pauses: list[float]) -> None:
    gemba.answer("POST", CANCEL, (503, BUSY, {}))
    done = run("cohort", "cancel", "0198", "--reason", "Postponed")
    assert done.code == 5
    assert 25 < sum(pauses) <= 30
    assert "it answers 503. Not just now." in done.err


def test_who_must_wait_longer_than_patience_lasts_is_told_at_once(
    gemba: Pretended, run: Run, pauses: list[float]
) -> None:
    gemba.answer("POST", CANCEL, (503, BUSY, {"Retry-After": "3600"}))
    assert run("cohort", "cancel", "0198", "--reason", "Postponed").code == 5
    assert pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_what_is_refused_is_not_asked_again(gemba: Pretended, run: Run, pauses: list[float], status: int) -> None:
    gemba.refuse("POST", CANCEL, status, "no", "No.")
    run("cohort", "cancel", "0198", "--reason", "Postponed")
    assert len(gemba.asked) == 1


def test_an_id_cannot_lead_elsewhere(gemba: Pretended, run: Run) -> None:
    run("cohort", "show", "../../directory/api/me?x=1#y")
    assert [one.path for one in gemba.asked] == ["/scheduler/api/cohorts/..%2F..%2Fdirectory%2Fapi%2Fme%3Fx%3D1%23y"]


def test_the_token_goes_with_every_request(gemba: Pretended, run: Run) -> None:
    run("whoami")
    assert gemba.asked[0].headers["authorization"] == "Bearer a-token"
    assert "cookie" not in gemba.asked[0].headers


def test_a_patience_that_is_no_number_is_said(gemba: Pretended, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_PATIENCE", "long")
    done = run("whoami")
    assert (done.code, gemba.asked) == (1, [])
    assert "GEMBA_PATIENCE" in done.err
