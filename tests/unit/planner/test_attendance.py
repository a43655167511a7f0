"""Who stays away from a classroom is chosen with everything else: nobody who could come, nobody below the quorum."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings

from services.scheduler.planner import (
    Enterprise,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Pin,
    Placement,
    Plan,
    PlanStatus,
    check,
    solve,
)
from services.scheduler.planner.document import plan_document
from services.scheduler.planner.document import plan_of as read_plan
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.large import search_large
from services.scheduler.planner.solve import completed
from tests.unit.planner.classroom_worlds import GROUP, VENUE, classroom_worlds
from tests.unit.planner.factory import certified, day, days, enterprise, job, placement, plan_of, trainer, world
from tests.unit.planner.test_brute_force import cheapest
from tests.unit.planner.test_properties import CALM

SOLVERS = pytest.mark.parametrize(
    "solver", ["exact", pytest.param("search", marks=pytest.mark.xdist_group("compiled"))]
)


def planned(solver: str, instance: Instance) -> Plan:
    """By the exact model, or by the search of large instances."""
    if solver == "exact":
        return solve(instance, max_work=20)
    outcome = search_large(instance, seed=1, max_work=0.01, max_seconds=None)
    return completed(instance, outcome.placements, outcome.bound)


def classroom(**more: object) -> Job:
    usual: dict[str, object] = {"kind": JobKind.CLASSROOM, "enterprise_ids": GROUP, "quorum": 2, "window": days(1, 1)}
    return job("classroom", **(usual | more))


def sites(**more: dict[str, object]) -> list[Enterprise]:
    return [enterprise(name, **more.get(name, {})) for name in GROUP]


def followed(name: str, **more: object) -> Job:
    return job(f"visit {name}", enterprise_ids=(name,), window=days(2, 6), after=(Gap("classroom", 1),), **more)


@settings(CALM, max_examples=30)
@given(classroom_worlds())
def test_the_exact_optimum_is_the_cheapest_of_all_plans_with_everybody_or_without_some(instance: Instance) -> None:
    plan = solve(instance, max_work=50)
    assert check(instance, plan) == []
    assert plan.gap == 0.0
    assert plan.cost == pytest.approx(cheapest(instance), abs=0.02)


@pytest.mark.xdist_group("compiled")
@settings(CALM, max_examples=30)
@given(classroom_worlds())
def test_the_search_breaks_no_rule_and_its_bound_is_below_every_plan(instance: Instance) -> None:
    plan, least = planned("search", instance), solve(instance, max_work=50)
    assert check(instance, plan) == []
    assert plan.bound <= least.cost + 1e-3
    assert plan.cost >= least.cost - 0.05


@settings(CALM, max_examples=60)
@given(classroom_worlds())
def test_no_greedy_plan_breaks_a_rule(instance: Instance) -> None:
    assert check(instance, plan_of(instance, *Greedy(instance).run())) == []


@SOLVERS
def test_a_classroom_is_held_without_the_one_who_is_closed_and_whose_visits_wait(solver: str) -> None:
    shut = sites(farm={"closed": (days(0, 3),)})
    instance = world(enterprises=shut, jobs=[classroom(), *map(followed, GROUP)])
    plan = planned(solver, instance)
    assert check(instance, plan) == []
    assert {p.job_id: p.absent for p in plan.placements} == {
        "classroom": ("farm",), "visit mill": (), "visit mine": (),
    }  # fmt: skip
    (away,) = plan.absences
    assert (away.job_id, away.enterprise_id, away.reasons[0].code) == ("classroom", "farm", "enterprise_closed")
    (left,) = plan.unplaced
    assert (left.job_id, left.reasons[0].code, left.reasons[0].enterprise_id) == (
        "visit farm", "missed_classroom", "farm",
    )  # fmt: skip
    assert plan.parts["unplaced"] == pytest.approx(20_000 * (1 + 1 / 3))


@SOLVERS
def test_it_waits_for_everybody_where_a_later_day_is_open_to_all(solver: str) -> None:
    instance = world(
        enterprises=sites(farm={"closed": (days(1, 1),)}), jobs=[classroom(window=days(1, 2), target=day(1))]
    )
    plan = planned(solver, instance)
    assert [(p.day, p.absent) for p in plan.placements] == [(day(2), ())]


@SOLVERS
def test_below_the_quorum_it_is_not_held_and_each_who_cannot_come_is_named(solver: str) -> None:
    shut = sites(mine={"closed": (days(0, 3),)}, farm={"closed": (days(0, 3),)})
    instance = world(enterprises=shut, jobs=[classroom()])
    plan = planned(solver, instance)
    assert plan.status is PlanStatus.EMPTY
    assert {r.enterprise_id for r in plan.unplaced[0].reasons if r.code == "enterprise_closed"} == {"mine", "farm"}


@SOLVERS
def test_whoever_the_trainer_cannot_teach_stays_away(solver: str) -> None:
    instance = world(enterprises=sites(mine={"worker_languages": frozenset({"km"})}), jobs=[classroom()])
    plan = planned(solver, instance)
    assert [p.absent for p in plan.placements] == [("mine",)]
    assert plan.absences[0].reasons[0].code == "no_worker_language"


@SOLVERS
def test_it_is_held_without_the_one_whose_own_visit_before_it_has_no_place(solver: str) -> None:
    first = [job(f"first {e}", kind=JobKind.BASELINE, enterprise_ids=(e,), window=days(0, 0)) for e in ("mill", "mine")]
    busy = [job("first farm", kind=JobKind.BASELINE, module="M9", enterprise_ids=("farm",), window=days(0, 0))]
    after = tuple(Gap(f"first {e}", 0, 3) for e in GROUP)
    instance = world(enterprises=sites(), jobs=[*first, *busy, classroom(after=after)])
    plan = planned(solver, instance)
    assert check(instance, plan) == []
    assert {p.job_id: p.absent for p in plan.placements}["classroom"] == ("farm",)
    assert [a.reasons[0].code for a in plan.absences] == ["waits_for_earlier"]


@pytest.mark.xdist_group("compiled")
def test_a_hall_of_more_enterprises_than_the_search_can_tell_apart_is_held_with_all_of_them() -> None:
    """It does not choose among so many; the bound still counts on every one of them being away."""
    names = tuple(f"e{number:02d}" for number in range(70))
    hall = job("hall", kind=JobKind.CLASSROOM, enterprise_ids=names, quorum=2, window=days(1, 2), venue=VENUE)
    ann = trainer("ann", certificates=(certified(level=Level.EXPERT),))
    crowd = world([ann], [enterprise(name, position=VENUE) for name in names], [hall])
    plan = planned("search", crowd)
    assert [(one.job_id, one.absent) for one in plan.placements] == [("hall", ())]
    assert plan.bound <= plan.cost


@SOLVERS
def test_the_host_has_the_room_and_is_never_the_one_who_stays_away(solver: str) -> None:
    shut = sites(mill={"closed": (days(0, 3),)})
    assert planned(solver, world(enterprises=shut, jobs=[classroom()])).placements == ()
    elsewhere = planned(solver, world(enterprises=shut, jobs=[classroom(venue=VENUE)]))
    assert [p.absent for p in elsewhere.placements] == [("mill",)]


@SOLVERS
@pytest.mark.parametrize("settled", ["announced", "pinned"])
def test_a_classroom_that_everybody_was_told_of_is_held_with_everybody_or_not_at_all(solver: str, settled: str) -> None:
    told = {"announced": {"announced": True}, "pinned": {"pinned": Pin("ann", day(1), placement().start)}}[settled]
    instance = world(enterprises=sites(farm={"closed": (days(0, 3),)}), jobs=[classroom(**told)])
    assert planned(solver, instance).placements == ()


@SOLVERS
def test_a_pair_of_blocks_is_missed_by_the_same_enterprise(solver: str) -> None:
    """Who was not in the first classroom is not in the second, although it could be there."""
    second = replace(classroom(window=days(7, 10), after=(Gap("classroom", 1),)), id="second")
    experts = [trainer(certificates=(certified(level=Level.EXPERT),))]
    instance = world(experts, sites(farm={"closed": (days(0, 3),)}), [classroom(), second])
    plan = planned(solver, instance)
    assert check(instance, plan) == []
    assert {p.job_id: p.absent for p in plan.placements} == {"classroom": ("farm",), "second": ("farm",)}
    assert {a.job_id: a.reasons[0].code for a in plan.absences}["second"] == "missed_classroom"


def broken(instance: Instance, *placements: Placement) -> set[str]:
    return {v.constraint for v in check(instance, plan_of(instance, *placements))}


def test_the_checker_knows_who_may_stay_away() -> None:
    instance = world(enterprises=sites(), jobs=[classroom(), followed("farm")])
    held = placement("classroom", n=1)
    after = placement("visit farm", n=3)
    assert broken(instance, held, after) == set()
    assert broken(instance, replace(held, absent=("farm",))) == set()
    assert broken(instance, replace(held, absent=("farm",)), after) == {"chain"}
    assert broken(instance, replace(held, absent=("farm", "mine"))) == {"quorum"}
    assert broken(instance, replace(held, absent=("mill",))) == {"absent"}
    assert broken(instance, replace(held, absent=("other",))) == {"absent"}
    for told in (classroom(announced=True), classroom(quorum=1)):
        assert broken(replace(instance, jobs=(told,)), replace(held, absent=("farm",))) == {"absent"}


def test_the_checker_wants_a_reason_for_everybody_who_stays_away() -> None:
    instance = world(enterprises=sites(), jobs=[classroom()])
    plan = plan_of(instance, placement("classroom", n=1, absent=("farm",)))
    assert check(instance, plan) == []
    assert {v.constraint for v in check(instance, replace(plan, absences=()))} == {"absent_has_reason"}


def test_a_plan_says_who_stays_away_in_its_document_as_well() -> None:
    instance = world(enterprises=sites(farm={"closed": (days(0, 3),)}), jobs=[classroom()])
    plan = solve(instance)
    assert read_plan(plan_document(plan)) == plan


def test_one_enterprise_less_costs_its_share_of_the_whole_classroom() -> None:
    instance = world(enterprises=sites(), jobs=[classroom(venue=VENUE, quorum=2)])
    parts = [plan_of(instance, placement("classroom", n=1, absent=away)).parts["unplaced"]
             for n in (0, 1) for away in combinations(GROUP, n)]  # fmt: skip
    assert parts == pytest.approx([0.0, *[20_000 / 3] * 3])


@pytest.mark.xdist_group("compiled")
def test_the_search_counts_what_its_plan_costs() -> None:
    """What comes after a classroom is not placed for whoever missed it: the search knows, and not only whoever reads its plan."""
    shut = sites(farm={"closed": (days(0, 3),)})
    instance = world(enterprises=shut, jobs=[classroom(), *map(followed, GROUP)])
    outcome = search_large(instance, seed=1, max_work=0.01, max_seconds=None)
    plan = completed(instance, outcome.placements, outcome.bound)
    assert outcome.trace[-1][2] == pytest.approx(plan.cost, abs=0.1)
