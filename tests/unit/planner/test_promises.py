"""What the planner promises, one sentence per test."""

import ast
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from services.scheduler import planner
from services.scheduler.planner import (
    Continuity,
    Gap,
    Instance,
    JobKind,
    Level,
    Pin,
    Plan,
    PlanStatus,
    Position,
    Progress,
    Travel,
    Weights,
    check,
    place_one,
    solve,
)
from services.scheduler.planner.greedy import Greedy
from tests.unit.planner.factory import booked, certified, day, days, enterprise, job, placement, plan_of, trainer, world

SITES = ("mill", "mine", "farm")


def cohort() -> Instance:
    """Three enterprises, a baseline each, a classroom block of two days together, two consultancy visits each."""
    baselines = [
        job(f"base {e}", stage="baseline", kind=JobKind.BASELINE, module=None, enterprise_ids=(e,), window=days(0, 11))
        for e in SITES
    ]
    after = tuple(Gap(b.id, 3, 21) for b in baselines)
    classroom = job(
        "class",
        stage="classroom",
        kind=JobKind.CLASSROOM,
        enterprise_ids=SITES,
        days=2,
        after=after,
        window=days(0, 30),
    )
    first = [job(f"one {e}", enterprise_ids=(e,), after=(Gap("class", 7, 21),), window=days(0, 60)) for e in SITES]
    second = [job(f"two {e}", enterprise_ids=(e,), after=(Gap(f"one {e}", 10, 21),), window=days(0, 60)) for e in SITES]
    people = [trainer("ann"), trainer("bob", home=Position(10.2, 106.2)), trainer("cat", certificates=())]
    sites = [enterprise(e, position=Position(10.0 + n / 10, 106.1)) for n, e in enumerate(SITES)]
    return world(people, sites, [*baselines, classroom, *first, *second])


def placed(plan: Plan, name: str) -> planner.Placement:
    (found,) = [p for p in plan.placements if p.job_id == name]
    return found


def test_a_whole_cohort_is_placed_and_proven_optimal() -> None:
    plan = solve(cohort(), max_work=30)
    assert (plan.status, plan.unplaced, plan.gap) == (PlanStatus.OPTIMAL, (), 0.0)
    assert check(cohort(), plan) == []
    assert {placed(plan, f"one {e}").trainer_id == placed(plan, f"two {e}").trainer_id for e in SITES} == {True}


def test_the_same_seed_and_work_give_the_same_plan() -> None:
    first, second = (solve(cohort(), seed=3, max_work=1.0) for _ in range(2))
    assert first == second


def test_the_greedy_start_places_the_cohort_by_itself() -> None:
    greedy = Greedy(cohort()).run()
    assert len(greedy) == len(cohort().jobs)
    assert check(cohort(), plan_of(cohort(), *greedy)) == []


def test_more_work_is_never_worse_than_the_greedy_start() -> None:
    start = plan_of(cohort(), *Greedy(cohort()).run()).cost
    assert solve(cohort(), max_work=0.0001).cost <= start + 1e-6


def test_a_cancelled_search_returns_the_plan_so_far() -> None:
    asked = iter([False, True, True])
    plan = solve(cohort(), max_work=1000, cancelled=lambda: next(asked, True))
    assert plan.gap > 0
    assert check(cohort(), plan) == []
    assert len(plan.placements) == len(cohort().jobs)


def test_progress_is_told_with_a_bound_below_the_cost() -> None:
    told: list[Progress] = []
    solve(cohort(), max_work=5, progress=told.append)
    assert told
    assert all(p.bound <= p.cost + 1e-6 for p in told)
    assert told[-1].unplaced == 0


def test_a_chain_waits_for_its_baseline() -> None:
    instance = cohort()
    closed = tuple(replace(e, closed=(days(0, 60),)) if e.id == "mill" else e for e in instance.enterprises)
    plan = solve(replace(instance, enterprises=closed), max_work=5)
    codes = {u.job_id: u.reasons[0].code for u in plan.unplaced}
    assert codes["base mill"] == "enterprise_closed"
    assert codes["class"] == codes["one mine"] == "waits_for_earlier"
    assert {p.job_id for p in plan.placements} == {"base mine", "base farm"}
    assert plan.status is PlanStatus.PARTIAL


def test_leave_that_begins_in_the_middle_of_a_block_forbids_it() -> None:
    away = trainer(leave=(days(1, 1),))
    plan = solve(world([away], jobs=[job(days=2, window=days(0, 4))]))
    assert placed(plan, "visit").day in {day(2), day(3)}


def test_one_persons_leave_does_not_block_the_others() -> None:
    plan = solve(world([trainer("ann", leave=(days(0, 60),)), trainer("bob")], jobs=[job()]))
    assert placed(plan, "visit").trainer_id == "bob"


def test_an_appointment_in_the_middle_of_the_day_is_kept_free() -> None:
    plan = solve(world(jobs=[job(window=days(0, 0))], booked=(booked("dentist", "ann", 0, 9, 10),)))
    assert placed(plan, "visit").start == time(10, 30)


def test_the_road_from_the_visit_before_is_driven() -> None:
    before = booked("x", "ann", 0, 8, 10, at="old", position=Position(10.3, 106.1))
    plan = solve(world(jobs=[job(window=days(0, 0))], booked=(before,)))
    assert placed(plan, "visit").start == time(11, 30)


def test_a_visit_in_another_cohort_counts_towards_the_week() -> None:
    busy = tuple(booked(f"x{n}", "ann", n, 8, 12, at="old") for n in range(4))
    assert solve(world(jobs=[job()], booked=busy)).unplaced[0].reasons[0].code == "all_booked"


def test_a_gap_to_a_visit_already_booked_is_kept() -> None:
    done = booked("baseline", "bob", 2, 8, 12, at="mill")
    plan = solve(world(jobs=[job(window=days(0, 11), after=(Gap("baseline", 5, 9),), target=day(0))], booked=(done,)))
    assert placed(plan, "visit").day == day(7)


def test_whoever_found_it_does_not_verify_it() -> None:
    instance = world([trainer("ann"), trainer("bob", home=Position(11.0, 107.0))])
    verify = job("verify", kind=JobKind.VERIFICATION, module=None, forbidden_trainers=frozenset({"ann"}))
    assert placed(place_one(instance, verify), "verify").trainer_id == "bob"


def test_a_candidate_goes_only_with_an_expert() -> None:
    people = [trainer("ann", certificates=(certified(level=Level.EXPERT),)), trainer("bob")]
    candidate = trainer("cat", certificates=(certified(level=Level.CANDIDATE),))
    alone = solve(world([candidate], jobs=[job()]))
    assert alone.unplaced[0].reasons[0].code == "nobody_certified"
    pair = placed(solve(world([people[0], candidate], jobs=[job(crew=2)])), "visit")
    assert (pair.trainer_id, pair.co_trainers) == ("ann", ("cat",))
    assert solve(world([people[1], candidate], jobs=[job(crew=2)])).status is PlanStatus.EMPTY


def test_a_confirmed_visit_stays_where_it_is_even_when_another_day_is_cheaper() -> None:
    pin = Pin("ann", day(3), time(9, 10))
    plan = solve(world(jobs=[job(pinned=pin, target=day(0))]))
    assert (placed(plan, "visit").day, placed(plan, "visit").start) == (day(3), time(9, 10))


def test_a_confirmed_visit_that_illness_forbids_is_unplaced_and_says_so() -> None:
    pin = Pin("ann", day(3), time(9))
    plan = solve(world([trainer(leave=(days(3, 3),)), trainer("bob")], jobs=[job(pinned=pin)]))
    assert [r.code for r in plan.unplaced[0].reasons] == ["pin_cannot_stay", "all_on_leave", "on_leave"]


def test_continuity_gives_way_to_leave_when_it_is_a_wish_and_not_when_it_is_a_rule() -> None:
    people = [trainer("ann", leave=(days(7, 11),)), trainer("bob", leave=(days(0, 4),))]
    jobs = [job("one"), job("two", window=days(7, 11))]
    wish = solve(world(people, jobs=jobs))
    assert {p.trainer_id for p in wish.placements} == {"ann", "bob"}
    assert wish.parts["continuity"] == 60.0
    rule = solve(world(people, jobs=jobs, continuity=Continuity.HARD))
    assert [r.code for r in rule.unplaced[0].reasons][-1] == "others_in_the_way"


def test_two_sites_near_each_other_are_combined_in_one_day() -> None:
    far = [enterprise("mill", position=Position(10.0, 107.0)), enterprise("mine", position=Position(10.05, 107.0))]
    plan = solve(
        world(
            [trainer()],
            far,
            [job("a"), job("b", enterprise_ids=("mine",))],
            travel=Travel(longest_day=timedelta(hours=16)),
        )
    )
    assert placed(plan, "a").day == placed(plan, "b").day


def test_the_load_is_shared() -> None:
    people = [trainer("ann"), trainer("bob", home=Position(10.0, 105.99))]
    jobs = [job(f"v{n}", kind=JobKind.FOLLOW_UP, window=days(7 * n, 7 * n)) for n in range(4)]
    plan = solve(world(people, jobs=jobs, weights=Weights(per_visit_over_share=100)))
    assert sorted(p.trainer_id for p in plan.placements) == ["ann", "ann", "bob", "bob"]


def test_an_online_visit_needs_no_road() -> None:
    away = Position(10.0, 115.0)
    plan = solve(world(enterprises=[enterprise(position=away)], jobs=[job(online=True)]))
    assert (plan.parts["km"], plan.parts["nights"]) == (0.0, 0.0)


def test_a_single_visit_far_away_costs_a_night_but_is_not_refused() -> None:
    plan = solve(world(enterprises=[enterprise(position=Position(10.0, 109.0))], jobs=[job()]))
    assert plan.parts["nights"] == 50.0


def test_nothing_to_place_is_an_optimal_plan() -> None:
    assert solve(world()).status is PlanStatus.OPTIMAL


@pytest.mark.parametrize(
    ("nonsense", "text"),
    [
        (lambda: world(jobs=[job(enterprise_ids=("gone",))]), "unknown enterprise"),
        (lambda: world(jobs=[job(after=(Gap("gone", 1),))]), "unknown visit"),
        (lambda: world(jobs=[job(), job()]), "not unique"),
        (lambda: world(jobs=[job(pinned=Pin("gone", day(0), time(9)))]), "unknown trainer"),
        (lambda: world(jobs=[job(duration=timedelta(0))]), "no time"),
        (lambda: replace(booked("x", "ann", 0, 8, 9), end=datetime.combine(day(0), time(8))) and world(
            booked=(replace(booked("x", "ann", 0, 8, 9), end=datetime.combine(day(0), time(8))),)), "ends before"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(nonsense: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        nonsense()  # type: ignore[operator]


FOLDER = Path(planner.__file__).parent


def imports(file: Path) -> set[str]:
    """Modules a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
    return found


def test_the_checker_shares_nothing_with_the_planner_but_the_types() -> None:
    allowed = {"instance", "travel", "plan", "checker", "checker_cost", "checker_days", "checker_people", "checker_road"}
    files = sorted(FOLDER.glob("checker*.py"))
    assert {f.stem for f in files} <= allowed
    for file in files:
        project = {m for m in imports(file) if m.startswith("services")}
        assert project <= {f"services.scheduler.planner.{a}" for a in allowed}, file.name
        assert not any("ortools" in m for m in imports(file)), file.name


def test_the_planner_imports_nothing_of_the_project_but_itself_and_does_no_io() -> None:
    pure = {"__future__", "array", "ast", "bisect", "collections", "concurrent", "dataclasses", "datetime", "contextlib", "difflib", "enum", "gc", "hashlib", "itertools", "math",
            "numba", "numpy", "ortools", "pathlib", "random", "threading", "time", "types", "typing"}  # fmt: skip
    for file in FOLDER.rglob("*.py"):
        for module in imports(file):
            assert module.startswith("services.scheduler.planner") or module.split(".")[0] in pure, (file.name, module)


def test_the_types_carry_no_logic_that_checker_and_model_could_share() -> None:
    for name in ("instance.py", "travel.py", "plan.py"):
        for node in ast.walk(ast.parse((FOLDER / name).read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.name in {"__post_init__", "_unique", "_refuse_nonsense", "_refuse_places_off_the_table"}, node.name


def test_every_refusal_has_its_words_and_no_words_are_left_over() -> None:
    from services.scheduler.planner.wording import TEXT

    source = "".join(f.read_text() for f in FOLDER.glob("*.py") if f.stem != "wording" and "checker" not in f.stem)
    assert [code for code in TEXT if f'"{code}"' not in source] == []


def test_a_plan_of_the_factory_is_judged_like_any_other() -> None:
    assert check(world(jobs=[job()]), plan_of(world(jobs=[job()]), placement())) == []


def test_a_cohort_does_not_wait_for_a_compiler() -> None:
    code = (
        "import sys; from services.scheduler.planner import solve; from tests.unit.planner.factory import job, world; "
        "solve(world(jobs=[job()])); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[2], check=False).returncode == 0
