"""Whoever goes along is asked like the trainer: they answer for themselves, and silence finds somebody else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.contracts.booking import BookingMoved, BookingReassigned, BookingWithdrawn
from shared.contracts.visit import (
    CompanyAsked,
    CompanyConfirmed,
    OfferLapsed,
    VisitConfirmed,
    VisitDeclined,
    VisitOffered,
)
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


async def paired(world: World) -> UUID:
    """A visit in two weeks, with somebody who goes along."""
    return await world.schedule(co_trainer_ids=(world.people.other_trainer,))


def accept(visit_id: UUID) -> str:
    return f"/visits/api/visits/{visit_id}/accept"


async def mine(world: World, visit_id: UUID) -> list[dict[str, Any]]:
    """What whoever goes along was asked, and said."""
    shown = await world.get(f"/visits/api/visits/{visit_id}", by=world.people.other_trainer)
    return [one for one in shown["offers"] if one["goes_along"]]


async def booked_again(world: World, visit_id: UUID, company: tuple[UUID, ...], **changes: Any) -> None:
    """The timetable says the same visit once more, with this company."""
    shown = await world.get(f"/visits/api/visits/{visit_id}", by=world.people.coordinator)
    values = {"visit_id": visit_id, "country": "BD", "trainer_id": UUID(shown["trainer"]["id"]), "zone": "Asia/Dhaka"}
    values |= {"starts_at": shown["starts_at"], "ends_at": shown["ends_at"], "reason": "declined"}
    values |= {"co_trainer_ids": company} | changes
    kind = BookingReassigned if "former_trainer_id" in changes else BookingMoved
    await world.feeder.deliver(kind.model_validate(values))


async def test_both_are_asked_and_each_answers_for_themselves(world: World) -> None:
    visit_id = await paired(world)
    (asked,) = await emitted(world.pool, CompanyAsked)
    (offered,) = await emitted(world.pool, VisitOffered)
    assert (asked.trainer_ids, asked.lead_id) == ((world.people.other_trainer,), world.people.trainer)
    assert (asked.offer, asked.respond_by) == (1, offered.respond_by)
    page = await world.http.get(f"/visits/visits/{visit_id}", headers=world.headers(world.people.other_trainer))
    assert "Can you go along?" in page.text
    for _ in range(2):
        await world.post(accept(visit_id), {"offer": 1}, by=world.people.other_trainer, status=200)
    assert [one["answer"] for one in await mine(world, visit_id)] == ["accepted"]
    assert [one.trainer_id for one in await emitted(world.pool, CompanyConfirmed)] == [world.people.other_trainer]
    assert not await emitted(world.pool, VisitConfirmed), "the trainer has not answered"
    await world.post(accept(visit_id), by=world.people.trainer, status=200)
    assert len(await emitted(world.pool, VisitConfirmed)) == 1
    await world.pass_time(days=13)
    assert not await emitted(world.pool, OfferLapsed)


async def test_one_tap_answers_too_and_its_second_use_is_the_first_one_s_answer(world: World) -> None:
    visit_id = await paired(world)
    token = world.tap("accept", visit_id, world.people.other_trainer, offer="1")
    for _ in range(2):
        answer = await world.http.post("/visits/tap", data={"t": token})
        assert (answer.status_code, "You go along" in answer.text) == (200, True), answer.text
    assert [one["answer"] for one in await mine(world, visit_id)] == ["accepted"]


async def test_who_does_not_answer_in_time_leaves_and_the_trainer_s_answer_stands(world: World) -> None:
    visit_id = await paired(world)
    await world.post(accept(visit_id), by=world.people.trainer, status=200)
    (asked,) = await emitted(world.pool, CompanyAsked)
    left = asked.respond_by - world.clock.now()
    await world.pass_time(seconds=left.total_seconds() - 1)
    assert not await emitted(world.pool, OfferLapsed)
    await world.pass_time(seconds=2)
    (lapsed,) = await emitted(world.pool, OfferLapsed)
    assert (lapsed.visit_id, lapsed.trainer_id) == (visit_id, world.people.other_trainer)
    shown = await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer)
    assert (shown["state"], shown["co_trainers"]) == ("confirmed", [])
    late = await world.post(accept(visit_id), by=world.people.other_trainer, status=409)
    assert "lapsed" in late.json()["detail"]


async def test_another_company_is_asked_and_the_trainer_is_not_asked_again(world: World) -> None:
    visit_id, new = await paired(world), new_id()
    await world.post(accept(visit_id), by=world.people.trainer, status=200)
    decline = f"/visits/api/visits/{visit_id}/decline"
    await world.post(decline, {"reason": "illness"}, by=world.people.other_trainer, status=200)
    await world.post(decline, {"reason": "illness"}, by=world.people.other_trainer, status=200)
    assert len(await emitted(world.pool, VisitDeclined)) == 1
    await booked_again(world, visit_id, (new,))
    assert len(await emitted(world.pool, VisitOffered)) == 1
    assert [one.trainer_ids for one in await emitted(world.pool, CompanyAsked)] == [
        (world.people.other_trainer,),
        (new,),
    ]
    assert len(await emitted(world.pool, VisitConfirmed)) == 2, "the timetable waits for the trainer's word and has it"
    shown = await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer)
    assert (shown["state"], [one["id"] for one in shown["co_trainers"]]) == ("confirmed", [str(new)])
    await world.post(accept(visit_id), by=world.people.other_trainer, status=409)


async def test_another_trainer_at_the_same_hour_asks_the_company_nothing_and_another_hour_asks_again(
    world: World,
) -> None:
    visit_id, company = await paired(world), (world.people.other_trainer,)
    await world.post(accept(visit_id), by=world.people.other_trainer, status=200)
    expert = new_id()
    await booked_again(world, visit_id, company, former_trainer_id=world.people.trainer, trainer_id=expert)
    assert len(await emitted(world.pool, VisitOffered)) == 2
    assert len(await emitted(world.pool, CompanyAsked)) == 1
    starts = world.clock.now() + timedelta(days=12)
    await booked_again(world, visit_id, company, starts_at=starts, ends_at=starts + timedelta(hours=6))
    assert [one.offer for one in await emitted(world.pool, CompanyAsked)] == [1, 3]
    stale = await world.post(accept(visit_id), {"offer": 1}, by=world.people.other_trainer, status=409)
    assert stale.json()["code"] == "offer_superseded"
    await world.post(accept(visit_id), {"offer": 3}, by=world.people.other_trainer, status=200)


async def test_a_visit_that_is_off_needs_no_answer_and_lapses_nothing(world: World) -> None:
    visit_id = await paired(world)
    await world.feeder.deliver(
        BookingWithdrawn(visit_id=visit_id, country="BD", trainer_id=world.people.trainer, reason="cancelled")
    )
    await world.pass_time(days=13)
    assert not await emitted(world.pool, OfferLapsed)
    assert [one["answer"] for one in await mine(world, visit_id)] == ["withdrawn"]
    answer = await world.post(accept(visit_id), by=world.people.other_trainer, status=409)
    assert answer.json()["code"] == "visit_not_open"


async def test_who_was_booked_before_anybody_was_asked_to_go_along_can_still_decline(world: World) -> None:
    visit_id = await paired(world)
    await world.pool.execute("delete from company_offers")
    path = f"/visits/api/visits/{visit_id}/decline"
    await world.post(path, {"reason": "leave"}, by=world.people.other_trainer, status=200)
    (declined,) = await emitted(world.pool, VisitDeclined)
    assert declined.trainer_id == world.people.other_trainer
