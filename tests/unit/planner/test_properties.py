"""Whatever the world, no plan of the planner breaks a rule."""

from hypothesis import HealthCheck, given, settings

from services.scheduler.planner import Instance, check, explain_unplaced, rank_replacements, solve
from services.scheduler.planner.greedy import Greedy
from tests.unit.planner.factory import plan_of
from tests.unit.planner.small_worlds import instances

CALM = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=60
)


@CALM
@given(instances(most_jobs=5, most_trainers=4))
def test_no_plan_of_the_solver_breaks_a_rule(instance: Instance) -> None:
    assert check(instance, solve(instance, max_work=0.5)) == []


@settings(CALM, max_examples=150)
@given(instances(most_jobs=6, most_trainers=4))
def test_no_greedy_plan_breaks_a_rule(instance: Instance) -> None:
    assert check(instance, plan_of(instance, *Greedy(instance).run())) == []


@settings(CALM, max_examples=40)
@given(instances(most_jobs=3, most_trainers=4))
def test_every_replacement_offered_keeps_every_rule_and_costs_what_it_says(instance: Instance) -> None:
    plan = plan_of(instance, *Greedy(instance).run())
    for old in plan.placements:
        others = [p for p in plan.placements if p is not old]
        for offer in rank_replacements(instance, old.job_id, old, excluding=frozenset(), others=others):
            assert (offer.placement is None) == bool(offer.reasons)
            if offer.placement is not None:
                new = plan_of(instance, *others, offer.placement)
                assert [v for v in check(instance, new) if v.constraint != "continuity"] == []
                assert abs(new.cost - plan.cost - offer.cost_difference) < 1e-3


@settings(CALM, max_examples=25)
@given(instances(most_jobs=4, most_trainers=2))
def test_whatever_is_left_out_has_reasons_and_each_relaxation_keeps_the_visit_in_its_day(instance: Instance) -> None:
    plan = solve(instance, max_work=0.5)
    for item in explain_unplaced(instance, plan, max_work=0.2):
        assert item.reasons
        for relaxation in item.relaxations:
            assert relaxation.placement.job_id == item.job_id
            hours = instance.working_day
            assert hours.start <= relaxation.placement.start < relaxation.placement.end <= hours.end
