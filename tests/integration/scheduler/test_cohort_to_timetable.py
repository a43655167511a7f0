"""A cohort is created in one act, planned against everything booked, and published as a whole."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from shared.contracts.booking import BookingWithdrawn, VisitScheduled
from shared.contracts.cohort import CohortCreated, CohortPlanned, CohortPublished

from .conftest import FIRST, LAST, ClosedDays, Programme

FIVE = [f"BD-E{number}" for number in range(1, 6)]


async def test_from_the_wish_to_the_timetable(bd: Programme) -> None:
    cohort_id = await bd.create(name="Spring", enterprise_keys=FIVE)
    created = (await bd.get(f"/api/cohorts/{cohort_id}")).json()
    assert created["state"] == "planning"
    assert created["figures"]["visits"] == 5 + 1 + 5 + 5

    assert await bd.plan_all() == 1
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    assert plan["unplaced"] == []
    assert len(plan["placements"]) == 16
    assert all(one["trainer"]["name"].startswith("Trainer BD-T") for one in plan["placements"])
    assert all(one["alternatives"] for one in plan["placements"])

    answer = await bd.post(f"/api/plans/{plan['plan_id']}/publish")
    assert answer.json()["state"] == "published"
    again = await bd.post(f"/api/plans/{plan['plan_id']}/publish")
    assert (again.status_code, again.json()) == (200, answer.json())

    scheduled = await bd.facts(VisitScheduled)
    assert len(scheduled) == 16
    assert [type(one) for one in await bd.facts(CohortCreated, CohortPlanned, CohortPublished)] == [
        CohortCreated,
        CohortPlanned,
        CohortPublished,
    ]


async def test_the_order_of_stages_and_the_calendar_are_kept(bd: Programme) -> None:
    cohort_id = await bd.published(enterprise_keys=FIVE)
    visits = await bd.bookings(cohort_id)
    days = {
        (one["stage"], enterprise["key"]): date.fromisoformat(one["day"])
        for one in visits
        for enterprise in one["enterprises"]
    }
    classroom = next(one for one in visits if one["stage"] == "classroom")
    assert (classroom["days"], len(classroom["enterprises"])) == (2, 5)
    for number in range(1, 6):
        key = f"BD-E{number}"
        assert 2 <= (days["classroom", key] - days["baseline", key]).days <= 28
        assert 7 <= (days["visit_1", key] - days["classroom", key] - timedelta(days=1)).days <= 28
        assert 10 <= (days["visit_2", key] - days["visit_1", key]).days <= 35
    assert all(FIRST <= day <= LAST for day in days.values())
    assert not {5, 6} & {day.isoweekday() for day in days.values()}
    assert date(2026, 3, 26) not in days.values()


async def test_wall_time_zone_and_instant_agree(bd: Programme) -> None:
    cohort_id = await bd.published()
    for one in await bd.bookings(cohort_id):
        starts_at = datetime.fromisoformat(one["starts_at"])
        assert one["zone"] == "Asia/Dhaka"
        assert starts_at + timedelta(hours=6) == datetime.fromisoformat(f"{one['day']}T{one['start']}:00+00:00")


async def test_two_plans_published_at_once_never_book_anybody_twice(bd: Programme) -> None:
    for number in range(6, 9):
        await bd.know_enterprise(f"BD-E{number}")
    cohorts = [
        await bd.create(enterprise_keys=["BD-E1", "BD-E2", "BD-E3"]),
        await bd.create(enterprise_keys=["BD-E6", "BD-E7", "BD-E8"]),
    ]
    await bd.plan_all()
    plans = [(await bd.get(f"/api/cohorts/{one}")).json()["plan_id"] for one in cohorts]
    answers = await asyncio.gather(*(bd.post(f"/api/plans/{plan}/publish") for plan in plans))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = next(place for place, answer in enumerate(answers) if answer.status_code == 409)
    assert answers[loser].json()["code"] == "plan_clashes"
    assert answers[loser].json()["errors"]
    assert len(await bd.facts(CohortPublished)) == 1

    assert (await bd.post(f"/api/cohorts/{cohorts[loser]}/replan")).status_code == 202
    await bd.plan_all()
    newest = (await bd.get(f"/api/cohorts/{cohorts[loser]}")).json()["plan_id"]
    assert (await bd.post(f"/api/plans/{newest}/publish")).status_code == 200


async def test_the_database_itself_refuses_a_second_booking_of_the_same_hours(bd: Programme) -> None:
    cohort_id = await bd.published()
    visits = await bd.bookings(cohort_id, "baseline")
    sneak = "update timetable set trainer_id = $1, during = $2::text::tstzrange where visit_id = $3"
    span = f"[{visits[0]['starts_at']},{visits[0]['ends_at']})"
    with pytest.raises(asyncpg.ExclusionViolationError):
        await bd.pool.execute(sneak, visits[0]["trainer"]["id"], span, visits[1]["visit_id"])


async def test_a_visit_that_was_never_announced_is_withdrawn_in_silence(bd: Programme) -> None:
    closed = (ClosedDays(first=date(2026, 3, 1), last=date(2026, 6, 30), reason="peak season"),)
    await bd.know_enterprise("BD-E2", closed=closed)
    cohort_id = await bd.create()
    await bd.plan_all()
    plan = (await bd.get(f"/api/cohorts/{cohort_id}")).json()["plan_id"]
    await bd.post(f"/api/plans/{plan}/publish", {"accept_unplaced": True})
    (stuck, *_) = [one for one in await bd.bookings(cohort_id) if one["state"] == "unplaceable"]
    assert (await bd.post(f"/api/bookings/{stuck['visit_id']}/withdraw")).status_code == 200
    assert await bd.facts(BookingWithdrawn) == []  # a reader that never heard of it would wait for it for ever
