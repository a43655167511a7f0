"""Roads from a table: read with errors that name the cell, and the same for the search, the exact model and the checker,
there and back.
"""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from services.scheduler.planner import Instance, Matrix, Placement, Position, Travel, check, solve
from services.scheduler.planner.document import DocumentError, instance_document, instance_of
from services.scheduler.planner.geography import Roads
from services.scheduler.planner.large import search_large
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.travel_table import matrix_document, matrix_of, table
from services.scheduler.planner.valuation import PARTS, Valuation
from tests.unit.planner.factory import HOME, NEAR, booked, days, enterprise, job, placement, plan_of, trainer, world
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_brute_force import cheapest
from tests.unit.planner.test_document import SMALL, gemba
from tests.unit.planner.test_properties import CALM

pytestmark = pytest.mark.xdist_group("compiled")

FAR = Position(10.0, 106.2)


def places(instance: Instance) -> list[Position]:
    """Everywhere somebody can be, each place once."""
    found = [t.home for t in instance.trainers] + [e.position for e in instance.enterprises]
    found += [b.position for b in instance.booked if b.position]
    return list(dict.fromkeys(found))


@st.composite
def by_road(draw: DrawFn, worlds: st.SearchStrategy[Instance]) -> Instance:
    """A small world whose roads are a table: other times there than back, detours that are quicker, some kilometres."""
    instance = draw(worlds)
    everywhere = places(instance)
    away = st.sampled_from([5, 20, 20, 45, 45, 70, 100, 900])
    minutes = [[0 if a == b else draw(away) for b in everywhere] for a in everywhere]
    km = draw(st.sampled_from([None, [[m * draw(st.sampled_from([0.5, 1.0])) for m in row] for row in minutes]]))
    return replace(instance, travel=replace(instance.travel, matrix=table(everywhere, minutes, km)))


def one_way(there: int, back: int, *, estimate: bool = False) -> Matrix:
    """From home to the mill, and back."""
    return table([HOME, NEAR], [[0, there], [back, 0]], estimate=estimate)


def test_the_checker_counts_the_road_in_its_direction() -> None:
    """Ann is at home until ten; the mill is 50 minutes away, and 170 on the way back."""
    dentist = booked("dentist", "ann", 0, 8, 10)
    school = booked("school", "ann", 0, 16, 17)
    for there, back, broken in ((50, 50, []), (170, 50, ["travel"]), (50, 170, ["travel"])):
        instance = world(
            jobs=[job(duration=timedelta(hours=3))],
            booked=(dentist, school),
            travel=Travel(matrix=one_way(there, back)),
        )
        at_eleven = placement(start=11, hours=3)
        found = [v.constraint for v in check(instance, plan_of(instance, at_eleven))]
        assert found == broken, (there, back)


def test_a_shorter_way_by_a_third_place_counts() -> None:
    matrix = table([HOME, NEAR, FAR], [[0, 30, 90], [30, 0, 30], [90, 30, 0]], [[0, 9, 1], [9, 0, 1], [1, 1, 0]])
    assert matrix.minutes[0][2] == matrix.minutes[2][0] == 60
    assert matrix.km is not None
    assert matrix.km[0][1] == 2


def test_a_plan_drives_the_direction_that_is_shorter() -> None:
    """Two sites in one day: the ring road leads one way only, so the near one comes last."""
    minutes = [[0, 60, 20], [20, 0, 60], [60, 20, 0]]
    instance = world(
        [trainer(max_visits_per_day=2)],
        [enterprise("mill", position=NEAR), enterprise("mine", position=FAR)],
        [
            job("a", duration=timedelta(hours=3), window=days(0, 0)),
            job("b", enterprise_ids=("mine",), duration=timedelta(hours=3), window=days(0, 0)),
        ],
        travel=Travel(matrix=table([HOME, NEAR, FAR], minutes, minutes)),
    )
    plan = solve(instance)
    first, second = sorted(plan.placements, key=lambda p: p.start)
    assert (first.job_id, second.job_id) == ("b", "a")
    assert plan.parts["km"] == pytest.approx(60)
    assert plan.gap == 0.0


@settings(CALM, max_examples=12)
@given(by_road(instances(most_jobs=2, most_trainers=2, simple=True)))
def test_the_optimum_by_road_is_the_cheapest_of_all_plans(instance: Instance) -> None:
    plan = solve(instance, max_work=50)
    assert check(instance, plan) == []
    assert plan.gap == 0.0
    assert plan.cost == pytest.approx(cheapest(instance), abs=0.02)


@settings(CALM, max_examples=12)
@given(by_road(instances(most_jobs=5, most_trainers=3)))
def test_the_search_keeps_the_roads_and_its_bound_is_below_every_plan(instance: Instance) -> None:
    outcome = search_large(instance, seed=1, max_work=0.002, max_seconds=None)
    plan = plan_of(instance, *outcome.placements)
    assert check(instance, plan) == []
    assert outcome.bound <= plan.cost + 1e-3
    assert outcome.bound <= solve(instance, max_work=0.3).cost + 1e-3


@settings(CALM, max_examples=8)
@given(by_road(instances(most_jobs=4, most_trainers=3)))
def test_a_price_by_road_is_the_difference_of_two_sums(instance: Instance) -> None:
    plan = solve(instance, max_work=0.05)
    ledger, sums = Ledger(instance, plan.placements), Valuation(instance)
    for one in plan.placements:
        ledger.take(one.job_id)
        rest: list[Placement] = [p for p in plan.placements if p is not one]
        whole, less, price = sums.parts(plan.placements), sums.parts(rest), ledger.price(one)
        for part in set(PARTS) - {"unplaced"}:
            assert price[part] == pytest.approx(whole[part] - less[part], abs=1e-6), part
        ledger.put(one)


def test_a_place_off_the_table_is_refused_by_name_or_estimated_where_that_is_wished() -> None:
    there = [enterprise("mine", position=FAR)]
    with pytest.raises(ValueError, match=r"the site of enterprise mine \(10.0, 106.2\) is not among its places"):
        world(enterprises=there, travel=Travel(matrix=one_way(10, 10)))
    mine = job(enterprise_ids=("mine",))
    guessed = world(enterprises=there, jobs=[mine], travel=Travel(matrix=one_way(10, 10, estimate=True)))
    plan = solve(guessed)
    assert plan.parts == solve(world(enterprises=there, jobs=[mine])).parts
    assert check(guessed, plan) == []


def document(**change: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "format": "gemba-planner-travel/1",
        "places": [{"lat": 10, "lon": 106}, {"lat": 10, "lon": 106.1}],
        "minutes": [[0, 25], [31, 0]],
    }
    return usual | change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"minutes": [[0, -5], [31, 0]]}, "minutes[0][1]: -5 is below 0"),
        ({"minutes": [[0, 25], [None, 0]]}, "minutes[1][0]: is missing"),
        ({"minutes": [[0, 25]]}, "minutes: has 1 rows for 2 places"),
        ({"minutes": [[0, 25], [31]]}, "minutes[1]: has 1 columns for 2 places"),
        ({"minutes": [[0, "25"], [31, 0]]}, "minutes[0][1]: '25' is not a number"),
        ({"minutes": None}, "minutes: is missing"),
        ({"km": [[0, 25], [-1, 0]]}, "km[1][0]: -1 is below 0"),
        ({"places": [{"lat": 10, "lon": 106}, {"lat": 10.000001, "lon": 106}]}, "places[1]: is the same place as places[0]"),
        ({"places": [{"lat": 10, "lon": 106}, {"lat": 91, "lon": 106}]}, "places[1]: lat 91.0 is not between"),
        ({"places": [{"lat": 10, "lon": 106}, {"lat": 9}]}, "places[1]: {'lat': 9} is not a place"),
        ({"missing": "guess"}, "missing: 'guess' is not one of refuse, estimate"),
        ({"durations": []}, "durations: no such field"),
        ({"format": "osrm"}, "format: 'osrm' is not 'gemba-planner-travel/1'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_told_with_its_cell(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        matrix_of(document(**change))


def test_a_gap_that_is_to_be_estimated_is_the_great_circle() -> None:
    matrix = matrix_of(document(minutes=[[0, 25], [None, 0]], missing="estimate"))
    instance = world(travel=Travel(matrix=matrix))
    roads = Ledger(instance).table.roads
    assert roads.minutes(HOME, NEAR) == 25
    assert roads.minutes(NEAR, HOME) == Ledger(world()).table.roads.minutes(NEAR, HOME)


def test_a_table_within_an_instance_comes_back_as_it_went_and_its_errors_have_the_whole_path() -> None:
    instance = world(
        jobs=[job()], travel=Travel(matrix=matrix_of(document(km=[[0, 12.5], [13, 0]], missing="estimate")))
    )
    told = instance_document(instance)
    assert instance_of(json.loads(json.dumps(told))) == instance
    told["travel"]["matrix"]["minutes"][0][1] = -1
    with pytest.raises(DocumentError, match=r"^travel\.matrix\.minutes\[0\]\[1\]: -1 is below 0"):
        instance_of(told)


def test_the_command_plans_and_judges_by_the_roads_of_a_file(tmp_path: Path) -> None:
    instance = instance_of(json.loads(SMALL.read_text()))
    everywhere = places(instance)
    roads = matrix_document(table(everywhere, [[0 if a == b else 90 for b in everywhere] for a in everywhere]))
    (tmp_path / "roads.json").write_text(json.dumps(roads))
    code, plan = gemba("solve", SMALL, "--work", "0.1", "--travel", tmp_path / "roads.json")
    assert (code, plan["violations"]) == (0, [])
    (tmp_path / "plan.json").write_text(json.dumps({"format": plan["format"], "placements": plan["placements"]}))
    assert gemba("check", SMALL, tmp_path / "plan.json", "--travel", tmp_path / "roads.json")[0] == 0
    roads["places"][0]["lat"] += 1
    (tmp_path / "roads.json").write_text(json.dumps(roads))
    code, told = gemba("solve", SMALL, "--travel", tmp_path / "roads.json")
    assert code == 1
    assert "is not among its places" in told["error"]["message"]


def test_a_table_of_estimates_says_what_each_road_by_itself_says() -> None:
    places = [Position(10.0, 106.0), Position(10.5, 106.2), Position(-3.0, 179.9), Position(-3.1, -179.9)]
    roads = Roads(Travel(road_factor=1.4))
    table = roads.estimated_km(places, places[:3])
    for a, row in zip(places, table, strict=True):
        assert row.tolist() == pytest.approx([roads.km(a, b) for b in places[:3]], abs=1e-9)
    assert (table[:3] == table[:3].T).all()
