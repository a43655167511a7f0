"""A wrong wish gets an answer that says what is wrong and what would be right, and changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from tests.harness.raw_log import facts_by_id, read_log
from tests.harness.scenario import MODULE, SCENARIO
from tests.harness.scenario_acts import (
    confirmed_cohort,
    report,
    report_body,
    send,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO


async def _facts(world: World) -> Any:
    await world.settle()
    return facts_by_id(await read_log(world.installation))


async def test_a_cohort_that_cannot_be_is_refused_with_every_fault_named(world: World) -> None:
    coordinator = await world.actor("PE-COORD")
    today = world.clock.now().date()
    right = {
        "country": "PE",
        "module": MODULE,
        "enterprise_keys": ["PE-E30", "PE-E31"],
        "first_day": (today + timedelta(days=3)).isoformat(),
        "last_day": (today + timedelta(days=30)).isoformat(),
    }
    before = await _facts(world)
    for code, field, changes in (
        ("unknown_module", "module", {"module": "NOPE"}),
        ("too_few_enterprises", "enterprises", {"enterprise_keys": ["PE-E30"]}),
        ("too_few_enterprises", "enterprises", {"enterprise_keys": ["PE-E30", "PE-E30"]}),
        ("unknown_enterprise", "enterprises", {"enterprise_keys": ["PE-E30", "BD-E01"]}),
        ("ends_before_it_starts", "last_day", {"last_day": today.isoformat()}),
        ("starts_in_the_past", "first_day", {"first_day": "2026-01-05"}),
        ("unknown_trainer", "trainers", {"trainer_keys": ["BD-T01"]}),
        ("no_certified_trainer", "trainers", {"module": "QI", "trainer_keys": ["PE-T02"]}),
        ("unknown_country", "country", {"country": "BD"}),
    ):
        refused = await send(coordinator, "POST", "/scheduler/api/cohorts", right | changes)
        assert refused.status_code == 422, (code, refused.status_code, refused.text)
        faults = {one["code"]: one for one in refused.json()["errors"]}
        assert code in faults, (code, faults)
        assert faults[code]["field"] == field
        assert faults[code]["message"]
        assert faults[code]["expected"], "it says what would be right"
    several = right | {"module": "NOPE", "enterprise_keys": ["PE-E30"], "first_day": "2026-01-05"}
    refused = await send(coordinator, "POST", "/scheduler/api/cohorts", several)
    assert {one["code"] for one in refused.json()["errors"]} >= {
        "unknown_module",
        "too_few_enterprises",
        "starts_in_the_past",
    }, "all at once, not one after another"
    assert (await send(coordinator, "POST", "/scheduler/api/cohorts", right | {"first_day": "soon"})).status_code == 422
    assert (await send(coordinator, "POST", "/scheduler/api/cohorts", right | {"moduel": "WC"})).status_code == 422
    without_key = await coordinator._http.post("/scheduler/api/cohorts", json=right)
    assert (without_key.status_code, without_key.json()["code"]) == (400, "idempotency_key_missing")
    assert await _facts(world) == before


async def test_a_report_that_cannot_be_is_refused(world: World) -> None:
    visit, other = sorted(await confirmed_cohort(world, "PE", [32, 33]), key=lambda one: str(one["ends_at"]))
    trainer, dropped = await trainer_of(world, visit), await trainer_of(world, other)
    path = f"/visits/api/visits/{visit['visit_id']}/report"
    await (await world.actor("PE-COORD")).post(f"/scheduler/api/bookings/{other['visit_id']}/withdraw")
    await world.log.has("VisitCancelled", visit_id=other["visit_id"])
    early = await send(trainer, "POST", path, report_body())
    assert (early.status_code, early.json()["code"]) == (409, "visit_not_started"), "a visit in the future"

    await world.advance_to(instant(visit["ends_at"]))
    before = await _facts(world)
    stranger = next(
        one for one in [await world.actor(f"PE-T{n:02d}") for n in (1, 2, 3)] if one.person_id != visit["trainer"]["id"]
    )
    not_mine = await send(stranger, "POST", path, report_body())
    nowhere = await send(stranger, "POST", path.replace(visit["visit_id"], str(uuid4())), report_body())
    assert not_mine.status_code == nowhere.status_code == 404
    assert not_mine.json()["detail"] == nowhere.json()["detail"], "another's looks as if it were not there"
    for what, changes in {
        "an item that is none": {"findings": [{"item": 10, "grade": "minor", "text": "x"}]},
        "a grade that is none": {"findings": [{"item": 3, "grade": "awful", "text": "x"}]},
        "no words": {"findings": [{"item": 3, "grade": "minor", "text": "  "}]},
        "a number below nothing": {"participants": {"managers": -1}},
        "a misspelt field": {"finding": []},
        "too much": {"summary": "x" * 5000},
        "an item without zero tolerance": {"suspicions": [{"item": 2, "text": "x"}]},
    }.items():
        refused = await send(trainer, "POST", path, report_body(**changes))
        assert refused.status_code == 422, (what, refused.status_code, refused.text)
        problem = refused.json()
        assert problem.get("field") or problem["errors"], (what, problem)
    garbage = await trainer._http.post(
        path, content=b"{not json", headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    )
    assert garbage.status_code in {400, 422}
    assert await _facts(world) == before

    await report(world, visit)
    twice = await send(trainer, "POST", path, report_body())
    assert (twice.status_code, twice.json()["code"]) == (409, "visit_reported")
    await to_the_end_of(world, other)
    cancelled = await send(dropped, "POST", f"/visits/api/visits/{other['visit_id']}/report", report_body())
    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "visit_cancelled"), "after cancellation"
