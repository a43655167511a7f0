"""For every constraint: a plan that breaks exactly this one, and is named for it. The sound plan has no violation."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time

import pytest

from services.scheduler.planner import (
    Certificate,
    Continuity,
    Gap,
    Instance,
    Level,
    Pin,
    Plan,
    PlanStatus,
    Position,
    Unplaced,
    check,
)
from services.scheduler.planner.checker import CONSTRAINTS
from tests.unit.planner.factory import booked, certified, day, days, enterprise, job, placement, plan_of, trainer, world

Case = Callable[[], tuple[Instance, Plan]]
EXPERT = (certified(level=Level.EXPERT),)
CANDIDATE = (certified(level=Level.CANDIDATE),)


def one(instance: Instance, **changes: object) -> tuple[Instance, Plan]:
    return instance, plan_of(instance, placement(**changes))  # type: ignore[arg-type]


def visit(**changes: object) -> Instance:
    return world(jobs=[job(**changes)])


def two_jobs(first: str = "mill", second: str = "mine", **changes: object) -> Instance:
    sites = [enterprise("mill"), enterprise("mine")]
    jobs = [job("a", enterprise_ids=(first,)), job("b", enterprise_ids=(second,), **changes)]
    return world([trainer(), trainer("bob")], sites, jobs)


def classroom(**changes: object) -> Instance:
    sites = [enterprise(name) for name in ("mill", "mine", "farm")]
    return world([trainer()], sites, [job(enterprise_ids=("mill", "mine", "farm"), quorum=2, **changes)])


def nobody_says_why() -> tuple[Instance, Plan]:
    instance, plan = one(classroom(), absent=("mine",))
    return instance, replace(plan, absences=())


def known_ids() -> tuple[Instance, Plan]:
    instance = visit()
    plan = plan_of(instance, placement())
    return instance, replace(plan, placements=(replace(plan.placements[0], trainer_id="nobody"),))


def placed_once() -> tuple[Instance, Plan]:
    instance = visit()
    return instance, replace(plan_of(instance, placement()), placements=(placement(), placement(n=1)))


def accounted_for() -> tuple[Instance, Plan]:
    instance = two_jobs()
    plan = plan_of(instance, placement("a"))
    return instance, replace(
        plan, unplaced=(), status=PlanStatus.FEASIBLE, parts=plan.parts | {"unplaced": 0.0},
        cost=plan.cost - 20_000, bound=plan.cost - 20_000,
    )  # fmt: skip


def unplaced_has_reason() -> tuple[Instance, Plan]:
    instance = visit()
    return instance, replace(plan_of(instance), unplaced=(Unplaced("visit", ()),))


def status() -> tuple[Instance, Plan]:
    instance = visit()
    return instance, replace(plan_of(instance, placement()), status=PlanStatus.PARTIAL)


def cost() -> tuple[Instance, Plan]:
    instance = visit()
    plan = plan_of(instance, placement())
    km = plan.parts["km"] - 1
    return instance, replace(plan, parts=plan.parts | {"km": km}, cost=plan.cost - 1, bound=plan.cost - 1)


def bound() -> tuple[Instance, Plan]:
    instance = visit()
    plan = plan_of(instance, placement())
    return instance, replace(plan, bound=plan.cost + 1)


def crew() -> tuple[Instance, Plan]:
    instance = world([trainer(certificates=EXPERT), trainer("bob")], jobs=[job(crew=2)])
    return instance, plan_of(instance, placement(co_trainers=()))


def lone_candidate() -> tuple[Instance, Plan]:
    return one(world([trainer(certificates=CANDIDATE)], jobs=[job()]))


def gap(name: str, least: int, most: int | None, n: int) -> Case:
    def case() -> tuple[Instance, Plan]:
        instance = two_jobs("mill", "mill", after=(Gap("a", least, most),))
        return instance, plan_of(instance, placement("a"), placement("b", "bob", n=n))

    case.__name__ = name
    return case


def order() -> tuple[Instance, Plan]:
    instance = two_jobs(after=(Gap("a", 0),))
    return instance, plan_of(instance, placement("a", start=13), placement("b", "bob", start=8))


def chain() -> tuple[Instance, Plan]:
    instance = two_jobs(after=(Gap("a", 1),))
    return instance, plan_of(instance, placement("b", n=2))


def continuity() -> tuple[Instance, Plan]:
    instance = replace(two_jobs("mill", "mill"), continuity=Continuity.HARD)
    return instance, plan_of(instance, placement("a"), placement("b", "bob", n=1))


def trainer_overlap() -> tuple[Instance, Plan]:
    instance = two_jobs()
    return instance, plan_of(instance, placement("a"), placement("b", start=11))


def enterprise_overlap() -> tuple[Instance, Plan]:
    instance = two_jobs("mill", "mill")
    return instance, plan_of(instance, placement("a"), placement("b", "bob", start=11))


def travel() -> tuple[Instance, Plan]:
    sites = [enterprise("mill"), enterprise("mine", position=Position(10.3, 106.1))]
    jobs = [job("a"), job("b", enterprise_ids=("mine",))]
    instance = world([trainer()], sites, jobs)
    return instance, plan_of(instance, placement("a"), placement("b", start=12))


def longest_day() -> tuple[Instance, Plan]:
    far = Position(10.0, 107.5)
    sites = [enterprise("mill", position=far), enterprise("mine", position=far)]
    instance = world([trainer()], sites, [job("a"), job("b", enterprise_ids=("mine",))])
    return instance, plan_of(instance, placement("a"), placement("b", start=13))


def block_alone() -> tuple[Instance, Plan]:
    sites = [enterprise("mill"), enterprise("mine")]
    jobs = [job("a", days=2), job("b", enterprise_ids=("mine",))]
    instance = world([trainer()], sites, jobs)
    return instance, plan_of(instance, placement("a", days=2), placement("b", n=1, start=13))


def per_day() -> tuple[Instance, Plan]:
    instance = replace(two_jobs(), trainers=(trainer(max_visits_per_day=1),))
    return instance, plan_of(instance, placement("a"), placement("b", start=13))


def per_week() -> tuple[Instance, Plan]:
    busy = [booked(f"x{n}", "ann", n, 8, 12, at="old") for n in range(4)]
    return one(world(jobs=[job()], booked=tuple(busy)), n=4)


def booked_visit() -> tuple[Instance, Plan]:
    return one(world(jobs=[job()], booked=(booked("x", "ann", 0, 11, 12),)))


LATE = Certificate("M1", Level.CERTIFIED, day(1))
LAPSED = Certificate("M1", Level.CERTIFIED, day(-9), day(0))
WITH_EXPERT = [trainer(certificates=EXPERT), trainer("bob", certificates=CANDIDATE)]

CASES: list[tuple[str, Case]] = [
    ("known_ids", known_ids),
    ("placed_once", placed_once),
    ("accounted_for", accounted_for),
    ("unplaced_has_reason", unplaced_has_reason),
    ("status", status),
    ("cost", cost),
    ("bound", bound),
    ("duration", lambda: one(visit(), hours=3)),
    ("duration", lambda: one(visit(days=2))),
    ("window", lambda: one(visit(), n=7)),
    ("window", lambda: one(visit(days=2, window=days(0, 3)), n=3, days=2)),
    ("horizon", lambda: one(world(jobs=[job()], horizon=days(1, 9)))),
    ("working_hours", lambda: one(visit(), start=14)),
    ("working_hours", lambda: one(visit(), start=7)),
    ("quorum", lambda: one(visit(quorum=2))),
    ("absent", lambda: one(classroom(announced=True), absent=("mine",))),
    ("absent", lambda: one(classroom(), absent=("mill",))),
    ("absent_has_reason", nobody_says_why),
    ("pin", lambda: one(visit(pinned=Pin("ann", day(1), time(8))))),
    ("enterprise_closed", lambda: one(world(enterprises=[enterprise(closed=(days(0, 0),))], jobs=[job()]))),
    ("enterprise_weekday", lambda: one(world(enterprises=[enterprise(working_weekdays=frozenset({2}))], jobs=[job()]))),
    ("enterprise_holiday", lambda: one(
        world(enterprises=[enterprise(region="north")], jobs=[job()], holidays={"north": frozenset({day(0)})}))),
    ("crew", crew),
    ("certificate", lambda: one(world([trainer(certificates=())], jobs=[job()]))),
    ("certificate", lambda: one(world([trainer(certificates=(LATE,))], jobs=[job()]))),
    ("certificate", lambda: one(world([trainer(certificates=(LAPSED,))], jobs=[job(days=2)]), days=2)),
    ("certificate", lambda: one(visit(needs_level=Level.EXPERT))),
    ("candidate_with_expert", lone_candidate),
    ("candidate_with_expert", lambda: one(
        world([trainer(), trainer("bob", certificates=CANDIDATE)], jobs=[job(crew=2)]), co_trainers=("bob",))),
    ("manager_language", lambda: one(
        world(enterprises=[enterprise(manager_languages=frozenset({"en"}))], jobs=[job()]))),
    ("worker_language", lambda: one(world(enterprises=[enterprise(worker_languages=frozenset({"km"}))], jobs=[job()]))),
    ("conflict_of_interest", lambda: one(world([trainer(conflicts=frozenset({"mill"}))], jobs=[job()]))),
    ("forbidden_trainer", lambda: one(visit(forbidden_trainers=frozenset({"ann"})))),
    ("forbidden_trainer", lambda: one(
        world(WITH_EXPERT, jobs=[job(crew=2, forbidden_trainers=frozenset({"bob"}))]), co_trainers=("bob",))),
    ("skill", lambda: one(visit(skills=frozenset({"lean"})))),
    ("leave", lambda: one(world([trainer(leave=(days(0, 0),))], jobs=[job()]))),
    ("leave", lambda: one(world([trainer(leave=(days(1, 1),))], jobs=[job(days=2)]), days=2)),
    ("trainer_weekday", lambda: one(world([trainer(working_weekdays=frozenset({2}))], jobs=[job()]))),
    ("trainer_holiday", lambda: one(
        world([trainer(region="north")], jobs=[job()], holidays={"north": frozenset({day(0)})}))),
    ("gap_min", gap("gap_min", 2, None, 1)),
    ("gap_max", gap("gap_max", 1, 2, 3)),
    ("order", order),
    ("chain", chain),
    ("continuity", continuity),
    ("trainer_overlap", trainer_overlap),
    ("trainer_overlap", booked_visit),
    ("enterprise_overlap", enterprise_overlap),
    ("travel", travel),
    ("longest_day", longest_day),
    ("block_alone", block_alone),
    ("visits_per_day", per_day),
    ("visits_per_week", per_week),
]  # fmt: skip


@pytest.mark.parametrize(("constraint", "case"), CASES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(CASES)])
def test_a_plan_that_breaks_exactly_one_rule_is_named_for_it(constraint: str, case: Case) -> None:
    instance, plan = case()
    assert {v.constraint for v in check(instance, plan)} == {constraint}


def test_every_rule_of_the_checker_has_a_plan_that_breaks_it() -> None:
    assert {name for name, _ in CASES} == set(CONSTRAINTS)


def test_a_sound_plan_has_no_violation() -> None:
    sites = [enterprise("mill"), enterprise("mine")]
    jobs = [job("a", days=2), job("b", after=(Gap("a", 2, 3),), window=days(0, 9)), job("c", enterprise_ids=("mine",))]
    instance = world([trainer()], sites, jobs, booked=(booked("x", "ann", 3, 13, 17),))
    plan = plan_of(instance, placement("a", days=2), placement("b", n=3), placement("c", n=2))
    assert check(instance, plan) == []


def test_touching_visits_at_one_site_are_no_overlap() -> None:
    instance = two_jobs("mill", "mill")
    assert check(instance, plan_of(instance, placement("a"), placement("b", start=12))) == []


def test_what_was_booked_badly_before_is_not_held_against_the_plan() -> None:
    instance = world(jobs=[job()], booked=(booked("x", "ann", 1, 8, 12), booked("y", "ann", 1, 9, 12)))
    assert check(instance, plan_of(instance, placement())) == []


def test_a_gap_counts_from_the_last_day_of_a_booked_block() -> None:
    long = replace(booked("x", "ann", 0, 8, 12, at="mill"), end=datetime.combine(day(2), time(12)))
    instance = world(jobs=[job(after=(Gap("x", 2),))], booked=(long,))
    assert [v.constraint for v in check(instance, plan_of(instance, placement(n=3)))] == ["gap_min"]
    assert check(instance, plan_of(instance, placement(n=4))) == []


def test_a_drive_longer_than_the_night_is_seen() -> None:
    sites = [enterprise("mill"), enterprise("mine", position=Position(10.0, 112.0))]
    instance = world([trainer()], sites, [job("a"), job("b", enterprise_ids=("mine",))])
    early = plan_of(instance, placement("a", start=13), placement("b", n=1))
    assert [v.constraint for v in check(instance, early)] == ["travel"]
    assert check(instance, plan_of(instance, placement("a"), placement("b", n=2))) == []
