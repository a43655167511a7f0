"""How few and how many enterprises a classroom has is data of the delivery plan, and planning keeps to it."""

from __future__ import annotations

from datetime import date
from typing import Any

from shared.contracts.booking import VisitScheduled
from shared.contracts.values import VisitKind

from .conftest import STAGE_SHEET, STAGES, ClosedDays, Programme, programme, workbook


def stages(quorum: int, capacity: int | None) -> list[tuple[Any, ...]]:
    """The stages of the programme with a quorum and a capacity for its classroom."""
    header = (*STAGE_SHEET, "quorum", "capacity")
    rows = [("WC", "", *one, *((quorum, capacity) if one[1] == "classroom" else (None, None))) for one in STAGES]
    return [header, *rows]


async def seated(bd: Programme, quorum: int, capacity: int | None) -> None:
    answer = await bd.upload(workbook(**(programme() | {"stages": stages(quorum, capacity)})))
    assert answer.status_code == 200, answer.text


async def test_five_enterprises_with_three_seats_get_two_classrooms_and_nobody_sits_in_both(bd: Programme) -> None:
    await seated(bd, 2, 3)
    cohort_id = await bd.published(enterprise_keys=[f"BD-E{n}" for n in range(1, 6)])
    rooms = await bd.bookings(cohort_id, "classroom")
    sat = [one["key"] for room in rooms for one in room["enterprises"]]
    assert sorted(len(room["enterprises"]) for room in rooms) == [2, 3]
    assert sorted(sat) == [f"BD-E{n}" for n in range(1, 6)]


async def test_a_cohort_that_fits_no_classrooms_is_refused_with_the_numbers_that_would(bd: Programme) -> None:
    await seated(bd, 3, 3)
    answer = await bd.post("/api/cohorts", bd.wish(enterprise_keys=[f"BD-E{n}" for n in range(1, 6)]))
    assert (answer.status_code, answer.json()["code"]) == (422, "no_classroom_fits")
    assert "3 or 6 enterprises" in answer.json()["errors"][0]["expected"]


async def test_a_closed_factory_does_not_keep_the_others_from_a_classroom_above_its_quorum(bd: Programme) -> None:
    await seated(bd, 2, None)
    closed = (ClosedDays(first=date(2026, 3, 1), last=date(2026, 6, 30), reason="peak season"),)
    await bd.know_enterprise("BD-E2", closed=closed)
    cohort_id = await bd.create()
    await bd.plan_all()
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    classroom = next(one for one in plan["placements"] if one["stage"] == "classroom")
    (away,) = classroom["absent"]
    assert away["enterprise"]["key"] == "BD-E2"
    assert [one["code"] for one in away["reasons"]] == ["enterprise_closed"]
    assert "BD-E2" not in [one["key"] for one in classroom["enterprises"]]
    left = {one["stage"]: one for one in plan["unplaced"]}
    assert {one["enterprises"][0]["key"] for one in left.values()} == {"BD-E2"}
    assert left["visit_1"]["reasons"][0]["code"] == "missed_classroom"
    page = await bd.get(f"/plans/{plan['plan_id']}")
    assert "Without Factory BD-E2" in page.text
    why = await bd.get(f"/plans/{plan['plan_id']}/visits/{classroom['visit_id']}/why")
    assert "Who stays away" in why.text


async def test_whoever_stays_away_is_not_invited_and_publishing_asks_first(bd: Programme) -> None:
    await seated(bd, 2, None)
    closed = (ClosedDays(first=date(2026, 3, 10), last=date(2026, 6, 30), reason="peak season"),)
    await bd.know_enterprise("BD-E2", closed=closed)
    cohort_id = await bd.create()
    await bd.plan_all()
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    refused = await bd.post(f"/api/plans/{plan['plan_id']}/publish", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_incomplete")
    told = (await bd.get(f"/api/plans/{plan['plan_id']}/effects")).json()["enterprises"]
    assert {one["who"]["key"]: one["new"] for one in told} == {"BD-E1": 4, "BD-E2": 1, "BD-E3": 4}
    board = await bd.get(f"/cohorts/{cohort_id}")
    assert "Factory BD-E2 stays away from its classroom" in board.text
    page = await bd.get(f"/cohorts/{cohort_id}/publish")
    assert "Factory BD-E2 stays away from its classroom and is not invited" in page.text
    assert 'name="accept_unplaced"' in page.text
    await bd.post(f"/api/plans/{plan['plan_id']}/publish", {"accept_unplaced": True})
    (room,) = [one for one in await bd.facts(VisitScheduled) if one.kind is VisitKind.CLASSROOM]
    assert set(room.enterprise_ids) == {bd.enterprises["BD-E1"], bd.enterprises["BD-E3"]}
    assert {one["key"] for one in (await bd.booking(str(room.visit_id)))["enterprises"]} == {"BD-E1", "BD-E3"}


async def test_a_quorum_belongs_to_a_classroom_and_is_not_above_its_capacity(bd: Programme) -> None:
    rows = stages(4, 3)
    rows[1] = (*rows[1][:-2], 2, None)
    answer = await bd.upload(workbook(stages=rows))
    assert answer.status_code == 422
    found = {(one["code"], one["row"], one["column"]) for one in answer.json()["errors"]}
    assert found >= {("not_a_classroom", 2, "quorum"), ("impossible_capacity", 3, "capacity")}
