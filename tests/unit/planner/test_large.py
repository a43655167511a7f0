"""What is too large for one model is searched over tables: never bolder than the rules, and with a bound that holds."""

import pytest
from hypothesis import given, settings

from services.scheduler.planner import Continuity, Instance, Pin, PlanStatus, Progress, check, solve
from services.scheduler.planner.large import search_large
from services.scheduler.planner.solve import completed
from tests.benchmarks.planner.generator import Size, made
from tests.unit.planner.factory import booked, day, days, enterprise, job, placement, plan_of, trainer, world
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_properties import CALM

pytestmark = pytest.mark.xdist_group("compiled")
"""One worker compiles for all of them."""


def searched(instance: Instance, *, work: float = 0.005, seed: int = 1) -> tuple[object, ...]:
    outcome = search_large(instance, seed=seed, max_work=work, max_seconds=None)
    return outcome.placements, outcome.bound


@settings(CALM, max_examples=50)
@given(instances(most_jobs=6, most_trainers=4))
def test_no_plan_of_the_search_breaks_a_rule_and_no_bound_is_above_a_plan(instance: Instance) -> None:
    placements, bound = searched(instance)
    plan = plan_of(instance, *placements)
    assert check(instance, plan) == []
    assert bound <= plan.cost + 1e-3


@settings(CALM, max_examples=20)
@given(instances(most_jobs=4, most_trainers=3))
def test_the_bound_of_the_search_is_never_above_the_proven_optimum(instance: Instance) -> None:
    exact = solve(instance, max_work=2.0)
    placements, bound = searched(instance)
    assert bound <= exact.cost + 1e-3
    if exact.status is PlanStatus.OPTIMAL:
        assert plan_of(instance, *placements).cost >= exact.cost - 0.05


def test_the_same_work_and_seed_give_the_same_plan_and_more_work_no_worse_one() -> None:
    instance = made(Size(40, 5, 2, 34, 200), 1)
    plan = solve(instance, seed=3, max_work=0.1)
    assert solve(instance, seed=3, max_work=0.1) == plan
    assert solve(instance, seed=3, max_work=0.001).cost >= plan.cost
    assert check(instance, plan) == []
    assert plan.unplaced == ()
    assert 0 < plan.bound <= plan.cost


def test_cancelling_returns_the_best_plan_so_far() -> None:
    instance = made(Size(40, 5, 2, 34, 200), 1)
    told: list[Progress] = []
    plan = solve(instance, max_seconds=3600, progress=told.append, cancelled=lambda: len(told) > 2)
    assert check(instance, plan) == []
    assert plan.cost <= told[0].cost + 1e-3


def test_what_the_first_plan_leaves_out_is_placed_before_the_search_begins() -> None:
    """Who has fewest trainers goes first, and takes the one day on which the other's second trainer is on leave."""
    ann, bob = trainer(max_visits_per_day=1), trainer("bob", leave=(days(0, 0),))
    either = job("either", window=days(0, 1), target=day(0), forbidden_trainers=frozenset({"bob"}))
    only = job("only", enterprise_ids=("farm",), window=days(0, 0))
    instance = world([ann, bob], [enterprise(), enterprise("farm")], (either, only))
    outcome = search_large(instance, seed=1, max_work=1.0, max_seconds=None, cancelled=lambda: True)
    assert {p.job_id: p.day for p in outcome.placements} == {"either": day(1), "only": day(0)}


def test_the_search_leaves_a_day_on_which_the_enterprise_has_another_visit() -> None:
    taken = booked("other", "bob", 0, 8, 12, at="mill")
    instance = world([trainer("ann"), trainer("bob")], jobs=[job(window=days(0, 0))], booked=(taken,))
    placements, bound = searched(instance)
    assert placements == ()
    assert bound <= solve(instance).cost < instance.weights.unplaced


@pytest.mark.parametrize("seed", range(5))
def test_one_trainer_for_all_visits_is_a_rule_for_those_held_online_too(seed: int) -> None:
    """Who may not come at all is not made cheaper by the noise in the choice of a trainer: the second visit is left out."""
    ann, bob = trainer("ann", leave=(days(2, 4),)), trainer("bob", leave=(days(0, 1),))
    jobs = (job("first", window=days(0, 1), online=True), job("second", window=days(2, 4), online=True))
    instance = world([ann, bob], jobs=jobs, continuity=Continuity.HARD)
    placements, _ = searched(instance, seed=seed)
    assert len(placements) == 1
    assert check(instance, plan_of(instance, *placements)) == []


def test_a_country_whose_visits_are_all_confirmed_needs_no_search() -> None:
    pins = [job(f"v{n}", window=days(n, n), pinned=Pin("ann", day(n), placement().start)) for n in (0, 1)]
    placements, bound = searched(world(jobs=pins))
    assert [p.day for p in placements] == [day(0), day(1)]
    assert bound == 0.0


def test_a_bound_that_would_come_too_late_is_left_aside() -> None:
    instance = made(Size(40, 5, 2, 34, 200), 1)
    hurried = search_large(instance, seed=1, max_work=None, max_seconds=1e-3)
    assert hurried.bound == 0.0
    assert check(instance, completed(instance, hurried.placements, hurried.bound)) == []
