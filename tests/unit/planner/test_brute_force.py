"""On tiny worlds every plan there is can be tried: the planner's optimum is the cheapest of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations, permutations, product

import pytest
from hypothesis import HealthCheck, given, settings

from services.scheduler.planner import Instance, Job, Placement, PlanStatus, check, solve
from tests.unit.planner.factory import plan_of
from tests.unit.planner.small_worlds import instances


def sound(instance: Instance, *placements: Placement) -> bool:
    return not check(instance, plan_of(instance, *placements))


def possible(instance: Instance, job: Job) -> Iterator[Placement | None]:
    """Every placement of one job on the grid that is sound by itself, and none at all."""
    yield None
    opening = datetime.combine(instance.horizon.first, instance.working_day.start)
    steps = range(-(-timedelta(hours=9) // instance.grid))
    length = (instance.horizon.last - instance.horizon.first).days + 1
    crews = permutations([t.id for t in instance.trainers], job.crew)
    absent = [a for n in range(len(job.enterprise_ids)) for a in combinations(job.enterprise_ids, n)]
    for n, step, crew, away in product(range(length), steps, list(crews), absent if job.quorum > 1 else [()]):
        start = opening + step * instance.grid
        day = instance.horizon.first + timedelta(days=n)
        it = Placement(job.id, crew[0], day, start.time(), (start + job.duration).time(), job.days, crew[1:], away)
        if {v.constraint for v in check(instance, plan_of(instance, it))} <= {"chain"}:
            yield it


def cheapest(instance: Instance) -> float:
    """The least cost over all combinations, by the checker's own sums."""
    best = float("inf")
    options = [list(possible(instance, job)) for job in instance.jobs]
    for choice in product(*options):
        placements = tuple(p for p in choice if p is not None)
        plan = plan_of(instance, *placements)
        if plan.cost < best and not check(instance, plan):
            best = plan.cost
    return best


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=40)
@given(instances(most_jobs=2, most_trainers=2, simple=True))
def test_the_optimum_is_the_cheapest_of_all_plans(instance: Instance) -> None:
    plan = solve(instance, max_work=50)
    assert plan.gap == 0.0
    assert plan.status in {PlanStatus.OPTIMAL, PlanStatus.PARTIAL, PlanStatus.EMPTY}
    assert plan.cost == pytest.approx(cheapest(instance), abs=0.02)
