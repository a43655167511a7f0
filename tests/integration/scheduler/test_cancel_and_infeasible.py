"""A cancelled cohort leaves nothing behind in the timetable; an infeasible one says why, by enterprise and stage."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from shared.contracts.booking import BookingUnplaceable, BookingWithdrawn
from shared.contracts.cohort import CohortCancelled, CohortCompleted, CohortPlanned

from .conftest import ClosedDays, Programme
from .test_answers import missed, reported, until


async def test_cancelling_withdraws_all_that_is_ahead(bd: Programme) -> None:
    cohort_id = await bd.published()
    visits = await bd.bookings(cohort_id)
    until(bd, visits[0]["starts_at"], hours=1)
    answer = await bd.post(f"/api/cohorts/{cohort_id}/cancel", {"reason": "The donor stopped."})
    assert answer.json()["state"] == "cancelled"
    begun = {one["visit_id"] for one in visits if one["starts_at"] <= visits[0]["starts_at"]}
    withdrawn = await bd.facts(BookingWithdrawn)
    assert {str(one.visit_id) for one in withdrawn} == {one["visit_id"] for one in visits} - begun
    assert len(await bd.facts(CohortCancelled)) == 1
    taken = await bd.pool.fetch("select visit_id from timetable")
    assert {str(row["visit_id"]) for row in taken} == begun

    again = await bd.post(f"/api/cohorts/{cohort_id}/cancel", {"reason": "The donor stopped."})
    assert again.status_code == 200
    assert len(await bd.facts(CohortCancelled)) == 1


async def test_a_missed_visit_of_a_cancelled_cohort_is_not_planned_again(bd: Programme) -> None:
    cohort_id = await bd.published()
    visits = await bd.bookings(cohort_id)
    until(bd, visits[0]["starts_at"], hours=1)
    await bd.post(f"/api/cohorts/{cohort_id}/cancel", {"reason": "The donor stopped."})
    until(bd, visits[0]["ends_at"], hours=3)
    await bd.feeder.deliver(missed(visits[0]))
    assert await bd.plan_all() == 0
    assert (await bd.booking(visits[0]["visit_id"]))["state"] == "withdrawn"


async def test_cancelling_before_publishing_tells_nobody_of_visits(bd: Programme) -> None:
    cohort_id = await bd.create()
    await bd.post(f"/api/cohorts/{cohort_id}/cancel", {"reason": "a mistake"})
    assert await bd.facts(BookingWithdrawn) == []
    assert await bd.plan_all() == 0


async def test_an_infeasible_cohort_names_enterprise_stage_and_reason(bd: Programme) -> None:
    closed = (ClosedDays(first=date(2026, 3, 1), last=date(2026, 6, 30), reason="peak season"),)
    await bd.know_enterprise("BD-E2", closed=closed)
    cohort_id = await bd.create()
    await bd.plan_all()
    shown = (await bd.get(f"/api/cohorts/{cohort_id}")).json()
    assert shown["state"] == "infeasible"
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    baseline = next(
        one for one in plan["unplaced"] if one["stage"] == "baseline" and one["enterprises"][0]["key"] == "BD-E2"
    )
    assert [reason["code"] for reason in baseline["reasons"]] == ["enterprise_closed"]
    assert baseline["reasons"][0]["enterprise"]["key"] == "BD-E2"
    assert baseline["relaxations"]
    (planned,) = await bd.facts(CohortPlanned)
    assert planned.unplaced == len(plan["unplaced"]) > 0

    answer = await bd.post(f"/api/plans/{plan['plan_id']}/publish")
    assert (answer.status_code, answer.json()["code"]) == (409, "plan_incomplete")
    answer = await bd.post(f"/api/plans/{plan['plan_id']}/publish", {"accept_unplaced": True})
    assert answer.status_code == 200
    assert len(await bd.facts(BookingUnplaceable)) == len(plan["unplaced"])


async def test_an_unplaceable_visit_is_placed_when_its_obstacle_is_gone(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "visit_2"))[-1]
    until(bd, visit["ends_at"], hours=3)
    for other in await bd.bookings(cohort_id):
        if other["visit_id"] != visit["visit_id"]:
            await bd.feeder.deliver(reported(other))
    bd.clock.advance(timedelta(days=30))
    await bd.feeder.deliver(missed(visit))
    await bd.plan_all()
    stuck = await bd.booking(visit["visit_id"])
    assert stuck["state"] == "unplaceable"
    wrong = await bd.post(f"/api/bookings/{visit['visit_id']}/replan", {"want": "another_day"})
    assert wrong.json()["code"] == "wrong_wish"
    assert await bd.facts(CohortCompleted) == []
    answer = await bd.post(f"/api/bookings/{visit['visit_id']}/withdraw")
    assert answer.json()["state"] == "withdrawn"
    (done,) = await bd.facts(CohortCompleted)
    assert (done.visits_reported, done.visits_withdrawn) == (9, 1)
    assert {one.visit_id for one in await bd.facts(BookingWithdrawn)} == {UUID(visit["visit_id"])}
