"""Scripts branch on exit codes: each has one meaning, whatever the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.state import State
from tests.unit.cli.conftest import Pretended, Run

COHORT = "/scheduler/api/cohorts/0198"


@pytest.mark.parametrize(
    ("status", "code"), [(404, 3), (401, 4), (403, 4), (409, 1), (422, 1), (500, 1), (503, 5), (502, 5), (504, 5)]
)
def test_what_the_api_answers_decides_the_exit_code(gemba: Pretended, run: Run, status: int, code: int) -> None:
    gemba.refuse("GET", COHORT, status, "because", "It is so.")
    done = run("cohort", "show", "0198")
    assert (done.code, done.out) == (code, "")
    assert "It is so." in done.err


def test_done_is_zero(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", COHORT, {"cohort_id": "0198", "name": "Pilot", "state": "planned"})
    assert run("cohort", "show", "0198").code == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ["cohort", "show"],
        ["cohort", "sho"],
        ["cohort", "ls", "--limit", "0"],
        ["cohort", "create", "--country", "BD"],
        [
            "cohort",
            "create",
            *["--country", "BD", "--module", "WC", "-e", "A", "--from", "2026-13-01", "--to", "2026-12-01"],
        ],
        ["cohort", "cancel", "0198"],
        ["import"],
        ["outbox", "replay", "nobody"],
        ["quarantine", "show", "17"],
        ["quarantine", "skip", "visits/17"],
    ],
)
def test_wrong_usage_is_two_and_asks_nobody(gemba: Pretended, run: Run, wrong: list[str]) -> None:
    done = run(*wrong)
    assert (done.code, done.out, gemba.asked) == (2, "", [])
    assert done.err


def test_nobody_there_is_five(monkeypatch: pytest.MonkeyPatch, gemba: Pretended, run: Run) -> None:
    monkeypatch.setenv("GEMBA_URL", "http://127.0.0.1:9")
    done = run("whoami")
    assert done.code == 5
    assert "http://127.0.0.1:9 cannot be reached" in done.err


def test_a_stranger_who_answers_is_said_to_be_one(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", "/directory/api/me", (200, b"<html>It works!</html>", {}))
    done = run("whoami")
    assert done.code == 5
    assert "not JSON" in done.err
    gemba.answer("GET", "/directory/api/me", (307, b"", {"Location": "http://elsewhere/"}))
    assert "a redirect to http://elsewhere/" in run("whoami").err
    assert len(gemba.asked) == 2, "the token does not follow a redirect"


def test_with_json_a_failure_is_one_document_with_the_same_keys(gemba: Pretended, run: Run) -> None:
    errors = [{"field": "module", "message": "There is no module 'X'.", "expected": "one of WC"}]
    gemba.refuse("POST", "/scheduler/api/cohorts", 422, "unknown_module", "No such module.", errors=errors)
    done = run(
        "cohort",
        "create",
        *["--country", "BD", "--module", "X", "-e", "A", "--from", "2026-02-01", "--to", "2026-06-01", "--json"],
    )
    assert done.code == 1
    error = done.json["error"]
    assert (error["code"], error["status"], error["exit_code"]) == ("unknown_module", 422, 1)
    assert error["errors"] == errors
    assert "module: There is no module 'X'. Right would be: one of WC." in done.err

    unreachable = run("whoami", "--json").json["error"]
    assert unreachable.keys() == error.keys()


def test_whose_token_is_needed_is_said(gemba: Pretended, run: Run) -> None:
    gemba.refuse("GET", "/visits/api/cases", 403, "wrong_role", "This needs the role officer, which you do not have.")
    done = run("case", "ls")
    assert done.code == 4
    assert "an officer's, a deputy's or a head's token" in done.err
    assert "the token is from GEMBA_TOKEN" in done.err


def test_no_installation_and_one_that_stands_still(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    state = State(tmp_path / "var")
    monkeypatch.setenv("GEMBA_STATE", str(state.folder))
    monkeypatch.delenv("GEMBA_URL", raising=False)
    monkeypatch.delenv("GEMBA_TOKEN", raising=False)
    done = run("whoami")
    assert done.code == 5
    assert "there is no installation" in done.err
    assert not state.folder.exists(), "to look changes nothing"

    with state.locked():
        state.save_config(ports={"origin": 9})
        missing = run("whoami")
        assert missing.code == 4
        assert "there is no token" in missing.err
    done = run("whoami")
    assert done.code == 5
    assert "is not running" in done.err
