"""A plan is looked at before anybody is told: why, why not, what if, what differs, and whom it reaches."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from shared.contracts.booking import VisitScheduled

from .conftest import Programme, workbook


async def planned(bd: Programme, **changes: Any) -> tuple[str, dict[str, Any]]:
    cohort_id = await bd.create(**changes)
    await bd.plan_all()
    return cohort_id, (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()


async def put(bd: Programme, path: str, body: Any, **who: Any) -> Any:
    async with bd.client(**who) as client:
        return await client.put(path, json=body, headers={"Idempotency-Key": str(uuid4())})


async def test_a_plan_says_how_good_it_is_how_even_and_how_it_came_about(bd: Programme) -> None:
    _, plan = await planned(bd)
    assert sum(one["visits"] for one in plan["loads"]) == len(plan["placements"])
    assert {one["trainer"]["key"] for one in plan["loads"]} == {"BD-T1", "BD-T2", "BD-T3", "BD-T4"}
    assert all(one["share"] == 3 for one in plan["loads"])
    assert plan["cost"] >= plan["bound"] >= 0
    assert len(plan["trace"]) >= 1
    assert plan["trace"][-1][1] == round(plan["cost"], 2) or abs(plan["trace"][-1][1] - plan["cost"]) < 0.1


async def test_why_her_and_not_the_next_three(bd: Programme) -> None:
    cohort_id, plan = await planned(bd)
    visit = next(one for one in plan["placements"] if one["stage"] == "visit_1")
    path = f"/api/plans/{plan['plan_id']}/visits/{visit['visit_id']}/reasons"
    why = (await bd.get(path)).json()
    assert why["trainer"] == visit["trainer"]
    assert why["parts"]
    others = why["trainers"]
    assert len(others) == 3
    assert {one["trainer"]["key"] for one in others} | {visit["trainer"]["key"]} == {"BD-T1", "BD-T2", "BD-T3", "BD-T4"}
    for one in others:
        assert one["reasons"] or one["extra_cost"] is not None
    assert [one["day"] for one in why["days"]]
    asked = (await bd.get(f"{path}?trainer={others[-1]['trainer']['key']}")).json()
    assert asked["trainers"][0]["trainer"]["key"] == others[-1]["trainer"]["key"]
    assert (await bd.get(f"{path}?trainer=NOBODY")).status_code == 404
    assert (await bd.get(path, countries=("PE",))).status_code == 404
    await bd.post(f"/api/plans/{plan['plan_id']}/publish")
    assert (await bd.get(path)).json()["code"] == "plan_not_open"
    assert cohort_id


async def test_a_visit_without_a_place_is_told_what_would_place_it(bd: Programme) -> None:
    """Everybody is away until the last day but one: a little leave moved, or a later last day, would help."""
    leave = [("person", "first", "last"), *((f"BD-T{n}", "2026-03-01", "2026-05-30") for n in (2, 3, 4))]
    assert (await bd.upload(workbook(leave=leave))).status_code == 200
    cohort_id, plan = await planned(bd, trainer_keys=["BD-T2", "BD-T3", "BD-T4"])
    left = next(one for one in plan["unplaced"] if one["stage"] == "baseline")
    path = f"/api/plans/{plan['plan_id']}/visits/{left['visit_id']}/reasons"
    why = (await bd.get(path)).json()
    assert why["reasons"][0]["code"] == "all_on_leave"
    helps = {one["code"]: one for one in why["relaxations"]}
    (step,) = helps["leave_ignored"]["steps"]
    assert step["trainer"]["key"] in {"BD-T2", "BD-T3", "BD-T4"}
    assert (step["amount"], step["first"]) == (1, step["last"])
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "infeasible"


async def test_what_if_somebody_were_left_out_and_the_copy_is_taken(bd: Programme) -> None:
    cohort_id, plan = await planned(bd)
    busiest = plan["loads"][0]["trainer"]["key"]
    asked = await bd.post(f"/api/cohorts/{cohort_id}/what-if", {"without": [busiest], "weights": {"per_km": 3}})
    assert asked.status_code == 202, asked.text
    await bd.plan_all()
    job = (await bd.get(f"/api/planning-jobs/{asked.json()['job_id']}")).json()
    assert job["state"] == "done"
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["plan_id"] == plan["plan_id"], "nothing changed"

    copy = (await bd.get(f"/api/plans/{job['plan_id']}")).json()
    assert copy["state"] == "what_if"
    assert copy["weights"]["per_km"] == 3
    assert busiest not in {one["trainer"]["key"] for one in copy["placements"]}
    history = (await bd.get(f"/api/cohorts/{cohort_id}/plans")).json()["items"]
    assert [one["state"] for one in history] == ["what_if", "proposed"]

    differs = (await bd.get(f"/api/plans/{copy['plan_id']}/difference?against={plan['plan_id']}")).json()
    had = [one for one in plan["placements"] if one["trainer"]["key"] == busiest]
    assert differs["figures"]["visits"] >= len(had)
    assert differs["cost"]["after"] == copy["cost"]
    assert {one["before"]["trainer"]["key"] for one in differs["changes"]} >= {busiest}

    assert (await bd.post(f"/api/plans/{copy['plan_id']}/publish")).json()["code"] == "plan_only_supposed"
    adopted = await bd.post(f"/api/plans/{copy['plan_id']}/adopt")
    assert adopted.json()["plan_id"] == copy["plan_id"]
    assert (await bd.post(f"/api/plans/{plan['plan_id']}/publish")).json()["code"] == "plan_superseded"
    assert (await bd.post(f"/api/plans/{copy['plan_id']}/publish")).status_code == 200
    assert len(await bd.facts(VisitScheduled)) == len(copy["placements"])
    late = await bd.post(f"/api/cohorts/{cohort_id}/what-if", {})
    assert (late.status_code, late.json()["code"]) == (409, "cohort_not_open")


async def test_before_publishing_everybody_who_will_be_told_is_named_and_nothing_moves(bd: Programme) -> None:
    _, plan = await planned(bd)
    effects = (await bd.get(f"/api/plans/{plan['plan_id']}/effects")).json()
    visits = len(plan["placements"])
    assert effects["figures"]["placed"] == effects["figures"]["visits"] == visits
    assert effects["figures"]["moved"] == 0
    assert sum(one["messages"] for one in effects["trainers"]) == visits
    assert {one["who"]["key"] for one in effects["enterprises"]} == {"BD-E1", "BD-E2", "BD-E3"}
    classroom = next(one for one in plan["placements"] if one["stage"] == "classroom")
    assert effects["calendar_entries"]["new"] == visits + (visits - 1) + len(classroom["enterprises"])
    await bd.post(f"/api/plans/{plan['plan_id']}/publish")
    after = (await bd.get(f"/api/plans/{plan['plan_id']}/effects")).json()
    assert after["figures"]["visits"] == 0
    stands = (await bd.get(f"/api/plans/{plan['plan_id']}/difference")).json()
    assert stands["changes"] == []


async def test_the_checker_can_be_asked_before_publishing(bd: Programme) -> None:
    _, plan = await planned(bd)
    path = f"/api/plans/{plan['plan_id']}/clashes"
    assert (await bd.get(path)).json() == {"items": []}
    first = plan["placements"][0]
    leave = [("person", "first", "last"), (first["trainer"]["key"], first["day"], first["day"])]
    assert (await bd.upload(workbook(leave=leave))).status_code == 200
    clashes = (await bd.get(path)).json()["items"]
    hers = {
        one["visit_id"]
        for one in plan["placements"]
        if (one["trainer"], one["day"]) == (first["trainer"], first["day"])
    }
    assert {one["code"] for one in clashes} == {"leave"}
    assert {visit for one in clashes for visit in one["visit_ids"]} == hers


async def test_weights_are_read_and_set_for_a_country_and_for_one_cohort(bd: Programme) -> None:
    cohort_id = await bd.create()
    before = (await bd.get("/api/weights?country=BD")).json()["items"]
    assert all(one["set_for"] == "default" and one["points"] == one["default"] and one["meaning"] for one in before)
    body = {"country": "BD", "weights": {"per_km": 0.5, "per_night_away": 200}}
    assert (await put(bd, "/api/weights", body)).status_code == 200
    body = {"country": "BD", "cohort_id": cohort_id, "weights": {"per_km": 2}}
    shown = (await put(bd, "/api/weights", body)).json()["items"]
    value = {one["name"]: (one["points"], one["set_for"]) for one in shown}
    assert value["per_km"] == (2, "cohort")
    assert value["per_night_away"] == (200, "country")
    assert value["per_day_off_target"] == (4, "default")
    await bd.plan_all()
    plan = (await bd.get(f"/api/cohorts/{cohort_id}/plan")).json()
    assert (plan["weights"]["per_km"], plan["weights"]["per_night_away"]) == (2, 200)

    wrong = await put(bd, "/api/weights", {"country": "BD", "weights": {"per_mile": 1, "per_km": -1}})
    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["errors"]] == ["per_mile", "per_km"]
    assert (await put(bd, "/api/weights", {"country": "PE", "weights": {}})).status_code == 404


async def test_what_is_supposed_must_be_possible(bd: Programme) -> None:
    cohort_id, _ = await planned(bd)
    for body, code in (
        ({"without": ["BD-T9"]}, "unknown_trainer"),
        ({"until": "2026-03-01"}, "until_out_of_range"),
        ({"weights": {"per_km": 10_000}}, "weight_out_of_range"),
    ):
        answer = await bd.post(f"/api/cohorts/{cohort_id}/what-if", body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_pages_show_how_good_a_plan_is_why_and_what_if(bd: Programme) -> None:
    cohort_id, plan = await planned(bd)
    page = await bd.get(f"/plans/{plan['plan_id']}")
    assert page.status_code == 200
    assert "points no plan can go below" in page.text
    assert plan["loads"][0]["trainer"]["name"] in page.text
    visit = plan["placements"][0]
    why = await bd.get(f"/plans/{plan['plan_id']}/visits/{visit['visit_id']}/why")
    assert why.status_code == 200
    assert "Why not the next ones" in why.text
    asked = plan["loads"][0]["trainer"]["key"]
    async with bd.client() as client:
        form = {"idempotency_key": str(uuid4()), "without": asked, "per_km": "2", "until": ""}
        made = await client.post(f"/plans/{plan['plan_id']}/what-if", data=form)
        assert made.status_code == 303, made.text
        await bd.plan_all()
        wrong = await client.post(
            f"/plans/{plan['plan_id']}/what-if", data=form | {"per_km": "-1", "idempotency_key": str(uuid4())}
        )
        assert wrong.status_code == 422
    copy = (await bd.get(f"/api/cohorts/{cohort_id}/plans")).json()["items"][0]
    assert copy["assumptions"]["weights"] == {"per_km": 2.0}
    review = await bd.get(f"/plans/{copy['plan_id']}")
    assert "What differs from the proposal" in review.text
    publish = await bd.get(f"/cohorts/{cohort_id}/publish")
    assert "/notifications/fragments/reach?person=" in publish.text
    board = await bd.get(f"/cohorts/{cohort_id}")
    assert f"/scheduler/plans/{plan['plan_id']}" in board.text
    async with bd.client() as client:
        taken = await client.post(f"/plans/{copy['plan_id']}/adopt", data={"idempotency_key": str(uuid4())})
    assert taken.headers["location"] == f"/scheduler/cohorts/{cohort_id}"
