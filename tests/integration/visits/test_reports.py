"""A report is taken whole or not at all, once, and only from whom and when it can be."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.contracts.action import ActionOpened
from shared.contracts.booking import BookingWithdrawn
from shared.contracts.case import CaseOpened
from shared.contracts.finding import FindingRecorded
from shared.contracts.values import VisitKind
from shared.contracts.visit import VisitReported
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World

FULL: dict[str, Any] = {
    "whole": True,
    "participants": {"managers": 2, "workers": 5},
    "summary": "Baseline done with the improvement team.",
    "findings": [
        {"item": 3, "grade": "major", "text": "Fire exit blocked on the second floor."},
        {"item": 6, "grade": "minor", "text": "Overtime is not in the register."},
        {"item": 5, "grade": "observation", "text": "Pay slips are in English only."},
    ],
}


async def report(world: World, visit_id: UUID, body: dict[str, Any] | None = None, **how: Any) -> Any:
    how = {"by": world.people.trainer, "status": 201} | how
    return (await world.post(f"/visits/api/visits/{visit_id}/report", body or FULL, **how)).json()


async def counts(world: World) -> tuple[int, ...]:
    tables = ("reports", "findings", "actions", "cases", "case_texts", "outbox")
    return tuple([await world.pool.fetchval(f"select count(*) from {table}") for table in tables])


async def test_a_report_with_everything_is_one_transaction_of_facts(world: World) -> None:
    visit_id = await world.visit_under_way()
    body = FULL | {"suspicions": [{"item": 4, "text": "A child at a press."}]}
    answer = await report(world, visit_id, body)
    assert len(answer["finding_ids"]) == 3
    assert len(answer["action_ids"]) == 2
    assert answer["suspicions_received"] == 1
    assert {fact.grade for fact in await emitted(world.pool, FindingRecorded)} == {"observation", "minor", "major"}
    actions = await emitted(world.pool, ActionOpened)
    assert {(fact.item, fact.verification) for fact in actions} == {(3, "visit"), (6, "desk")}
    assert {fact.owner_id for fact in actions} == {world.people.manager}
    (opened,) = await emitted(world.pool, CaseOpened)
    assert set(opened.recipient_ids) == {world.people.officer, world.people.second_officer}
    (reported,) = await emitted(world.pool, VisitReported)
    assert (reported.visit_id, str(reported.report_id), reported.whole) == (visit_id, answer["report_id"], True)


async def test_a_report_that_fails_leaves_nothing_behind(world: World) -> None:
    visit_id = await world.visit_under_way()
    before = await counts(world)
    body = FULL | {"suspicions": [{"item": 6, "text": "Too many hours."}]}
    answer = await report(world, visit_id, body, status=422)
    assert answer["code"] == "item_not_zero_tolerance"
    assert "4 (No child labour)" in answer["detail"]
    assert await counts(world) == before
    await report(world, visit_id)


async def test_the_same_report_again_is_the_same_report(world: World) -> None:
    visit_id = await world.visit_under_way()
    body = FULL | {"report_id": str(new_id())}
    first = await report(world, visit_id, body, key="key-of-the-phone")
    assert await report(world, visit_id, body, key="key-of-the-phone") == first
    assert await report(world, visit_id, body) == first
    assert len(await emitted(world.pool, VisitReported)) == 1


async def test_a_second_report_is_refused(world: World) -> None:
    visit_id = await world.visit_under_way()
    await report(world, visit_id)
    answer = await report(world, visit_id, status=409)
    assert answer["code"] == "visit_reported"


async def test_a_visit_is_not_reported_before_it_starts(world: World) -> None:
    visit_id = await world.schedule()
    await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=200)
    answer = await report(world, visit_id, status=409)
    assert answer["code"] == "visit_not_started"
    assert "17 March 2026" in answer["detail"]
    world.clock.advance(timedelta(days=14))
    await report(world, visit_id)


async def test_a_visit_of_somebody_else_looks_as_if_it_were_not_there(world: World) -> None:
    visit_id = await world.visit_under_way()
    answer = await report(world, visit_id, by=world.people.other_trainer, status=404)
    assert answer["code"] == "not_found"
    assert (await report(world, visit_id, by=world.people.coordinator, status=403))["code"] == "wrong_role"


async def test_a_cancelled_visit_is_not_reported(world: World) -> None:
    visit_id = await world.visit_under_way()
    await world.feeder.deliver(
        BookingWithdrawn(visit_id=visit_id, country="BD", trainer_id=world.people.trainer, reason="dropped_out")
    )
    assert (await report(world, visit_id, status=409))["code"] == "visit_cancelled"


async def test_a_missed_visit_can_still_be_reported_late(world: World) -> None:
    visit_id = await world.visit_under_way()
    await world.pass_time(days=3)
    await report(world, visit_id)
    assert (await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer))["state"] == "reported"


async def test_each_fault_of_a_report_is_named_by_its_field(world: World) -> None:
    visit_id = await world.visit_under_way()
    wrong = {
        "findings": [{"item": 12, "grade": "terrible", "text": ""}],
        "participants": {"managers": -1},
        "notes": "x",
    }
    answer = await report(world, visit_id, wrong, status=422)
    assert {error["field"] for error in answer["errors"]} == {
        "findings.0.item",
        "findings.0.grade",
        "findings.0.text",
        "participants.managers",
        "notes",
    }
    twice = str(new_id())
    body = {"findings": [{"finding_id": twice, "item": 3, "grade": "minor", "text": "a"}] * 2}
    assert (await report(world, visit_id, body, status=422))["code"] == "finding_twice"


async def test_a_sighting_raised_from_the_phone_and_in_the_report_is_one_case(world: World) -> None:
    visit_id = await world.visit_under_way()
    finding = str(new_id())
    receipt = await world.post(
        "/visits/api/suspicions",
        {"finding_id": finding, "item": 9, "text": "A supervisor hit somebody.", "visit_id": str(visit_id)},
        by=world.people.trainer,
        status=201,
    )
    assert set(receipt.json()) == {"finding_id", "received_at"}
    body = {"suspicions": [{"finding_id": finding, "item": 9, "text": "It happened at the gate at ten."}]}
    answer = await report(world, visit_id, body)
    cases = await world.pool.fetch("select case_id, report_id from cases")
    assert [str(row["report_id"]) for row in cases] == [answer["report_id"]]
    assert len(await emitted(world.pool, CaseOpened)) == 1
    texts = (await world.get(f"/visits/api/cases/{cases[0]['case_id']}", by=world.people.officer))["texts"]
    assert [text["text"] for text in texts] == ["A supervisor hit somebody.", "It happened at the gate at ten."]


async def test_the_finder_sees_a_receipt_and_never_the_case(world: World) -> None:
    case_id = await world.raise_case()
    row = await world.case(case_id)
    detail = await world.get(f"/visits/api/visits/{row['visit_id']}", by=world.people.trainer)
    assert [receipt["finding_id"] for receipt in detail["receipts"]] == [str(row["finding_id"])]
    await world.get(f"/visits/api/cases/{case_id}", by=world.people.trainer, status=403)
    coordinators = await world.get(f"/visits/api/visits/{row['visit_id']}", by=world.people.coordinator)
    assert coordinators["receipts"] == []
    assert str(case_id) not in str(coordinators)


async def test_a_verification_visit_looks_like_any_follow_up(world: World) -> None:
    cause = new_id()
    visit_id = await world.schedule(kind=VisitKind.VERIFICATION, stage="verification", cause_id=cause)
    for person in (world.people.trainer, world.people.coordinator):
        for seen in (
            await world.get("/visits/api/visits", by=person),
            await world.get(f"/visits/api/visits/{visit_id}", by=person),
        ):
            assert "verification" not in str(seen)
            assert str(cause) not in str(seen)
            assert "follow_up" in str(seen)
    told = [fact for fact in await emitted(world.pool) if fact.topic == "gemba.visit"]
    assert "verification" not in str(told)
