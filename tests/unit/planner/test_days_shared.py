"""Three visits on one day, placed and booked ones mixed: kilometres are those of the real round trip."""

from datetime import timedelta

import pytest

from services.scheduler.planner import Instance, Position, check, solve
from tests.unit.planner.factory import booked, days, enterprise, job, trainer, world
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
