"""Why a visit has no place, in codes a coordinator can act on, and which single thing given way on would place it."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from services.scheduler.planner import (
    Certificate,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Pin,
    Plan,
    Relaxation,
    check,
    explain_unplaced,
    solve,
)
from services.scheduler.planner.wording import TEXT
from tests.unit.planner.factory import booked, certified, day, days, enterprise, job, placement, plan_of, trainer, world

CANDIDATE = (certified(level=Level.CANDIDATE),)
LAPSED = (Certificate("M1", Level.CERTIFIED, day(-99), day(-1)),)
ALL_DAY = tuple(booked(f"x{n}", "ann", n, 8, 17) for n in range(5))
MILL_TAKEN = tuple(booked(f"x{n}", "zoe", n, 8, 17, at="mill") for n in range(5))

CASES = [
    ("nobody_certified", world([trainer(certificates=())], jobs=[job()]), {"any_trainer_certified"}),
    ("nobody_certified", world([trainer(certificates=LAPSED)], jobs=[job()]), {"any_trainer_certified"}),
    ("nobody_speaks", world(enterprises=[enterprise(worker_languages=frozenset({"km"}))], jobs=[job()]), {"any_language"}),
    ("nobody_allowed", world([trainer(conflicts=frozenset({"mill"}))], jobs=[job()]), set()),
    ("all_on_leave", world([trainer(leave=(days(0, 4),))], jobs=[job()]), {"leave_ignored", "window_widened"}),
    ("all_booked", world(jobs=[job()], booked=ALL_DAY), {"window_widened"}),
    ("all_booked", world([trainer(max_visits_per_week=1)], jobs=[job()],
                         booked=(booked("x", "ann", 0, 8, 9, at="old"),)), {"one_visit_more", "window_widened"}),
    ("nobody_free", world([trainer("ann"), trainer("bob", leave=(days(0, 4),))], jobs=[job()], booked=ALL_DAY),
     {"leave_ignored", "window_widened"}),
    ("enterprise_closed", world(enterprises=[enterprise(closed=(days(0, 4),))], jobs=[job()]),
     {"closed_ignored", "window_widened"}),
    ("enterprise_booked_whole_window", world(jobs=[job()], booked=MILL_TAKEN), {"window_widened"}),
    ("gap_band", world(jobs=[job(after=(Gap("x", 9),))], booked=(booked("x", "bob", 0, 8, 9, at="mill"),)),
     {"gap_widened", "window_widened"}),
    ("visit_longer_than_day", world(jobs=[job(duration=timedelta(hours=10))]), set()),
    ("window_outside_horizon", world(jobs=[job(window=days(70, 75))]), {"window_widened"}),
    ("no_pair", world([trainer(certificates=(certified(level=Level.EXPERT),))], jobs=[job(crew=2)]), set()),
    ("below_quorum", world(jobs=[job(kind=JobKind.CLASSROOM, quorum=3)]), {"quorum_lowered"}),
    ("circular_gaps", world(jobs=[job("visit", after=(Gap("b", 1),)), job("b", after=(Gap("visit", 1),))]), set()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "instance", "helps"), CASES, ids=[f"{n}-{c}" for n, (c, _, _) in enumerate(CASES)])
def test_the_reason_is_named_and_what_would_help_is_proven(code: str, instance: Instance, helps: set[str]) -> None:
    plan = solve(instance, max_work=1)
    item = explain_unplaced(instance, plan, max_work=0.5)[0]
    assert item.reasons[0].code == code
    assert (item.reasons[0].enterprise_id, item.reasons[0].stage) == ("mill", "visit 1")
    assert {r.code for r in item.relaxations} == helps
    assert all(r.text == TEXT[r.code] for r in item.reasons)


def explained(instance: Instance) -> dict[str, Relaxation]:
    (item,) = explain_unplaced(instance, solve(instance, max_work=1))
    return {r.code: r for r in item.relaxations}


def test_the_smallest_widening_is_named() -> None:
    wider = explained(world([trainer(leave=(days(0, 6),))], jobs=[job()]))["window_widened"]
    assert (wider.days, wider.placement.day) == (3, day(7))


def test_the_days_of_leave_to_move_are_counted() -> None:
    moved = explained(world([trainer(leave=(days(0, 20),))], jobs=[job(days=2)]))["leave_ignored"]
    assert (moved.days, moved.placement.trainer_id) == (2, "ann")
    assert moved.text == "It would have a place with 2 days of leave moved (4–5 January)."
    (step,) = moved.steps
    assert (step.trainer_id, step.first, step.last) == ("ann", day(0), day(1))


def test_where_no_single_thing_helps_the_smallest_combinations_of_two_are_named() -> None:
    """Nobody speaks Khmer, and the whole window is leave; four weeks around it the enterprise does not work at all."""
    sites = [enterprise(worker_languages=frozenset({"km"}), closed=(days(5, 60),))]
    people = [trainer("ann", leave=(days(0, 4),)), trainer("bob", leave=(days(0, 4),), conflicts=frozenset({"mill"}))]
    (item,) = explain_unplaced(
        world(people, sites, [job()]), solve(world(people, sites, [job()]), max_work=1), max_work=0
    )
    first, *others = item.relaxations
    assert first.code == "any_language+leave_ignored"
    assert first.text == "It would have a place with an interpreter and 1 day of leave moved (4 January)."
    assert {s.trainer_id for s in first.steps} == {"ann"}
    assert all(len(r.steps) == 2 and sum(s.amount for s in r.steps) >= 2 for r in others)


def test_both_enterprises_of_a_classroom_may_have_to_give_way() -> None:
    sites = [enterprise("mill", closed=(days(0, 60),)), enterprise("mine", closed=(days(0, 60),))]
    instance = world(enterprises=sites, jobs=[job(enterprise_ids=("mill", "mine"))])
    (item,) = explain_unplaced(instance, solve(instance, max_work=1), max_work=0)
    assert {s.enterprise_id for s in item.relaxations[0].steps} == {"mill", "mine"}


def test_one_more_reason_per_trainer_who_nearly_could() -> None:
    instance = world([trainer("ann", certificates=CANDIDATE), trainer("bob", certificates=())], jobs=[job()])
    reasons = solve(instance).unplaced[0].reasons
    assert [(r.code, r.trainer_id) for r in reasons] == [("nobody_certified", None), ("level_too_low", "ann")]


def test_the_enterprise_that_is_closed_is_named_among_those_of_a_classroom() -> None:
    sites = [enterprise("mill"), enterprise("mine", closed=(days(0, 4),))]
    instance = world(enterprises=sites, jobs=[job(enterprise_ids=("mill", "mine"))])
    assert [(r.code, r.enterprise_id) for r in solve(instance).unplaced[0].reasons] == [("enterprise_closed", "mine")]


def test_enterprises_never_open_together_are_told_so() -> None:
    sites = [enterprise("mill", closed=(days(0, 1),)), enterprise("mine", closed=(days(2, 4),))]
    instance = world(enterprises=sites, jobs=[job(enterprise_ids=("mill", "mine"))])
    assert solve(instance).unplaced[0].reasons[0].code == "closed_whole_window"


def test_a_visit_that_waits_is_explained_by_the_one_it_waits_for() -> None:
    first = job("first", stage="baseline", module="M9")
    instance = world(jobs=[first, job("second", stage="classroom", after=(Gap("first", 1),))])
    root, follower = explain_unplaced(instance, solve(instance, max_work=1))
    assert [r.code for r in root.relaxations] == ["any_trainer_certified"]
    assert (follower.reasons[0].code, follower.relaxations) == ("waits_for_earlier", ())


def crowded() -> Plan:
    """One trainer, one day, two long visits: only one of them has room."""
    jobs: list[Job] = [
        job("a", duration=timedelta(hours=8), window=days(0, 0)),
        job("b", duration=timedelta(hours=8), window=days(0, 0), enterprise_ids=("mine",)),
    ]
    instance = world([trainer()], [enterprise("mill"), enterprise("mine")], jobs)
    return solve(instance, max_work=1)


def test_visits_in_each_others_way_are_told_so() -> None:
    (item,) = crowded().unplaced
    assert [r.code for r in item.reasons] == ["all_booked", "already_booked", "others_in_the_way"]


def test_a_relaxation_may_need_the_others_to_move_and_says_so() -> None:
    """Without ann's leave there is room for both, but only if the visit at the mill gives up its place on Monday."""
    hours = timedelta(hours=8)
    jobs = [
        job("a", duration=hours, window=days(0, 1)),
        job("b", duration=hours, window=days(0, 0), enterprise_ids=("mine",)),
    ]
    instance = world([trainer(leave=(days(1, 1),))], [enterprise("mill"), enterprise("mine")], jobs)
    (item,) = explain_unplaced(instance, plan_of(instance, placement("a", hours=8)))
    moved = {r.code: r for r in item.relaxations}
    assert moved["leave_ignored"].everything_else_held is False
    assert moved["window_widened"].everything_else_held is True


def test_a_visit_the_search_did_not_reach_is_not_blamed_on_anybody() -> None:
    instance = world(jobs=[job()])
    from services.scheduler.planner.diagnosis import diagnose

    assert [r.code for r in diagnose(instance, ())["visit"]] == ["not_reached"]


def test_relaxed_placements_break_nothing_but_what_was_relaxed() -> None:
    for code, instance, _ in CASES:
        if code == "circular_gaps":
            continue
        plan = solve(instance, max_work=1)
        for relaxation in explain_unplaced(instance, plan)[0].relaxations:
            broken = {v.constraint for v in check(instance, plan_of(instance, relaxation.placement))}
            allowed = {
                "any_trainer_certified": {"certificate", "candidate_with_expert"},
                "leave_ignored": {"leave"},
                "window_widened": {"window", "horizon"},
                "gap_widened": {"gap_min", "gap_max"},
                "closed_ignored": {"enterprise_closed"},
                "any_language": {"manager_language", "worker_language"},
                "one_visit_more": {"visits_per_day", "visits_per_week"},
                "quorum_lowered": {"quorum"},
            }[relaxation.code]
            assert broken
            assert broken <= allowed, (code, relaxation.code)


def test_two_confirmed_visits_that_contradict_each_other_are_both_named() -> None:
    pins = [job(name, enterprise_ids=(site,), pinned=Pin("ann", day(0), time(8)))
            for name, site in (("a", "mill"), ("b", "mine"))]  # fmt: skip
    instance = world([trainer()], [enterprise("mill"), enterprise("mine")], pins)
    plan = solve(instance, max_work=1)
    (left,) = plan.unplaced
    other = {"a": "mine", "b": "mill"}[left.job_id]
    told = [(r.code, r.enterprise_id, r.trainer_id) for r in left.reasons]
    assert told[0][0] == "pin_cannot_stay"
    assert ("pins_contradict", other, "ann") in told
    relaxed = {r.code: r for r in explain_unplaced(instance, plan, max_work=0)[0].relaxations}
    assert relaxed["pin_released"].placement.day >= day(0)


def test_a_classroom_below_its_quorum_says_how_many_are_missing_and_keeps_those_after_it_waiting() -> None:
    instance = world(
        enterprises=[enterprise("mill"), enterprise("mine")],
        jobs=[
            job("class", kind=JobKind.CLASSROOM, enterprise_ids=("mill", "mine"), quorum=4),
            job("after", stage="visit 2", after=(Gap("class", 1),), window=days(0, 9)),
        ],
    )
    plan = solve(instance, max_work=1)
    assert [u.job_id for u in plan.unplaced] == ["class", "after"]
    told = explain_unplaced(instance, plan, max_work=0.5)
    (way,) = told[0].relaxations
    assert (way.code, way.days) == ("quorum_lowered", 2)
    assert "2 enterprises too few" in way.text
    assert [r.code for r in told[1].reasons] == ["waits_for_earlier"]


def group_of_three(**of_the_class: int) -> Instance:
    """Three enterprises with a baseline each, then a classroom; the third is closed all along."""
    sites = [enterprise("mill"), enterprise("mine"), enterprise("farm", closed=(days(0, 60),))]
    baselines = [
        job(f"{s.id}-0", stage="baseline", kind=JobKind.BASELINE, enterprise_ids=(s.id,), window=days(0, 9))
        for s in sites
    ]
    classroom = job(
        "class",
        kind=JobKind.CLASSROOM,
        enterprise_ids=("mill", "mine", "farm"),
        after=tuple(Gap(one.id, 2) for one in baselines),
        window=days(0, 20),
        **of_the_class,
    )
    return world([trainer(max_visits_per_week=9)], sites, [*baselines, classroom])


def test_an_announced_classroom_can_be_held_without_the_one_who_keeps_it_from_being_held() -> None:
    """Nobody who was invited is left out by the solver; a coordinator may."""
    instance = group_of_three(quorum=2, announced=True)
    plan = solve(instance, max_work=1)
    assert {u.job_id for u in plan.unplaced} == {"farm-0", "class"}
    told = {u.job_id: u for u in explain_unplaced(instance, plan, max_work=0.5)}
    (way,) = told["class"].relaxations
    assert (way.code, way.steps[0].enterprise_id, way.everything_else_held) == ("held_without", "farm", True)
    smaller = world(
        instance.trainers,
        instance.enterprises,
        [
            *instance.jobs[:2],
            replace(instance.jobs[3], enterprise_ids=("mill", "mine"), after=instance.jobs[3].after[:2]),
        ],
    )
    assert check(smaller, plan_of(smaller, *plan.placements, way.placement)) == []


@pytest.mark.parametrize("quorum", [1, 3])
def test_nobody_is_left_out_of_a_classroom_below_its_quorum_or_where_none_was_stated(quorum: int) -> None:
    instance = group_of_three(quorum=quorum)
    told = {u.job_id: u for u in explain_unplaced(instance, solve(instance, max_work=1), max_work=0.5)}
    assert told["class"].relaxations == ()
