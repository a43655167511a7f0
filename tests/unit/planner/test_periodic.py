"""Published routing instances mean the same to the planner: its checker counts their distances, loads and days."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from services.scheduler.planner import as_plan, check
from services.scheduler.planner.large import is_large
from tests.benchmarks.planner.cordeau_instance import (
    BEST_KNOWN,
    FOLDER,
    NotExpressible,
    Periodic,
    instance_of,
    read,
)
from tests.benchmarks.planner.cordeau_peers import Routes, placements


def filled_up(problem: Periodic) -> Routes:
    """The largest loads first, on the combination whose days have most room, into the fullest vehicle that takes them."""
    vehicles = range(problem.vehicles)
    room = {(v, d): problem.capacity for v in vehicles for d in range(problem.days)}
    routes: Routes = {}

    def roomiest(days: tuple[int, ...]) -> tuple[int, int]:
        return min(max(room[v, d] for v in vehicles) for d in days), min(
            sum(room[v, d] for v in vehicles) for d in days
        )

    for customer in sorted(problem.customers, key=lambda c: -c.demand):
        for visit, day in enumerate(max(customer.choices, key=roomiest)):
            vehicle = min((v for v in vehicles if room[v, day] >= customer.demand), key=lambda v: room[v, day])
            room[vehicle, day] -= customer.demand
            routes.setdefault((vehicle, day), []).append((customer.number, visit))
    return routes


def length(problem: Periodic, routes: Routes) -> float:
    stops = [[0, *(customer for customer, _ in route), 0] for route in routes.values()]
    return sum(problem.apart(a, b) for route in stops for a, b in pairwise(route))


@pytest.mark.parametrize("name", ["p02", "p04", "p21"])
def test_routes_by_hand_are_a_sound_plan_that_costs_their_length(name: str) -> None:
    problem = read(FOLDER / f"{name}.txt")
    instance = instance_of(problem)
    routes = filled_up(problem)
    plan = as_plan(instance, placements(problem, routes))
    assert plan.unplaced == ()
    assert check(instance, plan) == []
    assert plan.cost == pytest.approx(length(problem, routes))
    assert plan.cost > BEST_KNOWN[name]
    assert is_large(instance)


def test_a_vehicle_that_is_too_full_works_too_long() -> None:
    problem = read(FOLDER / "p21.txt")
    routes = filled_up(problem)
    one, other = [key for key in routes if key[1] == 0][:2]
    routes[one] = [*routes[one], *routes.pop(other)]
    instance = instance_of(problem)
    found = {v.constraint for v in check(instance, as_plan(instance, placements(problem, routes)))}
    assert "working_hours" in found


def test_days_that_are_no_windows_and_gaps_are_refused_by_the_customer(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_text("1 1 1 4\n0 9\n0 9\n0 9\n0 9\n0 0 0 0 0 0 0\n1 3 4 0 2 2 2 12 9\n")
    with pytest.raises(NotExpressible, match="the days of customer 1"):
        instance_of(read(tmp_path / "odd.txt"))
    (tmp_path / "long.txt").write_text("1 1 1 1\n300 9\n0 0 0 0 0 0 0\n1 3 4 0 2 1 1 1\n")
    with pytest.raises(NotExpressible, match="no limit of a route's length"):
        read(tmp_path / "long.txt")
