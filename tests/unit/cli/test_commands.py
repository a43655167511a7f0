"""What each command asks, prints and ends with."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.local.client import planning
from deploy.local.client.calls import SERVICES
from tests.unit.cli.conftest import Pretended, Run

COHORTS = "/scheduler/api/cohorts"
BODY = ["--country", "bd", "--module", "WC", "--from", "2026-02-01", "--to", "2026-06-30"]


def cohort(state: str, **more: Any) -> dict[str, Any]:
    return {
        "cohort_id": "c1", "name": "Pilot", "country": "BD", "module": "WC", "module_title": "Workplace Cooperation",
        "first_day": "2026-02-01", "last_day": "2026-06-30", "state": state, "plan_id": "p1", "trouble": None,
        "enterprises": [{"id": "e1", "key": "BD-E01", "name": "Padma Knits"}], "trainer_keys": None, **more,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_POLL_SECONDS", 0.01)


def test_a_cohort_is_created_from_keys_and_ids(gemba: Pretended, run: Run) -> None:
    gemba.answer("POST", COHORTS, (201, cohort("planning"), {}))
    an_id = "0198c3a0-7c1e-7000-8000-000000000001"
    done = run("cohort", "create", *BODY, "-e", "BD-E01, BD-E02", "-e", an_id, "--trainer", "BD-T01", "--json")
    assert done.code == 0, done.err
    assert gemba.asked[0].json == {
        "name": "",
        "country": "BD",
        "module": "WC",
        "enterprise_keys": ["BD-E01", "BD-E02"],
        "enterprise_ids": [an_id],
        "trainer_keys": ["BD-T01"],
        "first_day": "2026-02-01",
        "last_day": "2026-06-30",
    }
    assert done.json["cohort_id"] == "c1"


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ("planned", 0, "plan show c1"),
        ("infeasible", 1, "not every visit"),
        ("failed", 1, "planning it failed: no memory"),
    ],
)
def test_waiting_ends_with_what_planning_came_to(gemba: Pretended, run: Run, state: str, code: int, said: str) -> None:
    gemba.answer("POST", COHORTS, (201, cohort("planning"), {}))
    gemba.answer("GET", f"{COHORTS}/c1", cohort("planning"), cohort("planning"), cohort(state, trouble="no memory"))
    done = run("cohort", "create", *BODY, "-e", "A,B", "--wait")
    assert done.code == code
    assert said in done.out + done.err
    assert len(gemba.of(f"{COHORTS}/c1")) == 3


def test_waiting_ends_in_time(gemba: Pretended, run: Run) -> None:
    gemba.answer("POST", COHORTS, (201, cohort("planning"), {}))
    gemba.answer("GET", f"{COHORTS}/c1", cohort("planning"))
    done = run("cohort", "create", *BODY, "-e", "A,B", "--wait", "--timeout", "1")
    assert done.code == 5
    assert "goes on" in done.err


def test_a_list_is_read_page_by_page_up_to_its_limit(gemba: Pretended, run: Run) -> None:
    first = {"items": [cohort("planned", cohort_id="c1")], "next": "there"}
    gemba.answer("GET", COHORTS, first, {"items": [cohort("planned", cohort_id="c2")], "next": None})
    done = run("cohort", "ls", "--state", "planned", "--json")
    assert [one["cohort_id"] for one in done.json["items"]] == ["c1", "c2"]
    assert [one.query for one in gemba.asked] == [{"state": "planned"}, {"state": "planned", "cursor": "there"}]

    gemba.answer("GET", COHORTS, first)
    assert len(run("cohort", "ls", "--limit", "1", "--json").json["items"]) == 1
    assert len(gemba.asked) == 3


def test_a_list_whose_next_page_is_the_same_again_ends(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", COHORTS, {"items": [cohort("planned")], "next": "there"})
    assert run("cohort", "ls").code == 0
    assert len(gemba.asked) == 2


def test_an_empty_list_is_a_sentence_for_people_and_a_list_for_programs(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", COHORTS, {"items": [], "next": None})
    assert "no such cohort in your countries" in run("cohort", "ls").out
    assert run("cohort", "ls", "--json").json == {"items": []}


def test_what_is_published_is_the_plan_that_is_the_newest_now(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", f"{COHORTS}/c1/plan", {"plan_id": "p7", "placements": [{}, {}], "unplaced": []})
    gemba.answer("POST", "/scheduler/api/plans/p7/publish", cohort("published"))
    done = run("plan", "publish", "c1", "--accept-unplaced")
    assert (done.code, gemba.asked[-1].json) == (0, {"accept_unplaced": True})
    assert "2 visits" in done.out


def test_a_plan_says_where_and_why_and_why_not(gemba: Pretended, run: Run) -> None:
    place = [{"id": "e1", "key": "BD-E01", "name": "Padma Knits"}]
    placed = {
        "visit_id": "v1", "stage": "baseline", "enterprises": place, "trainer": {"id": "t", "key": "T1", "name": "Rahima"},
        "co_trainers": [], "day": "2026-02-03", "start": "09:00", "end": "16:00", "days": 1,
        "alternatives": [{"trainer": {"name": "Karim"}, "day": None, "extra_cost": None, "why_not": "is on leave"}],
    }  # fmt: skip
    left = {
        "visit_id": "v2", "stage": "visit-2", "enterprises": place,
        "reasons": [{"text": "nobody certified is free"}], "relaxations": [{"text": "one day of Karim's leave moved"}],
    }  # fmt: skip
    plan = {
        "plan_id": "p1", "state": "proposed", "status": "feasible", "cost": 3.0, "bound": 2.0,
        "placements": [placed], "unplaced": [left],
    }  # fmt: skip
    gemba.answer("GET", f"{COHORTS}/c1/plan", plan)
    done = run("plan", "show", "c1", "--why")
    assert "2026-02-03  09:00–16:00  1     baseline  Rahima   Padma Knits" in done.out
    assert "No place: visit-2 at Padma Knits" in done.out
    assert "because nobody certified is free" in done.out
    assert "would help: one day of Karim's leave moved" in done.out
    assert "not Karim: is on leave" in done.out
    assert run("plan", "show", "c1", "--json").json == plan


def test_acknowledging_never_prints_the_texts_of_a_case(gemba: Pretended, run: Run) -> None:
    case = {
        "case_id": "z1", "country": "BD", "item": 4, "stage": "suspected", "standing": "owned", "tier": 1,
        "owner": {"id": "o", "name": "Officer"}, "due_at": "2026-02-03T09:00:00Z", "texts": [{"text": "a child of twelve"}],
    }  # fmt: skip
    gemba.answer("POST", "/visits/api/cases/z1/acknowledge", case)
    as_people = run("case", "ack", "z1", "--take-over")
    as_program = run("case", "ack", "z1", "--json")
    assert [one.json for one in gemba.asked] == [{"take_over": True}, {"take_over": False}]
    assert "until 2026-02-03 09:00Z" in as_people.out
    assert as_program.json["standing"] == "owned"
    assert "twelve" not in as_people.out + as_program.out


def test_a_token_stands_alone_on_standard_output(gemba: Pretended, run: Run) -> None:
    people = [
        {"person_id": "x", "key": "BD-T010", "name": "Other", "contact_points": []},
        {"person_id": "y", "key": "BD-T01", "name": "Rahima", "contact_points": None},
    ]
    gemba.answer("GET", "/directory/api/people", {"items": people, "next": None})
    gemba.answer("POST", "/directory/api/tokens", (201, {"token_id": "k", "token": "secret-token"}, {}))
    done = run("token", "create", "bd-t01", "--days", "7")
    assert (done.code, done.out) == (0, "secret-token\n")
    assert "Rahima" in done.err
    assert gemba.asked[0].query == {"q": "bd-t01"}
    assert gemba.asked[1].json == {"person_id": "y", "label": "command line", "days": 7}
    assert run("token", "create", "BD-T01", "--json").json["token"] == "secret-token"


def test_a_person_is_found_by_address_and_nobody_by_a_part_of_it(gemba: Pretended, run: Run) -> None:
    point = {"channel": "email", "address": "Rahima@example.org", "verified": True}
    people = [{"person_id": "y", "key": "BD-T01", "name": "Rahima", "contact_points": [point]}]
    gemba.answer("GET", "/directory/api/people", {"items": people, "next": None})
    gemba.answer("POST", "/directory/api/tokens", (201, {"token_id": "k", "token": "t"}, {}))
    assert run("token", "create", "rahima@EXAMPLE.org").code == 0
    done = run("token", "create", "ahima@example.org")
    assert done.code == 3
    assert "nobody with the address" in done.err


def test_a_token_whose_answer_was_lost_is_not_taken_for_none(gemba: Pretended, run: Run) -> None:
    gemba.answer("GET", "/directory/api/me", {"person_id": "y", "name": "Rahima"})
    gemba.answer("POST", "/directory/api/tokens", (201, {"token_id": "k", "token": None}, {}))
    done = run("token", "create")
    assert (done.code, done.out) == (1, "")
    assert "shown only once" in done.err


def status(service: str, **more: Any) -> dict[str, Any]:
    return {
        "service": service, "quiet": True, "waiting": {"outbox": 0, "lag": 0, "timers": 0}, "counters": {},
        "quarantined": 0, "refused": 0, "trouble": None, "next_due": "2026-02-03T09:00:00+00:00", **more,
    }  # fmt: skip


def answer_all(gemba: Pretended, path: str, **more: Any) -> None:
    for service in SERVICES:
        gemba.answer("GET", f"/{service}/api/operations/{path}", status(service, **more))


def test_status_when_all_is_well(gemba: Pretended, run: Run) -> None:
    answer_all(gemba, "status")
    done = run("status")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["SERVICE", *SERVICES]
    told = run("status", "--json").json
    assert (told["well"], told["quiet"], len(told["items"])) == (True, True, 4)


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({"quiet": False, "trouble": "The broker does not answer."}, "The broker does not answer."),
        ({"quarantined": 2}, "2"),
    ],
)
def test_status_with_trouble(gemba: Pretended, run: Run, more: dict[str, Any], shown: str) -> None:
    answer_all(gemba, "status")
    gemba.answer("GET", "/visits/api/operations/status", status("visits", **more))
    done = run("status")
    assert done.code == 1
    assert shown in next(line for line in done.out.splitlines() if line.startswith("visits"))


def test_status_that_waits_is_well_and_not_quiet(gemba: Pretended, run: Run) -> None:
    answer_all(gemba, "status")
    waiting = {"outbox": 3, "lag": 7, "timers": 0}
    gemba.answer("GET", "/visits/api/operations/status", status("visits", quiet=False, waiting=waiting))
    done = run("status")
    assert done.code == 0
    assert next(line for line in done.out.splitlines() if line.startswith("visits")).split()[:5] == [
        "visits", "no", "outbox", "3", "7",
    ]  # fmt: skip


def test_status_of_a_service_that_does_not_answer(gemba: Pretended, run: Run) -> None:
    answer_all(gemba, "status")
    gemba.answer("GET", "/visits/api/operations/status", (503, {"code": "starting", "detail": "Just starting."}, {}))
    done = run("status", "--json")
    assert done.code == 1
    assert "Just starting." in next(one for one in done.json["items"] if one["service"] == "visits")["trouble"]


def test_status_where_nobody_may_ask(gemba: Pretended, run: Run) -> None:
    for service in SERVICES:
        gemba.refuse(
            "GET", f"/{service}/api/operations/status", 403, "wrong_role", "This needs the role administrator."
        )
    done = run("status")
    assert (done.code, done.out) == (4, "")
