"""Several processors search one plan: parts that touch nothing of each other, sums that add up, and the same plan every time."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from services.scheduler.planner import Instance, Progress, check, solve
from services.scheduler.planner import compact as tables
from services.scheduler.planner.compact import Compact
from services.scheduler.planner.large import search_large
from services.scheduler.planner.search import run
from services.scheduler.planner.search.agenda import Agenda
from services.scheduler.planner.search.budget import Budget
from services.scheduler.planner.search.merge import Seen, merge
from services.scheduler.planner.search.nearness import by_nearness
from services.scheduler.planner.search.polish import Polish, pinned
from services.scheduler.planner.search.problem import BAND_OTHER, BANDS_FROM, GROUP, GUARDED, GUESTS_FROM, UNIT, Ints
from services.scheduler.planner.search.regions import Region, Regions
from services.scheduler.planner.search.run import Schedule, Search
from services.scheduler.planner.search.state import DAY, LEAD, SECOND, TOTAL
from services.scheduler.planner.search.together import Together
from tests.benchmarks.planner.generator import Size, made
from tests.unit.planner.factory import plan_of
from tests.unit.planner.small_worlds import instances
from tests.unit.planner.test_properties import CALM

pytestmark = pytest.mark.xdist_group("compiled")
"""One worker compiles for all of them."""

COUNTRY = Size(40, 8, 2, 34, 400)


def begun(instance: Instance) -> Search:
    """A search with a first plan."""
    search = Compact(instance).search(1)
    search.construct()
    return search


def points(search: Search, placed: Ints) -> float:
    """Of a plan, by a book of its own."""
    other = search.another(pinned(search.problem, placed))
    total = other.construct()
    assert (other.memory.best_placed == placed).all()
    return total


def rounds(together: Together, n: int) -> Iterator[Search]:
    """The first search after each of so many rounds."""
    for i in range(n):
        together.round(i / n, (i + 1) / n, cells=150_000, seconds=0.0)
        yield together.searches[0]


@settings(CALM, max_examples=25)
@given(instances(most_jobs=7, most_trainers=4))
def test_no_two_parts_share_a_trainer_an_enterprise_or_a_band(instance: Instance) -> None:
    search = begun(instance)
    p, placed = search.problem, search.state.placed
    for seed in range(3):
        parts = Regions(p, len(search.state.taken)).draw(placed, 2, np.random.default_rng(seed))
        for ours, theirs in combinations(parts, 2):
            assert not (ours.trainers & theirs.trainers).any()
            assert not (ours.units & theirs.units).any()
            assert not (ours.enterprises & theirs.enterprises).any()
        for part in parts:
            assert (part.visits == part.units[p.visits[:-1, UNIT]]).all()
            elsewhere = np.any([other.visits for other in parts if other is not part], axis=0)
            for v in np.flatnonzero(part.visits):
                crew = [int(t) for t in placed[v, [LEAD, SECOND]] if t >= 0]
                others = p.bands[p.visits[v, BANDS_FROM] : p.visits[v + 1, BANDS_FROM], BAND_OTHER]
                group = p.visits[v, GROUP]
                assert part.trainers[crew].all()
                assert not np.any(elsewhere & np.isin(np.arange(len(p.points)), others))
                assert group < 0 or not np.any(elsewhere & (p.visits[:-1, GROUP] == group))
                if p.visits[v, GUARDED]:
                    assert part.enterprises[p.lists[p.visits[v, GUESTS_FROM] : p.visits[v + 1, GUESTS_FROM]]].all()


def test_parts_have_about_as_many_visits_each_and_are_not_the_same_twice() -> None:
    search = begun(made(COUNTRY, 1))
    random, regions = np.random.default_rng(1), Regions(search.problem, len(search.state.taken))
    drawn = [regions.draw(search.state.placed, 2, random) for _ in range(6)]
    assert all(len(parts) == 2 for parts in drawn)
    assert all(min(part.visits.sum() for part in parts) > len(search.problem.points) / 6 for parts in drawn)
    assert len({parts[0].units.tobytes() for parts in drawn}) > 1


def test_after_each_round_all_searches_have_the_same_plan_and_its_points_are_those_of_a_fresh_book() -> None:
    search = begun(made(COUNTRY, 1))
    together = Together([search, search.another(search.problem), search.another(search.problem)], 1)
    first = best = float(search.memory.best_total[0])
    for one in rounds(together, 4):
        for other in together.searches[1:]:
            assert all(np.array_equal(a, b) for a, b in zip(one.state[:-1], other.state[:-1], strict=True))
        assert float(one.state.sums[TOTAL]) == pytest.approx(points(one, one.state.placed), abs=1e-3)
        assert float(one.memory.best_total[0]) == pytest.approx(points(one, one.memory.best_placed), abs=1e-3)
        assert one.memory.best_total[0] <= best
        best = float(one.memory.best_total[0])
    together.close()
    assert best < first


def test_a_search_changes_nothing_outside_of_its_part() -> None:
    search = begun(made(COUNTRY, 1))
    together = Together([search, search.another(search.problem)], 1)
    before, drawn = search.state.placed.copy(), list[Region]()
    draw = together.regions.draw

    def first_alone(placed: Ints, parts: int, random: np.random.Generator) -> list[Region]:
        drawn.extend(draw(placed, parts, random))
        return drawn[:1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together.regions, "draw", first_alone)
        next(rounds(together, 4))
    together.close()
    moved = (search.state.placed != before).any(1)
    assert moved.any()
    assert not moved[~drawn[0].visits].any()


@settings(CALM, max_examples=15)
@given(instances(most_jobs=6, most_trainers=4))
def test_no_plan_that_several_found_breaks_a_rule(instance: Instance) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "schedule_for", lambda _: Schedule(polished=0.5))
        patch.setattr(tables, "FEW", 0)
        outcome = search_large(instance, seed=1, max_work=0.05, max_seconds=None, workers=3)
    plan = plan_of(instance, *outcome.placements)
    assert check(instance, plan) == []
    assert outcome.bound <= plan.cost + 1e-3


def test_the_same_work_seed_and_processors_give_the_same_plan() -> None:
    instance = made(COUNTRY, 1)
    plan = solve(instance, seed=3, max_work=0.2, workers=2)
    assert solve(instance, seed=3, max_work=0.2, workers=2) == plan
    assert check(instance, plan) == []
    assert plan.cost < solve(instance, seed=3, max_work=0.001, workers=2).cost


def test_cancelling_ends_all_of_them_with_the_best_plan_so_far() -> None:
    instance, told = made(COUNTRY, 1), list[Progress]()
    plan = solve(instance, max_seconds=3600, workers=2, progress=told.append, cancelled=lambda: len(told) > 2)
    assert check(instance, plan) == []
    assert plan.cost <= told[0].cost + 1e-3


def test_what_is_near_gets_numbers_that_are_near() -> None:
    spots = np.random.default_rng(1).random((300, 2))
    order = by_nearness(spots)
    assert sorted(order.tolist()) == list(range(300))
    steps = [float(np.hypot(*(spots[a] - spots[b]))) for a, b in pairwise(order)]
    as_they_came = float(np.hypot(*(spots[1:] - spots[:-1]).T).mean())
    assert np.mean(steps) < as_they_came / 4


def test_crews_that_are_solved_side_by_side_share_no_trainer_and_come_again_only_when_something_changed() -> None:
    search = begun(made(COUNTRY, 1))
    agenda = Agenda(search.problem, search.memory.best_placed)
    seen = []
    while batch := agenda.following(4):
        assert len({t for crew in batch for t in crew}) == sum(map(len, batch))
        for crew in batch:
            agenda.looked_at(crew, ())
        seen += batch
    assert seen[0] == agenda.crews[0]
    assert len(seen) == len(set(seen))
    assert {t for crew in seen for t in crew} == {t for crew in agenda.crews for t in crew}
    pair = next(crew for crew in seen if len(crew) == 2)
    agenda.looked_at(pair, pair[:1])
    again = agenda.following(99)
    assert pair not in again
    assert any(pair[0] in crew for crew in again)


def test_two_processors_polish_to_the_same_plan_twice_and_to_no_dearer_one_than_they_began_with() -> None:
    def polished(workers: int) -> tuple[float, Ints]:
        search = begun(made(Size(12, 3, 2, 34, 200), 1))
        best = [float(search.memory.best_total[0])]
        plans = [search.memory.best_placed.copy()]

        def tell(total: float, placed: Ints, _: Ints) -> None:
            assert total == pytest.approx(points(search, placed))
            best.append(total)
            plans.append(placed)

        def recount(placed: Ints) -> tuple[float, Ints]:
            other = search.another(pinned(search.problem, placed))
            return other.construct(), other.memory.best_slots

        budget = Budget(0.0, None, 1.5)
        Polish(
            search.problem, plans[0], best[0], budget=budget, workers=workers, recount=recount, tell=tell
        ).everybody()
        assert best == sorted(best, reverse=True)
        return best[-1], plans[-1]

    total, placed = polished(2)
    again, same = polished(2)
    assert total == again
    assert (placed == same).all()
    assert total < float(begun(made(Size(12, 3, 2, 34, 200), 1)).memory.best_total[0])


def test_what_several_plans_have_best_is_put_together_and_nothing_else_is_taken() -> None:
    """Two plans, each good where the other is bad: of their pieces the model makes the best plan, and uses no others."""
    search = begun(made(Size(12, 3, 2, 34, 200), 1))
    p, known, totals = search.problem, Seen(search.problem), []
    for seed in (1, 2, 3):
        other = Compact(made(Size(12, 3, 2, 34, 200), 1)).search(seed)
        other.construct()
        totals.append(other.improve(work=0.002 * seed).total)
        known.remember(other.state.placed)
    placed, total = other.memory.best_placed.copy(), totals[-1]

    def recount(plan: Ints) -> tuple[float, Ints]:
        book = search.another(pinned(p, plan))
        return book.construct(), book.memory.best_slots

    told: list[float] = []
    polish = Polish(
        p, placed, total, budget=Budget(0.0, None, 20.0), recount=recount, tell=lambda points, *_: told.append(points)
    )
    merge(polish, known, Regions(p, len(search.state.taken)), 1)
    assert told == sorted(told, reverse=True)
    assert polish.total < min(totals)
    assert polish.total == pytest.approx(points(search, polish.placed))
    there = polish.placed[:, DAY] >= 0
    assert known.cells[np.flatnonzero(there), polish.placed[there, LEAD], polish.placed[there, DAY]].all()
