"""A finding becomes an action: reminded, overdue, told to more and more people, evidenced, verified."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.contracts.action import (
    ActionOpened,
    ActionOverdue,
    ActionReminded,
    ActionVerified,
    EvidenceReturned,
    EvidenceSubmitted,
    FollowUpWanted,
)
from shared.contracts.booking import BookingWithdrawn, VisitScheduled
from shared.contracts.values import VisitKind
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


async def open_action(world: World, grade: str = "minor") -> UUID:
    visit_id = await world.visit_under_way()
    body = {"findings": [{"item": 3, "grade": grade, "text": "Fire exit blocked."}]}
    answer = await world.post(f"/visits/api/visits/{visit_id}/report", body, by=world.people.trainer, status=201)
    return UUID(answer.json()["action_ids"][0])


async def act(world: World, action_id: UUID, what: str, body: Any = None, *, by: UUID, status: int) -> Any:
    return (await world.post(f"/visits/api/actions/{action_id}/{what}", body, by=by, status=status)).json()


async def test_reminder_then_overdue_then_tier_after_tier_for_ever(world: World) -> None:
    await open_action(world)
    people = world.people
    await world.pass_time(days=54)
    (reminded,) = await emitted(world.pool, ActionReminded)
    assert reminded.recipient_ids == (people.manager,)
    assert not await emitted(world.pool, ActionOverdue)
    await world.pass_time(days=6, hours=1)
    await world.pass_time(days=7)
    await world.pass_time(days=7)
    await world.pass_time(days=28)
    told = [(fact.tier, fact.recipient_ids) for fact in await emitted(world.pool, ActionOverdue)]
    assert told == [
        (1, (people.manager,)),
        (2, (people.coordinator,)),
        (3, (people.head,)),
        (3, (people.head,)),
        (3, (people.head,)),
    ]
    assert all(fact.told_at for fact in await emitted(world.pool, ActionOverdue)), "what tells two tellings apart"


async def test_evidence_is_returned_with_a_reason_and_then_accepted(world: World) -> None:
    action_id = await open_action(world)
    people = world.people
    await act(world, action_id, "evidence", {"text": "Exit cleared, photo sent."}, by=people.manager, status=201)
    assert (await emitted(world.pool, EvidenceSubmitted))[0].recipient_ids == (people.coordinator,)
    await act(
        world, action_id, "return", {"reason": "The photo shows another door."}, by=people.coordinator, status=200
    )
    assert people.manager in (await emitted(world.pool, EvidenceReturned))[0].recipient_ids
    assert (await act(world, action_id, "verify", by=people.coordinator, status=409))["code"] == "nothing_submitted"
    await act(world, action_id, "evidence", {"text": "The right door."}, by=people.manager, status=201)
    verified = await act(world, action_id, "verify", by=people.coordinator, status=200)
    assert verified["state"] == "verified"
    assert [one["state"] for one in verified["evidence"]] == ["returned", "accepted"]
    await act(world, action_id, "verify", by=people.coordinator, status=200)
    assert len(await emitted(world.pool, ActionVerified)) == 1
    await world.pass_time(days=200)
    assert not await emitted(world.pool, ActionOverdue)


async def test_what_waits_for_a_coordinator_is_not_the_owners_delay(world: World) -> None:
    action_id = await open_action(world)
    await act(world, action_id, "evidence", {"text": "Done."}, by=world.people.manager, status=201)
    await world.pass_time(days=61)
    assert not await emitted(world.pool, ActionReminded)
    (overdue,) = await emitted(world.pool, ActionOverdue)
    assert overdue.recipient_ids == (world.people.coordinator,)


async def test_a_major_finding_is_verified_by_a_visit_that_the_timetable_plans(world: World) -> None:
    action_id = await open_action(world, "major")
    people = world.people
    await act(world, action_id, "evidence", {"text": "Done."}, by=people.manager, status=201)
    assert (await act(world, action_id, "verify", by=people.coordinator, status=409))["code"] == "needs_visit"
    asked = await act(world, action_id, "follow-up", by=people.coordinator, status=201)
    (wanted,) = await emitted(world.pool, FollowUpWanted)
    assert str(wanted.visit_id) == asked["visit_id"]
    assert wanted.prefer_trainer_id == people.trainer
    assert (await act(world, action_id, "follow-up", by=people.coordinator, status=409))["code"] == "follow_up_wanted"
    starts = world.clock.now() + timedelta(days=3)
    await world.feeder.deliver(
        VisitScheduled(
            visit_id=wanted.visit_id,
            cohort_id=None,
            country="BD",
            kind=VisitKind.FOLLOW_UP,
            stage="follow_up",
            module="M1",
            enterprise_ids=(world.enterprise,),
            trainer_id=people.trainer,
            starts_at=starts,
            ends_at=starts + timedelta(hours=2),
            zone="Asia/Dhaka",
            cause_id=action_id,
        )
    )
    world.clock.advance(timedelta(days=3, hours=1))
    await world.post(f"/visits/api/visits/{wanted.visit_id}/report", by=people.trainer, status=201)
    assert (await act(world, action_id, "verify", by=people.coordinator, status=200))["state"] == "verified"


async def test_a_follow_up_that_was_withdrawn_can_be_asked_for_again(world: World) -> None:
    action_id = await open_action(world, "major")
    asked = await act(world, action_id, "follow-up", by=world.people.coordinator, status=201)
    await world.schedule(visit_id=UUID(asked["visit_id"]), cause_id=action_id)
    await world.feeder.deliver(
        BookingWithdrawn(visit_id=UUID(asked["visit_id"]), country="BD", trainer_id=None, reason="dropped_out")
    )
    await act(world, action_id, "follow-up", by=world.people.coordinator, status=201)


async def test_an_action_without_contact_is_with_a_coordinator(world: World) -> None:
    await world.know(world.people.manager, ("enterprise",), active=False)
    await open_action(world)
    assert (await emitted(world.pool, ActionOpened))[0].owner_id == world.people.coordinator


async def test_only_its_own_people_see_an_action_and_owners_do_not_verify_their_own_work(world: World) -> None:
    action_id = await open_action(world)
    people = world.people
    absent = await world.get(f"/visits/api/actions/{new_id()}", by=people.coordinator, status=404)
    seen = await world.get(f"/visits/api/actions/{action_id}", by=people.peruvian_coordinator, status=404)
    assert seen["detail"] == absent["detail"]
    await world.get(f"/visits/api/actions/{action_id}", by=people.other_trainer, status=404)
    await world.get(f"/visits/api/actions/{action_id}", by=people.officer, status=403)
    for person in (people.manager, people.coordinator):
        assert len((await world.get("/visits/api/actions", by=person))["items"]) == 1
    await act(world, action_id, "evidence", {"text": "Done."}, by=people.manager, status=201)
    assert (await act(world, action_id, "verify", by=people.manager, status=403))["code"] == "wrong_role"
