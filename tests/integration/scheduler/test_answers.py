"""A visit that somebody will not or cannot do goes to the next best by itself, or a coordinator is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.booking import BookingMoved, BookingReassigned, BookingUnplaceable, VisitScheduled
from shared.contracts.cohort import CohortCompleted
from shared.contracts.visit import (
    OfferLapsed,
    RescheduleWanted,
    VisitConfirmed,
    VisitDeclined,
    VisitMissed,
    VisitReported,
)

from .conftest import LAST, Programme, workbook


def declined(visit: dict[str, Any]) -> VisitDeclined:
    return VisitDeclined(
        visit_id=UUID(visit["visit_id"]), offer=1, country="BD", trainer_id=UUID(visit["trainer"]["id"]), reason="ill"
    )


def lapsed(visit: dict[str, Any]) -> OfferLapsed:
    return OfferLapsed(visit_id=UUID(visit["visit_id"]), offer=1, country="BD", trainer_id=UUID(visit["trainer"]["id"]))


def missed(visit: dict[str, Any]) -> VisitMissed:
    return VisitMissed(
        visit_id=UUID(visit["visit_id"]),
        country="BD",
        trainer_id=UUID(visit["trainer"]["id"]),
        ended_at=datetime.fromisoformat(visit["ends_at"]),
    )


def reported(visit: dict[str, Any], *, whole: bool = True) -> VisitReported:
    return VisitReported(
        visit_id=UUID(visit["visit_id"]),
        report_id=uuid4(),
        country="BD",
        trainer_id=UUID(visit["trainer"]["id"]),
        reported_at=datetime.fromisoformat(visit["ends_at"]),
        whole=whole,
    )


def confirmed(visit: dict[str, Any]) -> VisitConfirmed:
    return VisitConfirmed(
        visit_id=UUID(visit["visit_id"]),
        offer=1,
        country="BD",
        kind=visit["kind"],
        stage=visit["stage"],
        enterprise_ids=tuple(UUID(one["id"]) for one in visit["enterprises"]),
        trainer_id=UUID(visit["trainer"]["id"]),
        starts_at=datetime.fromisoformat(visit["starts_at"]),
        ends_at=datetime.fromisoformat(visit["ends_at"]),
        zone=visit["zone"],
    )


def until(bd: Programme, instant: str, hours: int = 0) -> None:
    """Business time goes to an instant."""
    bd.clock.advance(datetime.fromisoformat(instant) + timedelta(hours=hours) - bd.clock.now())


async def test_a_declined_visit_goes_to_somebody_else_on_the_same_day(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    await bd.feeder.deliver(declined(visit), times=2)
    assert await bd.plan_all() == 1
    (fact,) = await bd.facts(BookingReassigned)
    assert fact.former_trainer_id == UUID(visit["trainer"]["id"])
    assert fact.trainer_id != fact.former_trainer_id
    after = await bd.booking(visit["visit_id"])
    assert (after["state"], after["day"]) == ("booked", visit["day"])
    assert [step["what"] for step in after["steps"]] == ["scheduled", "declined", "reassigned"]


async def test_nobody_who_refused_is_asked_again_and_a_dry_pool_tells_the_coordinator(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit_id = (await bd.bookings(cohort_id, "baseline"))[0]["visit_id"]
    asked: list[str] = []
    while (visit := await bd.booking(visit_id))["state"] == "booked" and len(asked) < 10:
        asked.append(visit["trainer"]["id"])
        answer = declined(visit) if len(asked) % 2 else lapsed(visit)
        await bd.feeder.deliver(answer)
        await bd.plan_all()
    assert len(asked) == len(set(asked)) == 4
    (fact,) = await bd.facts(BookingUnplaceable)
    assert (fact.visit_id, fact.former_trainer_id) == (UUID(visit_id), UUID(asked[-1]))
    assert "pool_dry" in fact.codes
    assert visit["state"] == "unplaceable"
    assert visit["reasons"]


async def test_an_answer_to_an_older_offer_changes_nothing(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    await bd.feeder.deliver(declined(visit))
    await bd.plan_all()
    await bd.feeder.deliver(confirmed(visit))
    await bd.feeder.deliver(lapsed(visit))
    assert await bd.plan_all() == 0
    now = await bd.booking(visit["visit_id"])
    assert now["state"] == "booked"
    await bd.feeder.deliver(confirmed(now))
    assert (await bd.booking(visit["visit_id"]))["state"] == "confirmed"


async def test_a_rescheduled_visit_moves_to_another_day_within_its_bands_with_its_trainer(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "visit_1"))[0]
    trainer_id = UUID(visit["trainer"]["id"])
    await bd.feeder.deliver(confirmed(visit))
    await bd.feeder.deliver(
        RescheduleWanted(
            visit_id=UUID(visit["visit_id"]), country="BD", trainer_id=trainer_id, wanted_by=trainer_id, reason="closed"
        )
    )
    await bd.plan_all()
    (fact,) = await bd.facts(BookingMoved)
    assert fact.trainer_id == trainer_id
    after = await bd.booking(visit["visit_id"])
    assert after["day"] != visit["day"]
    assert (after["state"], after["moves"]) == ("booked", 1)
    classroom = (await bd.bookings(cohort_id, "classroom"))[0]
    ended = date.fromisoformat(classroom["day"]) + timedelta(days=1)
    assert 7 <= (date.fromisoformat(after["day"]) - ended).days <= 28


async def test_a_missed_baseline_still_comes_before_the_classroom(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    classroom = (await bd.bookings(cohort_id, "classroom"))[0]
    until(bd, visit["ends_at"], hours=3)
    await bd.feeder.deliver(missed(visit))
    await bd.plan_all()
    after = await bd.booking(visit["visit_id"])
    assert after["state"] == "booked"
    today = (bd.clock.now() + timedelta(hours=6)).date()
    assert today < date.fromisoformat(after["day"])
    assert (date.fromisoformat(classroom["day"]) - date.fromisoformat(after["day"])).days >= 2


async def test_a_baseline_missed_too_late_is_unplaceable_with_the_reason(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[-1]
    classroom = (await bd.bookings(cohort_id, "classroom"))[0]
    until(bd, classroom["starts_at"], hours=-36)
    await bd.feeder.deliver(missed(visit))
    await bd.plan_all()
    after = await bd.booking(visit["visit_id"])
    assert after["state"] == "unplaceable"
    assert {"gap_band"} <= {reason["code"] for reason in after["reasons"]}
    (fact,) = await bd.facts(BookingUnplaceable)
    assert "gap_band" in fact.codes


async def test_what_was_done_in_part_carries_over_to_a_visit_of_the_same_stage(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    until(bd, visit["ends_at"])
    await bd.feeder.deliver(reported(visit, whole=False))
    await bd.plan_all()
    remainder = next(one for one in await bd.bookings(cohort_id, "baseline") if one["carried_from"])
    assert remainder["carried_from"] == visit["visit_id"]
    assert (remainder["state"], remainder["trainer"]) == ("booked", visit["trainer"])
    classroom = (await bd.bookings(cohort_id, "classroom"))[0]
    assert date.fromisoformat(visit["day"]) < date.fromisoformat(remainder["day"])
    assert (date.fromisoformat(classroom["day"]) - date.fromisoformat(remainder["day"])).days >= 2
    scheduled = await bd.facts(VisitScheduled)
    assert scheduled[-1].carried_from == UUID(visit["visit_id"])


async def test_the_last_report_completes_the_cohort_once_with_its_figures(bd: Programme) -> None:
    cohort_id = await bd.published()
    visits = await bd.bookings(cohort_id)
    await bd.feeder.deliver(declined(visits[0]))
    await bd.plan_all()
    visits = await bd.bookings(cohort_id)
    until(bd, visits[-1]["ends_at"])
    for visit in visits[:-1]:
        await bd.feeder.deliver(reported(visit))
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "published"
    await bd.feeder.deliver(reported(visits[-1]), times=3)
    shown = (await bd.get(f"/api/cohorts/{cohort_id}")).json()
    assert shown["state"] == "completed"
    (fact,) = await bd.facts(CohortCompleted)
    assert (fact.visits_planned, fact.visits_reported, fact.enterprises, fact.offers_declined) == (10, 10, 3, 1)
    assert await bd.create(first_day=(LAST + timedelta(days=7)).isoformat(), last_day="2026-08-31")


async def test_a_visit_that_was_moved_ahead_is_not_missed_by_an_older_fact(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    await bd.feeder.deliver(missed(visit))  # its end is still ahead
    assert await bd.plan_all() == 0
    assert (await bd.booking(visit["visit_id"]))["day"] == visit["day"]


async def test_a_report_that_comes_while_a_visit_is_being_moved_wins(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    until(bd, visit["ends_at"], hours=3)
    await bd.feeder.deliver(missed(visit))
    await bd.feeder.deliver(reported(visit))
    await bd.plan_all()
    after = await bd.booking(visit["visit_id"])
    assert (after["state"], after["day"]) == ("reported", visit["day"])
    assert await bd.facts(BookingMoved, BookingReassigned, BookingUnplaceable) == []


async def test_leave_entered_after_publishing_shows_and_another_trainer_takes_over(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "visit_2"))[0]
    day = date.fromisoformat(visit["day"])
    leave = [("person", "first", "last"), (visit["trainer"]["key"], day, day)]
    assert "Trainer not available" not in (await bd.get("/")).text
    assert (await bd.upload(workbook(leave=leave))).status_code == 200
    assert "Trainer not available" in (await bd.get("/")).text
    answer = await bd.post(f"/api/bookings/{visit['visit_id']}/replan", {"want": "another_trainer"})
    assert answer.status_code == 202, answer.text
    await bd.plan_all()
    after = await bd.booking(visit["visit_id"])
    assert (after["day"], after["state"]) == (visit["day"], "booked")
    assert after["trainer"] != visit["trainer"]
