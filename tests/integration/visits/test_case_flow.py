"""A case cannot go quiet: tier after tier, an acknowledgement with a shelf-life, two persons to close it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.contracts.booking import VisitScheduled
from shared.contracts.case import (
    CaseAckLapsed,
    CaseAcknowledged,
    CaseClosed,
    CaseConfirmed,
    CaseEscalated,
    CaseOpened,
    CaseProgressed,
    CaseUnowned,
    ClosureProposed,
    ClosureReturned,
    VerificationReported,
    VerificationWanted,
)
from shared.contracts.message import MessageSent
from shared.contracts.values import Channel, VisitKind
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


async def reach_everybody(world: World, case_id: UUID) -> None:
    """Notifications says that every alert of the present step was sent."""
    row = await world.case(case_id)
    persons = await world.pool.fetch(
        "select person_id from case_alerts where case_id = $1 and step = $2", case_id, row["step"]
    )
    for person in persons:
        sent = MessageSent(
            message_id=new_id(),
            about=case_id,
            step=row["step"],
            recipient_id=person["person_id"],
            channel=Channel.EMAIL,
            provider="test",
            sent_at=world.clock.now(),
        )
        await world.feeder.deliver(sent)


async def act(world: World, case_id: UUID, what: str, body: Any = None, *, by: UUID, status: int = 200) -> Any:
    return (await world.post(f"/visits/api/cases/{case_id}/{what}", body, by=by, status=status)).json()


async def owned_case(world: World, *, confirmed: bool = False, **how: Any) -> UUID:
    case_id = await world.raise_case(**how)
    await act(world, case_id, "acknowledge", by=world.people.officer)
    if confirmed:
        await act(world, case_id, "confirm", {"text": "Birth certificate seen."}, by=world.people.officer)
    return case_id


async def test_silence_climbs_every_tier_and_then_pages_daily_for_ever(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    (opened,) = await emitted(world.pool, CaseOpened)
    assert (opened.tier, set(opened.recipient_ids)) == (1, {people.officer, people.second_officer})
    assert opened.respond_by == world.clock.now() + timedelta(hours=2)
    for _ in range(2):
        await reach_everybody(world, case_id)
        await world.pass_time(hours=2)
    assert [(fact.tier, fact.recipient_ids, fact.cause) for fact in await emitted(world.pool, CaseEscalated)] == [
        (2, (people.deputy,), "no_acknowledgement"),
        (3, (people.head,), "no_acknowledgement"),
    ]
    await reach_everybody(world, case_id)
    await world.pass_time(hours=4)
    for days in range(1, 4):
        assert len(await emitted(world.pool, CaseUnowned)) == days
        await reach_everybody(world, case_id)
        await world.pass_time(hours=24)
    assert all(fact.recipient_ids == (people.head,) for fact in await emitted(world.pool, CaseUnowned))
    assert (await world.case(case_id))["standing"] == "unowned"


async def test_an_acknowledgement_rearms_lapses_asks_once_more_and_goes_to_the_next_tier(world: World) -> None:
    case_id = await owned_case(world)
    (acknowledged,) = await emitted(world.pool, CaseAcknowledged)
    assert acknowledged.valid_until > world.clock.now()
    await world.pass_time(seconds=(acknowledged.valid_until - world.clock.now()).total_seconds())
    (lapsed,) = await emitted(world.pool, CaseAckLapsed)
    assert lapsed.recipient_ids == (world.people.officer,)
    await reach_everybody(world, case_id)
    await world.pass_time(hours=4)
    (escalated,) = await emitted(world.pool, CaseEscalated)
    assert (escalated.tier, escalated.cause) == (2, "no_answer_when_asked_again")
    assert (await world.case(case_id))["owner_id"] is None


async def test_the_owners_note_renews_and_anybody_elses_does_not(world: World) -> None:
    case_id = await owned_case(world)
    until = (await world.case(case_id))["due_at"]
    world.clock.advance(timedelta(hours=30))
    await act(world, case_id, "note", {"text": "Spoke to the inspector."}, by=world.people.deputy)
    assert (await world.case(case_id))["due_at"] == until
    await act(world, case_id, "note", {"text": "Went there myself."}, by=world.people.officer)
    assert (await world.case(case_id))["due_at"] > until
    assert len(await emitted(world.pool, CaseProgressed)) == 1


async def test_a_second_officer_is_told_that_somebody_has_it_and_may_take_over(world: World) -> None:
    case_id = await owned_case(world)
    people = world.people
    refused = await act(world, case_id, "acknowledge", by=people.second_officer, status=409)
    assert refused["code"] == "already_acknowledged"
    await act(world, case_id, "acknowledge", by=people.officer)
    assert len(await emitted(world.pool, CaseAcknowledged)) == 1
    await act(world, case_id, "acknowledge", {"take_over": True}, by=people.second_officer)
    assert (await world.case(case_id))["owner_id"] == people.second_officer


async def test_a_confirmed_case_is_verified_by_somebody_independent_and_closed_by_two(world: World) -> None:
    case_id = await owned_case(world, confirmed=True, named=(world.people.other_trainer,))
    people = world.people
    assert len(await emitted(world.pool, CaseConfirmed)) == 1
    await act(world, case_id, "verification", by=people.officer)
    (wanted,) = await emitted(world.pool, VerificationWanted)
    assert set(wanted.excluded_trainer_ids) == {people.trainer, people.other_trainer}
    assert wanted.module == "M1"
    refused = await act(world, case_id, "propose-closure", {"outcome": "resolved"}, by=people.officer, status=422)
    assert refused["field"] == "reason"

    independent = new_id()
    await world.know(independent, ("trainer",))
    starts = world.clock.now() + timedelta(days=5)
    await world.feeder.deliver(
        VisitScheduled(
            visit_id=wanted.visit_id,
            cohort_id=None,
            country="BD",
            kind=VisitKind.VERIFICATION,
            stage="verification",
            module="M1",
            enterprise_ids=(world.enterprise,),
            trainer_id=independent,
            starts_at=starts,
            ends_at=starts + timedelta(hours=3),
            zone="Asia/Dhaka",
            cause_id=case_id,
        )
    )
    assert (await world.case(case_id))["verification"] == "planned"
    world.clock.advance(timedelta(days=5, hours=1))
    await world.post(f"/visits/api/visits/{wanted.visit_id}/report", {}, by=independent, status=201)
    assert (await world.case(case_id))["verification"] == "done"
    (noted,) = await emitted(world.pool, VerificationReported)
    assert noted.recipient_ids == (people.officer,)

    await act(world, case_id, "propose-closure", {"outcome": "resolved"}, by=people.officer)
    (proposed,) = await emitted(world.pool, ClosureProposed)
    assert people.officer not in proposed.recipient_ids
    assert (await act(world, case_id, "approve-closure", by=people.officer, status=409))[
        "code"
    ] == "second_person_needed"
    await act(world, case_id, "approve-closure", by=people.deputy)
    (closed,) = await emitted(world.pool, CaseClosed)
    assert (closed.outcome, closed.proposed_by, closed.approved_by) == ("resolved", people.officer, people.deputy)
    assert await world.pool.fetchval("select count(*) from timers where aggregate = $1", case_id) == 0
    assert (await act(world, case_id, "acknowledge", by=people.officer, status=409))["code"] == "case_closed"


async def test_cancelled_is_not_resolved(world: World) -> None:
    case_id = await owned_case(world)
    officer = world.people.officer
    refused = await act(
        world, case_id, "propose-closure", {"outcome": "resolved", "reason": "ok"}, by=officer, status=409
    )
    assert refused["code"] == "not_confirmed"
    await act(world, case_id, "confirm", by=officer)
    refused = await act(
        world, case_id, "propose-closure", {"outcome": "cancelled", "reason": "no"}, by=officer, status=409
    )
    assert refused["code"] == "confirmed_not_cancelled"
    await act(
        world, case_id, "propose-closure", {"outcome": "resolved", "reason": "The child is at school."}, by=officer
    )
    await act(world, case_id, "return-closure", {"reason": "See the register first."}, by=world.people.head)
    (returned,) = await emitted(world.pool, ClosureReturned)
    assert (returned.owner_id, (await world.case(case_id))["standing"]) == (officer, "owned")


async def test_a_proposal_that_nobody_decides_on_is_asked_for_again(world: World) -> None:
    case_id = await owned_case(world)
    await act(
        world,
        case_id,
        "propose-closure",
        {"outcome": "cancelled", "reason": "It was a poster."},
        by=world.people.officer,
    )
    await world.pass_time(days=6)
    proposals = await emitted(world.pool, ClosureProposed)
    assert len(proposals) >= 2
    assert [fact.step for fact in proposals] == sorted({fact.step for fact in proposals})


async def test_only_whoever_has_the_case_decides_and_only_safeguarding_people_see_it(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    assert (await act(world, case_id, "confirm", by=people.officer, status=409))["code"] == "not_owner"
    assert (await act(world, case_id, "acknowledge", by=people.trainer, status=403))["code"] == "wrong_role"
    assert (await act(world, case_id, "acknowledge", by=people.coordinator, status=403))["code"] == "wrong_role"
    absent = await world.get(f"/visits/api/cases/{new_id()}", by=people.officer, status=404)
    seen = await world.get(f"/visits/api/cases/{case_id}", by=people.peruvian_officer, status=404)
    assert (seen["code"], seen["detail"]) == (absent["code"], absent["detail"])
    listed = await world.get("/visits/api/cases", by=people.peruvian_officer)
    assert (listed["items"], listed["counts"]) == ([], {})


async def test_an_officer_raises_a_case_without_any_visit_and_does_not_close_it(world: World) -> None:
    people = world.people
    body = {
        "item": 1,
        "text": "A worker called: passports are kept.",
        "country": "BD",
        "enterprise_id": str(world.enterprise),
    }
    answer = await world.post("/visits/api/cases", body, by=people.officer, status=201)
    case_id = UUID(answer.json()["case_id"])
    await act(world, case_id, "acknowledge", by=people.officer)
    refused = await act(
        world, case_id, "propose-closure", {"outcome": "cancelled", "reason": "no"}, by=people.officer, status=409
    )
    assert refused["code"] == "raiser_cannot_close"
    await act(world, case_id, "acknowledge", {"take_over": True}, by=people.deputy)
    await act(world, case_id, "propose-closure", {"outcome": "cancelled", "reason": "A mistake."}, by=people.deputy)
    assert (await act(world, case_id, "approve-closure", by=people.officer, status=409))[
        "code"
    ] == "raiser_cannot_close"
    await act(world, case_id, "approve-closure", by=people.head)
    other = body | {"country": "PE"}
    assert (await world.post("/visits/api/cases", other, by=people.officer)).status_code == 404
    assert (await world.post("/visits/api/cases", body, by=people.coordinator)).status_code == 403


async def test_reading_a_case_is_on_record_before_it_is_shown(world: World) -> None:
    case_id = await world.raise_case()
    seen = await world.get(f"/visits/api/cases/{case_id}", by=world.people.deputy)
    assert seen["texts"][0]["text"] == "A child at a press."
    reads = [line for line in seen["audit"] if line["act"] == "read"]
    assert [line["actor"]["id"] for line in reads] == [str(world.people.deputy)]


async def test_the_list_shows_clocks_and_not_where_it_was_seen(world: World) -> None:
    await world.raise_case()
    listed = await world.get("/visits/api/cases", by=world.people.officer)
    assert listed["counts"] == {"alerting": 1}
    assert listed["items"][0]["due_at"] is not None
    assert str(world.enterprise) not in str(listed)
    assert "Padma" not in str(listed)
