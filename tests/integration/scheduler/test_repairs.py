"""Illness, leaving, a closed factory, a holiday: what changes is shown first, then done as one act."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.booking import BookingMoved, BookingReassigned, BookingUnplaceable

from .conftest import Programme
from .test_answers import confirmed


async def busiest(bd: Programme, cohort_id: str) -> tuple[str, list[dict[str, Any]]]:
    visits = await bd.bookings(cohort_id)
    key, _ = Counter(one["trainer"]["key"] for one in visits).most_common(1)[0]
    return key, [one for one in visits if one["trainer"]["key"] == key]


async def test_a_trainer_leaves_and_all_their_visits_are_handed_over_in_one_act(bd: Programme) -> None:
    cohort_id = await bd.published()
    key, theirs = await busiest(bd, cohort_id)
    body = {"kind": "leaves", "country": "BD", "first": "2026-03-02", "who": key}
    answer = await bd.post("/api/repairs", body)
    assert answer.status_code == 201, answer.text
    repair = answer.json()
    assert {one["visit_id"] for one in repair["changes"]} == {one["visit_id"] for one in theirs}
    assert repair["figures"]["hit"] == len(theirs)
    assert repair["calendar_entries"]["cancelled"] == len(theirs)
    assert {one["who"]["key"] for one in repair["trainers"]} >= {key}
    assert (await bd.bookings(cohort_id))[0]["trainer"] is not None, "nothing has changed yet"
    assert not await bd.facts(BookingReassigned, BookingMoved)

    done = await bd.post(f"/api/repairs/{repair['repair_id']}/apply")
    assert (done.status_code, done.json()["state"]) == (200, "applied")
    again = await bd.post(f"/api/repairs/{repair['repair_id']}/apply")
    assert again.json() == done.json()
    after = {one["visit_id"]: one for one in await bd.bookings(cohort_id)}
    assert key not in {one["trainer"]["key"] for one in after.values()}
    for change in repair["changes"]:
        assert after[change["visit_id"]]["day"] == change["after"]["day"]
        assert after[change["visit_id"]]["trainer"] == change["after"]["trainer"]
    facts = await bd.facts(BookingReassigned)
    assert {fact.visit_id for fact in facts} == {UUID(one["visit_id"]) for one in theirs}
    assert {fact.reason for fact in facts} == {"trainer_left"}


async def test_illness_for_a_week_leaves_confirmed_visits_of_others_alone(bd: Programme) -> None:
    cohort_id = await bd.published()
    key, theirs = await busiest(bd, cohort_id)
    others = [one for one in await bd.bookings(cohort_id) if one["trainer"]["key"] != key]
    for one in others:
        await bd.feeder.deliver(confirmed(one))
    first = date.fromisoformat(theirs[0]["day"])
    body = {
        "kind": "ill", "country": "BD", "first": first.isoformat(),
        "last": (first + timedelta(days=6)).isoformat(), "who": key, "most_moved": 5,
    }  # fmt: skip
    repair = (await bd.post("/api/repairs", body)).json()
    week = [one for one in theirs if first <= date.fromisoformat(one["day"]) <= first + timedelta(days=6)]
    assert {one["visit_id"] for one in repair["changes"]} >= {one["visit_id"] for one in week}
    assert not {one["visit_id"] for one in repair["changes"]} & {one["visit_id"] for one in others}
    await bd.post(f"/api/repairs/{repair['repair_id']}/apply")
    after = await bd.bookings(cohort_id)
    for one in after:
        if one["trainer"]["key"] == key:
            assert not first <= date.fromisoformat(one["day"]) <= first + timedelta(days=6)
    assert {
        one["visit_id"]: one["state"] for one in after if one["visit_id"] in {o["visit_id"] for o in others}
    } == dict.fromkeys((one["visit_id"] for one in others), "confirmed")


async def test_a_closed_factory_moves_its_visits_and_a_holiday_everybodys(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "visit_2"))[0]
    site = visit["enterprises"][0]["key"]
    body = {"kind": "closed", "country": "BD", "first": visit["day"], "last": visit["day"], "who": site}
    repair = (await bd.post("/api/repairs", body)).json()
    (change,) = repair["changes"]
    assert (change["change"], change["visit_id"]) == ("moved", visit["visit_id"])
    assert (await bd.post(f"/api/repairs/{repair['repair_id']}/apply")).status_code == 200
    assert {fact.reason for fact in await bd.facts(BookingMoved)} == {"enterprise_closed"}

    day = (await bd.bookings(cohort_id, "visit_1"))[0]["day"]
    repair = (await bd.post("/api/repairs", {"kind": "holiday", "country": "BD", "first": day})).json()
    assert repair["figures"]["hit"] >= 1
    await bd.post(f"/api/repairs/{repair['repair_id']}/apply", {"accept_unplaced": True})
    assert day not in {one["day"] for one in await bd.bookings(cohort_id) if one["state"] == "booked"}


async def test_what_was_worked_out_before_something_else_changed_is_refused(bd: Programme) -> None:
    cohort_id = await bd.published()
    key, theirs = await busiest(bd, cohort_id)
    body = {"kind": "leaves", "country": "BD", "first": "2026-03-02", "who": key}
    repair = (await bd.post("/api/repairs", body)).json()
    await bd.feeder.deliver(confirmed(theirs[0]))
    await bd.post(f"/api/bookings/{theirs[0]['visit_id']}/withdraw")
    answer = await bd.post(f"/api/repairs/{repair['repair_id']}/apply")
    assert (answer.status_code, answer.json()["code"]) == (409, "repair_stale")


async def test_visits_that_would_lose_their_place_need_a_word_and_say_why(bd: Programme) -> None:
    cohort_id = await bd.published(trainer_keys=["BD-T2"])
    others = [f"BD-T{n}" for n in (1, 3, 4)]
    for key in others:
        repair = (
            await bd.post("/api/repairs", {"kind": "leaves", "country": "BD", "first": "2026-03-02", "who": key})
        ).json()
        assert repair["changes"] == []
        assert (await bd.post(f"/api/repairs/{repair['repair_id']}/apply")).status_code == 200
    body = {"kind": "leaves", "country": "BD", "first": "2026-03-02", "who": "BD-T2"}
    repair = (await bd.post("/api/repairs", body)).json()
    assert repair["figures"]["left"] == len(await bd.bookings(cohort_id))
    baseline = next(one for one in repair["changes"] if one["stage"] == "baseline")
    assert (baseline["change"], baseline["reasons"][0]["code"]) == ("dropped", "all_on_leave")
    assert baseline["relaxations"]
    answer = await bd.post(f"/api/repairs/{repair['repair_id']}/apply")
    assert answer.json()["code"] == "repair_incomplete"
    assert (await bd.post(f"/api/repairs/{repair['repair_id']}/apply", {"accept_unplaced": True})).status_code == 200
    assert len(await bd.facts(BookingUnplaceable)) == repair["figures"]["left"]


async def test_nonsense_is_refused_and_other_countries_are_not_there(bd: Programme) -> None:
    for body, status, code in (
        ({"kind": "ill", "country": "BD", "first": "2026-03-09", "who": "BD-T1"}, 422, "days_out_of_order"),
        ({"kind": "ill", "country": "BD", "first": "2026-03-09", "last": "2026-03-08", "who": "BD-T1"}, 422, "days_out_of_order"),
        ({"kind": "ill", "country": "BD", "first": "2026-03-09", "last": "2026-03-09"}, 422, "who_missing"),
        ({"kind": "leaves", "country": "BD", "first": "2026-03-09", "who": "BD-T99"}, 404, "not_found"),
        ({"kind": "leaves", "country": "PE", "first": "2026-03-09", "who": "BD-T1"}, 404, "not_found"),
    ):  # fmt: skip
        answer = await bd.post("/api/repairs", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    repair = (
        await bd.post("/api/repairs", {"kind": "leaves", "country": "BD", "first": "2026-03-09", "who": "BD-T1"})
    ).json()
    assert repair["changes"] == []
    assert (await bd.get(f"/api/repairs/{repair['repair_id']}", countries=("PE",))).status_code == 404


async def test_the_pages_ask_show_and_do_it(bd: Programme) -> None:
    cohort_id = await bd.published()
    key, theirs = await busiest(bd, cohort_id)
    async with bd.client() as client:
        assert "hand over all their visits" in (await client.get("/repairs/new")).text
        form = {"kind": "leaves", "country": "BD", "first": "2026-03-02", "last": "", "who": key, "most_moved": "0"}
        made = await client.post("/repairs/new", data=form | {"idempotency_key": str(uuid4())})
        assert made.status_code == 303, made.text
        path = made.headers["location"].removeprefix("/scheduler")
        shown = (await client.get(path)).text
        assert f"Change {len(theirs)} visits" in shown
        assert "What would change" in shown
        wrong = await client.post("/repairs/new", data=form | {"who": "BD-T99", "idempotency_key": str(uuid4())})
        assert wrong.status_code == 422
        done = await client.post(f"{path}/apply", data={"idempotency_key": str(uuid4())})
        assert done.status_code == 303, done.text
        assert "These changes stand in the timetable" in (await client.get(path)).text
