"""The exact model goes over a found plan, a few trainers at a time: never bolder than the rules, never dearer than before."""

import pytest
from hypothesis import given, settings

from services.scheduler.planner import Gap, Instance, Position, check
from services.scheduler.planner.compact import Compact
from services.scheduler.planner.large import search_large
from services.scheduler.planner.search import polish, run
from services.scheduler.planner.search.budget import Budget
from services.scheduler.planner.search.crew import Crew
from services.scheduler.planner.search.polish import Polish, pinned
from services.scheduler.planner.search.problem import Ints
from services.scheduler.planner.search.run import Schedule, Search
from services.scheduler.planner.search.state import DAY, LEAD
from tests.benchmarks.planner.generator import Size, made
from tests.unit.planner.factory import HOME, day, days, enterprise, job, plan_of, trainer, world
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_properties import CALM

pytestmark = pytest.mark.xdist_group("compiled")
"""One worker compiles for all of them."""


def recounted(search: Search, placed: Ints) -> float:
    """Points of a plan by a book of its own."""
    slots = search.state.slots.shape[2]
    other = Search(pinned(search.problem, placed), slots=slots, enterprises=len(search.state.taken), seed=1)
    total = other.construct()
    assert (other.memory.best_placed == placed).all()
    return total


def counted(search: Search, placed: Ints, crew: tuple[int, ...]) -> float:
    """Points that the model counts for the plan as it is."""
    model = Crew(search.problem, placed, crew)
    for (v, t, d), literal in model.at.items():
        model.cp.add(literal == int(placed[v, LEAD] == t and placed[v, DAY] == d))
    model.solve(work=0.5)
    return model.points


@settings(CALM, max_examples=15)
@given(instances(most_jobs=6, most_trainers=4))
def test_no_plan_that_was_polished_breaks_a_rule(instance: Instance) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "schedule_for", lambda _: Schedule(polished=0.99))
        patch.setattr(polish, "EACH", 1.0)
        outcome = search_large(instance, seed=1, max_work=0.5, max_seconds=None)
    plan = plan_of(instance, *outcome.placements)
    assert check(instance, plan) == []
    assert outcome.bound <= plan.cost + 1e-3


def test_a_trainers_days_become_cheaper_together_and_the_model_counts_as_the_book_does() -> None:
    search = Compact(made(Size(12, 3, 2, 34, 200), 1)).search(1)
    total = search.construct()
    placed = search.memory.best_placed.copy()
    assert recounted(search, placed) == pytest.approx(total)
    gained = 0.0
    for crew in ((t,) for t in range(3)):
        before = counted(search, placed, crew)
        model = Crew(search.problem, placed, crew)
        found, _ = model.solve(work=2.0)
        assert found is not None
        after = recounted(search, found)
        assert after - total == pytest.approx(model.points - before, abs=0.5)
        assert after < total + 0.5
        gained, placed, total = gained + total - after, found, after
    assert gained > 1.0


def test_two_visits_that_must_both_move_to_share_a_day_do() -> None:
    """Each alone on its wanted day is where a move of one gains nothing; the road that both save by meeting in the middle does."""
    mill, farm = Position(HOME.lat + 0.4, HOME.lon), Position(HOME.lat + 0.4, HOME.lon + 0.01)
    a = job("a", window=days(0, 2), target=day(0))
    b = job("b", enterprise_ids=("farm",), window=days(2, 4), target=day(4))
    search = Compact(world([trainer()], [enterprise(position=mill), enterprise("farm", position=farm)], (a, b))).search(
        1
    )
    search.construct()
    first = int(search.memory.best_placed[0, DAY])
    assert list(search.memory.best_placed[:, DAY]) == [first, first + 4]
    found, _ = Crew(search.problem, search.memory.best_placed.copy(), (0,)).solve(work=1.0)
    assert found is not None
    assert list(found[:, DAY]) == [first + 2, first + 2]


def test_what_two_visits_keep_between_them_holds_when_both_move() -> None:
    """They would save the road by meeting on Wednesday; one has to come three days after the other."""
    mill, farm = Position(HOME.lat + 0.4, HOME.lon), Position(HOME.lat + 0.4, HOME.lon + 0.01)
    a = job("a", window=days(0, 2), target=day(0))
    b = job("b", enterprise_ids=("farm",), window=days(2, 4), target=day(4), after=(Gap("a", 3, None),))
    search = Compact(world([trainer()], [enterprise(position=mill), enterprise("farm", position=farm)], (a, b))).search(
        1
    )
    search.construct()
    model = Crew(search.problem, search.memory.best_placed.copy(), (0,))
    assert len(model.freed.visits) == 2
    found, _ = model.solve(work=1.0)
    assert found is not None
    first, second = found[:, DAY].tolist()
    assert second - first >= 3


def test_what_the_book_does_not_find_cheaper_is_not_taken() -> None:
    search = Compact(made(Size(12, 3, 2, 34, 200), 1)).search(1)
    total = search.construct()
    judged: list[Ints] = []

    def recount(placed: Ints) -> tuple[float, Ints]:
        judged.append(placed)
        return total, search.memory.best_slots

    def tell(*_: object) -> None:
        raise AssertionError("a plan that costs as much as the one before was taken")

    budget = Budget(0.0, None, 2.0)
    Polish(
        search.problem, search.memory.best_placed.copy(), total, budget=budget, recount=recount, tell=tell
    ).everybody()
    assert judged, "the models found nothing that could have been taken"


def test_two_trainers_who_have_each_others_enterprise_change_them() -> None:
    far = Position(HOME.lat + 0.4, HOME.lon)
    people = [trainer(), trainer("bob", home=far)]
    jobs = (job("a", target=day(0)), job("b", enterprise_ids=("farm",), target=day(0)))
    search = Compact(world(people, [enterprise(position=HOME), enterprise("farm", position=far)], jobs)).search(1)
    search.construct()
    right = search.memory.best_placed.copy()
    crossed = right[::-1].copy()
    assert right[:, LEAD].tolist() == [0, 1]
    found, _ = Crew(search.problem, crossed, (0, 1)).solve(work=1.0)
    assert found is not None
    assert found.tolist() == right.tolist()
    alone, _ = Crew(search.problem, crossed, (0,)).solve(work=1.0)
    assert alone is not None
    assert alone.tolist() == crossed.tolist()
