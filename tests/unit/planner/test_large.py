"""What is too large for one model is searched over tables: never bolder than the rules, and with a bound that holds."""

from hypothesis import given, settings

from services.scheduler.planner import Instance, PlanStatus, check, solve
from services.scheduler.planner.large import search_large
from tests.unit.planner.factory import plan_of
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_properties import CALM


def searched(instance: Instance, *, work: float = 0.02, seed: int = 1) -> tuple[object, ...]:
    outcome = search_large(instance, seed=seed, max_work=work, max_seconds=None)
    return outcome.placements, outcome.bound


@settings(CALM, max_examples=120)
@given(instances(most_jobs=6, most_trainers=4))
def test_no_plan_of_the_search_breaks_a_rule_and_no_bound_is_above_a_plan(instance: Instance) -> None:
    placements, bound = searched(instance)
    plan = plan_of(instance, *placements)
    assert check(instance, plan) == []
    assert bound <= plan.cost + 1e-3


@settings(CALM, max_examples=60)
@given(instances(most_jobs=4, most_trainers=3))
def test_the_bound_of_the_search_is_never_above_the_proven_optimum(instance: Instance) -> None:
    exact = solve(instance, max_work=2.0)
    placements, bound = searched(instance)
    assert bound <= exact.cost + 1e-3
    if exact.status is PlanStatus.OPTIMAL:
        assert plan_of(instance, *placements).cost >= exact.cost - 0.05
