"""Visits that share a day or a night, placed and booked ones mixed: the road, its kilometres, and the order of things."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from services.scheduler.planner import Gap, Instance, JobKind, Pin, Position, check, solve
from tests.unit.planner.factory import booked, day, days, enterprise, job, trainer, world
from tests.unit.planner.test_brute_force import cheapest

PLACES = {"mill": Position(10.0, 106.3), "mine": Position(10.1, 106.35), "farm": Position(10.05, 106.05)}


def busy_day(*, free_jobs: int, booked_at: tuple[int, ...]) -> Instance:
    """One day, one trainer who takes three visits a day, some of them booked already."""
    sites = [enterprise(name, position=place) for name, place in PLACES.items()]
    jobs = [
        job(f"j{n}", enterprise_ids=(site,), duration=timedelta(hours=1), window=days(0, 1))
        for n, site in enumerate(list(PLACES)[:free_jobs])
    ]
    visits = [
        booked(f"x{n}", "ann", 0, hour, hour + 1, at=f"old{n}", position=Position(10.1, 106.3 - n / 10))
        for n, hour in enumerate(booked_at)
    ]
    return world(
        [trainer(max_visits_per_day=3)], sites, jobs,
        booked=tuple(visits), horizon=days(0, 1), grid=timedelta(hours=2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("free_jobs", "booked_at"), [(3, ()), (2, (11,)), (1, (9, 15)), (1, (8,)), (2, (12, 14)), (1, (8, 9))]
)
def test_a_day_of_three_stops_costs_its_round_trip(free_jobs: int, booked_at: tuple[int, ...]) -> None:
    instance = busy_day(free_jobs=free_jobs, booked_at=booked_at)
    plan = solve(instance, max_work=50)
    assert check(instance, plan) == []
    assert plan.gap == 0.0
    assert plan.cost == pytest.approx(cheapest(instance), abs=0.02)


def test_a_stop_between_two_neighbours_takes_their_saving_away() -> None:
    """The hours are fixed, so that the farm on the other side of home lies between the mill and the mine."""
    hours = {"mill": 8, "farm": 11, "mine": 14}
    places = {"mill": Position(10.0, 106.3), "farm": Position(10.0, 105.9), "mine": Position(10.0, 106.31)}
    sites = [enterprise(name, position=place) for name, place in places.items()]
    jobs = [
        job(name, enterprise_ids=(name,), duration=timedelta(hours=1), pinned=Pin("ann", day(0), time(hour)))
        for name, hour in hours.items()
    ]
    instance = world([trainer(max_visits_per_day=3)], sites, jobs)
    plan = solve(instance, max_work=50)
    assert check(instance, plan) == []
    assert len(plan.placements) == 3
    assert plan.gap == 0.0


def test_a_road_longer_than_the_night_is_driven_before_the_next_visit() -> None:
    sites = [enterprise("mill"), enterprise("mine", position=Position(10.0, 111.0))]
    jobs = [
        job("a", pinned=Pin("ann", day(0), time(13))),
        job("b", enterprise_ids=("mine",), window=days(1, 1)),
    ]
    instance = world([trainer()], sites, jobs)
    plan = solve(instance, max_work=10)
    assert check(instance, plan) == []
    assert {p.job_id: p.start for p in plan.placements} == {"a": time(13), "b": time(10, 30)}


def test_two_visits_that_would_make_the_day_too_long_are_not_both_made() -> None:
    sites = [enterprise("mill", position=Position(10.0, 106.6)), enterprise("mine", position=Position(10.0, 106.6))]
    short = timedelta(hours=2)
    jobs = [
        job("a", duration=short, pinned=Pin("ann", day(0), time(8))),
        job("b", duration=short, enterprise_ids=("mine",), window=days(0, 0)),
    ]
    instance = world([trainer()], sites, jobs, booked=(booked("call", "ann", 0, 12, 14, position=sites[0].position),))
    plan = solve(instance, max_work=10)
    assert check(instance, plan) == []
    assert len(plan.placements) == 2
    assert next(p.start for p in plan.placements if p.job_id == "b") == time(10)
    later = replace(instance, booked=(booked("call", "ann", 0, 10, 14, position=sites[0].position),))
    tight = solve(later, max_work=10)
    assert check(later, tight) == []
    assert [u.job_id for u in tight.unplaced] == ["b"]


def test_a_later_visit_is_not_later_than_its_band() -> None:
    later = job("b", after=(Gap("a", 1, 2),), window=days(0, 11), target=day(9))
    instance = world(jobs=[job("a", window=days(0, 4), target=day(0)), later])
    plan = solve(instance, max_work=10)
    assert check(instance, plan) == []
    first, second = (p.day for p in plan.placements)
    assert (second - first).days == 2


def test_with_no_days_between_the_later_visit_still_begins_after_the_earlier_has_ended() -> None:
    sites, short = [enterprise("mill"), enterprise("mine")], timedelta(hours=2)
    jobs = [
        job("a", duration=short, window=days(0, 1), forbidden_trainers=frozenset({"bob"})),
        job(
            "b",
            duration=short,
            enterprise_ids=("mine",),
            forbidden_trainers=frozenset({"ann"}),
            after=(Gap("a", 0, 0),),
            window=days(0, 1),
        ),
    ]
    mornings = tuple(booked(f"x{n}", "ann", n, 8, 12) for n in range(2))
    instance = world([trainer("ann"), trainer("bob")], sites, jobs, booked=mornings)
    plan = solve(instance, max_work=10)
    assert check(instance, plan) == []
    assert {p.job_id: p.start for p in plan.placements} == {"a": time(12, 30), "b": time(14, 30)}


def test_two_trainers_are_not_at_one_enterprise_at_once() -> None:
    jobs = [job(name, duration=timedelta(hours=6), window=days(0, 0)) for name in "ab"]
    plan = solve(world([trainer("ann"), trainer("bob")], jobs=jobs), max_work=10)
    assert len(plan.unplaced) == 1


def test_visits_booked_before_count_into_the_load_of_their_trainer() -> None:
    """Two each is the share and ann has hers booked: both new ones go to bob, though he lives further away."""
    busy = tuple(booked(f"x{n}", "ann", 7 + n, 8, 12, at="old") for n in range(2))
    people = [trainer("ann"), trainer("bob", home=Position(10.0, 105.99))]
    jobs = [job(name, kind=JobKind.FOLLOW_UP, enterprise_ids=("mill",)) for name in "ab"]
    instance = world(people, jobs=jobs, booked=busy)
    plan = solve(instance, max_work=10)
    assert check(instance, plan) == []
    assert {p.trainer_id for p in plan.placements} == {"bob"}
    assert (plan.parts["load"], plan.gap) == (0.0, 0.0)
