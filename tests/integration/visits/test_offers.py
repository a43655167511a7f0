"""A visit is offered, answered once, and goes on by itself when nobody answers."""

from datetime import timedelta
from uuid import UUID

from shared.contracts.booking import BookingMoved, BookingReassigned, BookingUnplaceable, BookingWithdrawn
from shared.contracts.message import MessageAnswered
from shared.contracts.values import VisitKind
from shared.contracts.visit import (
    OfferLapsed,
    RescheduleWanted,
    VisitCancelled,
    VisitConfirmed,
    VisitDeclined,
    VisitMissed,
    VisitOffered,
)
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


def moved(world: World, visit_id: UUID, **by: float) -> BookingMoved:
    starts = world.clock.now() + timedelta(**by)
    return BookingMoved(
        visit_id=visit_id,
        country="BD",
        trainer_id=world.people.trainer,
        starts_at=starts,
        ends_at=starts + timedelta(hours=6),
        zone="Asia/Dhaka",
        reason="replan",
    )


def reassigned(world: World, visit_id: UUID) -> BookingReassigned:
    starts = world.clock.now() + timedelta(days=12)
    return BookingReassigned(
        visit_id=visit_id,
        country="BD",
        former_trainer_id=world.people.trainer,
        trainer_id=world.people.other_trainer,
        starts_at=starts,
        ends_at=starts + timedelta(hours=6),
        zone="Asia/Dhaka",
        reason="declined",
    )


async def test_a_scheduled_visit_is_offered_once_however_often_the_fact_comes(world: World) -> None:
    visit_id = await world.schedule()
    offers = await emitted(world.pool, VisitOffered)
    assert [(offer.visit_id, offer.offer) for offer in offers] == [(visit_id, 1)]
    assert world.clock.now() < offers[0].respond_by <= world.clock.now() + timedelta(days=4)


async def test_accepting_twice_is_accepting_once(world: World) -> None:
    visit_id = await world.schedule()
    for _ in range(2):
        answer = await world.post(
            f"/visits/api/visits/{visit_id}/accept", {"offer": 1}, by=world.people.trainer, status=200
        )
        assert answer.json()["state"] == "confirmed"
    assert len(await emitted(world.pool, VisitConfirmed)) == 1


async def test_the_opposite_answer_is_refused_with_what_happened(world: World) -> None:
    visit_id = await world.schedule()
    await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=200)
    answer = await world.post(
        f"/visits/api/visits/{visit_id}/decline", {"reason": "leave"}, by=world.people.trainer, status=409
    )
    assert answer.json()["code"] == "offer_answered"
    assert "You accepted this visit" in answer.json()["detail"]
    assert not await emitted(world.pool, VisitDeclined)


async def test_a_decline_needs_a_known_reason(world: World) -> None:
    visit_id = await world.schedule()
    answer = await world.post(
        f"/visits/api/visits/{visit_id}/decline", {"reason": "bored"}, by=world.people.trainer, status=422
    )
    assert answer.json()["field"] == "reason"
    assert "illness" in answer.json()["detail"]


async def test_silence_lapses_at_the_deadline_and_a_late_answer_says_so(world: World) -> None:
    visit_id = await world.schedule()
    (offer,) = await emitted(world.pool, VisitOffered)
    world.clock.advance(offer.respond_by - world.clock.now() - timedelta(seconds=1))
    assert await world.timers.fire_due() == 0
    await world.pass_time(seconds=2)
    assert [fact.offer for fact in await emitted(world.pool, OfferLapsed)] == [1]
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=409)
    assert "lapsed" in answer.json()["detail"]
    assert (await world.get(f"/visits/api/visits/{visit_id}", by=world.people.coordinator))["state"] == "lapsed"
    await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer, status=404)


async def test_after_an_outage_every_offer_that_nobody_answered_lapses_and_the_others_stand(world: World) -> None:
    silent = [await world.schedule() for _ in range(3)]
    accepted = await world.schedule()
    await world.post(f"/visits/api/visits/{accepted}/accept", by=world.people.trainer, status=200)
    world.clock.advance(timedelta(days=13))
    assert await world.timers.fire_due() == 3, "in one batch"
    assert {fact.visit_id for fact in await emitted(world.pool, OfferLapsed)} == set(silent)
    states = await world.pool.fetch("select visit_id, state, answer from visits join visit_offers using (visit_id, offer)")
    assert {row["visit_id"]: (row["state"], row["answer"]) for row in states} == {
        **dict.fromkeys(silent, ("lapsed", "lapsed")), accepted: ("confirmed", "accepted"),
    }  # fmt: skip
    waiting = await world.pool.fetch("select kind, aggregate from timers")
    assert [(row["kind"], row["aggregate"]) for row in waiting] == [("visit.missed", accepted)]


async def test_an_answer_to_an_older_offer_names_the_new_one(world: World) -> None:
    visit_id = await world.schedule()
    await world.feeder.deliver(moved(world, visit_id, days=20))
    assert [fact.offer for fact in await emitted(world.pool, VisitOffered)] == [1, 2]
    answer = await world.post(
        f"/visits/api/visits/{visit_id}/accept", {"offer": 1}, by=world.people.trainer, status=409
    )
    assert answer.json()["code"] == "offer_superseded"
    assert "offer 2" in answer.json()["detail"]
    await world.post(f"/visits/api/visits/{visit_id}/accept", {"offer": 2}, by=world.people.trainer, status=200)


async def test_who_is_no_longer_asked_is_told_so_and_sees_it_no_more(world: World) -> None:
    visit_id = await world.schedule()
    await world.feeder.deliver(reassigned(world, visit_id))
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=409)
    assert "somebody else" in answer.json()["detail"]
    await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer, status=404)
    await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.other_trainer, status=200)


async def test_a_withdrawn_visit_is_cancelled_and_needs_no_answer(world: World) -> None:
    visit_id = await world.schedule()
    await world.feeder.deliver(
        BookingWithdrawn(visit_id=visit_id, country="BD", trainer_id=world.people.trainer, reason="cohort_cancelled")
    )
    assert len(await emitted(world.pool, VisitCancelled)) == 1
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=409)
    assert answer.json()["code"] == "visit_cancelled"
    assert await world.pool.fetchval("select count(*) from timers where aggregate = $1", visit_id) == 0


def without_a_place(visit_id: UUID) -> BookingUnplaceable:
    return BookingUnplaceable(
        visit_id=visit_id,
        cohort_id=new_id(),
        country="BD",
        kind=VisitKind.CONSULTANCY,
        enterprise_ids=(new_id(),),
        codes=("no_day",),
    )


async def test_an_offer_ends_when_the_timetable_has_no_place_for_the_visit_any_more(world: World) -> None:
    """Otherwise its trainer could accept a visit that nobody has planned, and would be the only one who knows."""
    visit_id = await world.schedule()
    await world.feeder.deliver(without_a_place(visit_id))
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=409)
    assert "no day at the moment" in answer.json()["detail"]
    assert (await world.get(f"/visits/api/visits/{visit_id}", by=world.people.coordinator))["state"] == "unplaced"
    await world.pass_time(days=30)
    assert not await emitted(world.pool, OfferLapsed), "nobody is waited for"

    await world.feeder.deliver(moved(world, visit_id, days=20))
    await world.post(f"/visits/api/visits/{visit_id}/accept", {"offer": 2}, by=world.people.trainer, status=200)


async def test_a_confirmed_visit_without_a_place_is_nobodys_and_nobody_is_late_with_it(world: World) -> None:
    visit_id = await world.visit_under_way()
    await world.feeder.deliver(without_a_place(visit_id))
    await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer, status=404)
    assert (await world.get("/visits/api/visits", by=world.people.trainer))["items"] == []
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", {"offer": 1}, by=world.people.trainer, status=409)
    assert "no day at the moment" in answer.json()["detail"]
    await world.pass_time(days=3)
    assert not await emitted(world.pool, VisitMissed)


async def test_a_visit_without_report_is_noticed_a_day_after_its_end(world: World) -> None:
    visit_id = await world.visit_under_way()
    await world.pass_time(hours=29)
    assert not await emitted(world.pool, VisitMissed)
    await world.pass_time(hours=2)
    assert [fact.visit_id for fact in await emitted(world.pool, VisitMissed)] == [visit_id]
    await world.post(
        f"/visits/api/visits/{visit_id}/reschedule", {"reason": "missed"}, by=world.people.coordinator, status=200
    )
    (wanted,) = await emitted(world.pool, RescheduleWanted)
    assert wanted.wanted_by == world.people.coordinator


async def test_another_trainers_and_another_countrys_visit_look_as_if_they_were_not_there(world: World) -> None:
    visit_id = await world.schedule()
    missing = await world.get(f"/visits/api/visits/{new_id()}", by=world.people.trainer, status=404)
    for stranger in (world.people.other_trainer, world.people.peruvian_coordinator):
        seen = await world.get(f"/visits/api/visits/{visit_id}", by=stranger, status=404)
        assert (seen["code"], seen["detail"]) == (missing["code"], missing["detail"])
        assert (await world.get("/visits/api/visits", by=stranger))["items"] == []
    await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.other_trainer, status=404)


async def test_the_wrong_role_is_refused(world: World) -> None:
    visit_id = await world.schedule()
    answer = await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.coordinator, status=403)
    assert answer.json()["code"] == "wrong_role"
    await world.get(f"/visits/api/visits/{visit_id}", by=world.people.officer, status=403)


async def test_an_answer_by_sms_counts_as_a_press_of_the_button(world: World) -> None:
    visit_id = await world.schedule()
    fact = MessageAnswered(
        message_id=new_id(),
        about=visit_id,
        recipient_id=world.people.trainer,
        answer="accept",
        answered_at=world.clock.now(),
    )
    await world.feeder.deliver(fact, times=2)
    assert len(await emitted(world.pool, VisitConfirmed)) == 1


async def test_pages_of_the_list_follow_each_other_without_gap_or_repeat(world: World) -> None:
    wanted = [await world.schedule(starts_at=world.clock.now() + timedelta(days=days)) for days in (9, 5, 7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = await world.get(
            f"/visits/api/visits?limit=2{'&cursor=' + cursor if cursor else ''}", by=world.people.coordinator
        )
        seen += [item["visit_id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [str(wanted[1]), str(wanted[2]), str(wanted[0])]


async def test_one_who_goes_along_can_decline_and_the_trainer_s_answer_stands(world: World) -> None:
    visit_id = await world.schedule(co_trainer_ids=(world.people.other_trainer,))
    await world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer, status=200)
    page = await world.http.get(f"/visits/visits/{visit_id}", headers=world.headers(world.people.other_trainer))
    assert "I cannot go along" in page.text
    path = f"/visits/api/visits/{visit_id}/decline"
    await world.post(path, {"reason": "illness"}, by=world.people.other_trainer, status=200)
    (declined,) = await emitted(world.pool, VisitDeclined)
    assert (declined.visit_id, declined.trainer_id) == (visit_id, world.people.other_trainer)
    shown = await world.get(f"/visits/api/visits/{visit_id}", by=world.people.trainer)
    assert (shown["state"], shown["co_trainers"]) == ("confirmed", [])
    await world.post(path, {"reason": "illness"}, by=world.people.other_trainer, status=200)
    assert len(await emitted(world.pool, VisitDeclined)) == 1, "the same answer twice is the same"


async def test_nobody_stays_away_from_a_visit_that_is_over(world: World) -> None:
    visit_id = await world.schedule(co_trainer_ids=(world.people.other_trainer,))
    await world.feeder.deliver(
        BookingWithdrawn(visit_id=visit_id, country="BD", trainer_id=world.people.trainer, reason="cancelled")
    )
    answer = await world.post(
        f"/visits/api/visits/{visit_id}/decline", {"reason": "illness"}, by=world.people.other_trainer, status=409
    )
    assert answer.json()["code"] == "visit_not_open"
