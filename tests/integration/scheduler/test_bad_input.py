"""What cannot be granted gets a clear answer that says what would be right, and changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.cohort import CohortCreated, CohortRefused
from shared.contracts.command import RequestCohort

from .conftest import FIRST, LAST, Programme


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"module": "XX"}, "unknown_module", "module"),
        ({"module": "QI"}, "no_delivery_plan", "module"),
        ({"enterprise_keys": ["BD-E1"]}, "too_few_enterprises", "enterprises"),
        ({"enterprise_keys": ["BD-E1", "BD-E1"]}, "too_few_enterprises", "enterprises"),
        ({"enterprise_keys": ["BD-E1", "BD-E99"]}, "unknown_enterprise", "enterprises"),
        ({"enterprise_keys": ["BD-E1", "PE-E1"]}, "unknown_enterprise", "enterprises"),
        ({"last_day": "2026-03-01"}, "ends_before_it_starts", "last_day"),
        ({"first_day": "2026-02-01"}, "starts_in_the_past", "first_day"),
        ({"last_day": "2026-03-20"}, "window_too_short", "last_day"),
        ({"last_day": "2029-03-20"}, "window_too_long", "last_day"),
        ({"trainer_keys": ["BD-T99"]}, "unknown_trainer", "trainers"),
        ({"first_day": "2026-03-08", "trainer_keys": ["BD-T7"]}, "no_certified_trainer", "trainers"),
        ({"country": "PE"}, "unknown_country", "country"),
    ],
)
async def test_a_cohort_that_cannot_be(bd: Programme, changes: dict[str, Any], code: str, field: str) -> None:
    await bd.know_enterprise("PE-E1", country="PE")
    await bd.know_trainer("BD-T7")
    answer = await bd.post("/api/cohorts", bd.wish(**changes))
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    fault = next(error for error in problem["errors"] if error["code"] == code)
    assert fault["field"] == field
    assert fault["expected"]
    assert (await bd.get("/api/cohorts")).json()["items"] == []
    assert await bd.facts() == []


async def test_an_enterprise_of_another_country_that_is_mine_is_named_as_such(bd: Programme) -> None:
    await bd.know_enterprise("PE-E1", country="PE")
    wish = bd.wish(enterprise_keys=["BD-E1", "BD-E2", "PE-E1"])
    answer = await bd.post("/api/cohorts", wish, countries=("BD", "PE"))
    assert [error["code"] for error in answer.json()["errors"]] == ["enterprise_of_another_country"]


async def test_an_enterprise_is_in_one_open_cohort_of_a_module(bd: Programme) -> None:
    first = await bd.create(name="First", enterprise_keys=["BD-E1", "BD-E2"])
    answer = await bd.post("/api/cohorts", bd.wish(enterprise_keys=["BD-E2", "BD-E3"]))
    assert answer.json()["code"] == "enterprise_in_open_cohort"
    assert "First" in answer.json()["detail"]
    await bd.post(f"/api/cohorts/{first}/cancel", {"reason": "a mistake"})
    assert await bd.create(enterprise_keys=["BD-E2", "BD-E3"])


async def test_several_faults_are_told_at_once(bd: Programme) -> None:
    answer = await bd.post("/api/cohorts", bd.wish(module="XX", enterprise_keys=["BD-E1"], last_day="2026-03-01"))
    assert [error["code"] for error in answer.json()["errors"]] == [
        "unknown_module",
        "too_few_enterprises",
        "ends_before_it_starts",
    ]


async def test_a_command_needs_a_key_and_gives_one_result_for_it(bd: Programme) -> None:
    async with bd.client() as client:
        answer = await client.post("/api/cohorts", json=bd.wish())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")

    key, who = str(uuid4()), {}
    async with bd.client(**who) as client:
        send = {"json": bd.wish(), "headers": {"Idempotency-Key": key}}
        first, second = await client.post("/api/cohorts", **send), await client.post("/api/cohorts", **send)
        other = await client.post("/api/cohorts", json=bd.wish(name="Other"), headers={"Idempotency-Key": key})
    assert first.json()["cohort_id"] == second.json()["cohort_id"]
    assert other.json()["code"] == "idempotency_key_reused"
    assert len(await bd.facts(CohortCreated)) == 1


async def test_forbidden_looks_absent(bd: Programme) -> None:
    cohort_id = await bd.published()
    plan_id = (await bd.get(f"/api/cohorts/{cohort_id}")).json()["plan_id"]
    visit_id = (await bd.bookings(cohort_id))[0]["visit_id"]
    peru = {"countries": ("PE",)}
    pairs = [
        (f"/api/cohorts/{cohort_id}", f"/api/cohorts/{uuid4()}", None),
        (f"/api/cohorts/{cohort_id}/plan", f"/api/cohorts/{uuid4()}/plan", None),
        (f"/api/bookings/{visit_id}", f"/api/bookings/{uuid4()}", None),
        (f"/api/plans/{plan_id}/publish", f"/api/plans/{uuid4()}/publish", {}),
        (f"/api/cohorts/{cohort_id}/cancel", f"/api/cohorts/{uuid4()}/cancel", {"reason": "why not"}),
        (f"/api/cohorts/{cohort_id}/replan", f"/api/cohorts/{uuid4()}/replan", {}),
        (f"/api/bookings/{visit_id}/withdraw", f"/api/bookings/{uuid4()}/withdraw", {}),
        (f"/api/bookings/{visit_id}/replan", f"/api/bookings/{uuid4()}/replan", {"want": "another_day"}),
    ]
    for foreign, missing, body in pairs:
        answers = [
            await (bd.get(path, **peru) if body is None else bd.post(path, body, **peru)) for path in (foreign, missing)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], foreign
        told = [
            {name: value for name, value in answer.json().items() if name != "correlation_id"} for answer in answers
        ]
        assert told[0] == told[1]
    assert (await bd.get("/api/bookings", **peru)).json()["items"] == []
    assert (await bd.get("/api/cohorts", **peru)).json()["items"] == []


@pytest.mark.parametrize("role", ["trainer", "officer", "enterprise", "auditor"])
async def test_only_who_plans_may_ask(bd: Programme, role: str) -> None:
    for path in ("/api/cohorts", "/api/bookings", "/api/modules", "/"):
        assert (await bd.get(path, roles=(role,))).status_code == 403
    assert (await bd.post("/api/cohorts", bd.wish(), roles=(role,))).status_code == 403


async def test_an_outside_system_is_answered_in_any_case(bd: Programme) -> None:
    def asked(**changes: Any) -> RequestCohort:
        wish = {
            "request_id": uuid4(),
            "country": "BD",
            "module": "WC",
            "enterprise_keys": ("BD-E1", "BD-E2", "BD-E3"),
            "trainer_keys": (),
            "first_day": FIRST,
            "last_day": LAST,
        }
        return RequestCohort.model_validate(wish | changes)

    good, bad = asked(), asked(module="XX")
    await bd.feeder.deliver(good, times=2)
    await bd.feeder.deliver(bad)
    (created,) = await bd.facts(CohortCreated)
    (refused,) = await bd.facts(CohortRefused)
    assert created.request_id == good.request_id
    assert (refused.request_id, refused.code, refused.field) == (bad.request_id, "unknown_module", "module")
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{created.cohort_id}")).json()["state"] == "planned"
