"""The end of a search: one trainer after another, then two neighbours at a time, are planned again by the exact model (`crew`).

The search moves a few visits at a time and ends where no such step gains; the exact model moves all days of a trainer at once, mostly
proven within tenths of a second. What it finds is counted again by the search's own book, and kept only where it is cheaper.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from time import monotonic

import numpy as np

from services.scheduler.planner.search.crew import Crew
from services.scheduler.planner.search.problem import (
    EARLIEST,
    FIRST_VISIT,
    LATEST,
    PAIR_ROW,
    PLACE,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import DAY, LEAD, SECOND

GAIN = 1e-6

EACH, MOST_EACH = 0.1, 10.0
"""Of the whole budget, what one model may take of it, and the most in seconds or work: nobody cancels it meanwhile."""

DETERMINISTIC, STATED = 2.0, 2e-5
"""Work that a unit of the solver's deterministic time counts for, and each of a model's variables, because stating it takes time as well."""

ALIKE = 2.0
"""Units' worth of likeness from which two trainers are neighbours."""


def pinned(p: Problem, placed: Ints) -> Problem:
    """The problem in which every visit can be nowhere but where it is, and what is left out nowhere."""
    extra = np.full_like(p.extra, np.inf)
    visits = p.visits.copy()
    for v in range(len(p.points)):
        lead, second, day = placed[v, LEAD], placed[v, SECOND], placed[v, DAY]
        visits[v, EARLIEST], visits[v, LATEST] = (day, day) if day >= 0 else (1, 0)
        if lead >= 0:
            extra[v, lead] = p.extra[v, lead]
        if second >= 0:
            row = p.visits[v, PAIR_ROW]
            extra[row, second] = p.extra[row, second]
    return p._replace(visits=visits, extra=extra)


def crews(p: Problem, placed: Ints) -> Iterator[tuple[int, ...]]:
    """Every trainer, then every two that could have each other's units for about the same road, the most alike first."""
    leads = placed[p.units[:-1, FIRST_VISIT], LEAD]
    busy = [int(t) for t in np.unique(leads[leads >= 0])]
    yield from ((t,) for t in busy)
    firsts, homes = p.units[:-1, FIRST_VISIT], p.road.shape[1]
    able = np.isfinite(p.extra[firsts])
    road = p.road[homes:][:, np.maximum(0, p.visits[firsts, PLACE])].T + 1.0
    alike = {}
    for a, b in combinations(busy, 2):
        shared = able[:, a] & able[:, b] & ((leads == a) | (leads == b))
        near, far = np.minimum(road[shared, a], road[shared, b]), np.maximum(road[shared, a], road[shared, b])
        alike[a, b] = float((near / far).sum())
    yield from sorted((pair for pair, units in alike.items() if units >= ALIKE), key=lambda pair: (-alike[pair], pair))


def polish(
    p: Problem,
    placed: Ints,
    total: float,
    *,
    recount: Callable[[Ints], tuple[float, Ints]],
    work: float | None = None,
    seconds: float | None = None,
    tell: Callable[[float, Ints, Ints], None],
    cancelled: Callable[[], bool] | None = None,
) -> float:
    """Go through all crews within the budget, work or seconds; returns the work it took. `recount` gives the points and the days' stops of
    a plan; `tell` is called with every better one.
    """
    begun, spent = monotonic(), 0.0
    budget = work if work is not None else seconds or 0.0
    for crew in crews(p, placed):
        left = budget - (spent if work is not None else monotonic() - begun)
        if left <= 0.0 or (cancelled is not None and cancelled()):
            break
        model = Crew(p, placed, crew)
        share = min(left, EACH * budget, MOST_EACH)
        found, taken = model.solve(share / DETERMINISTIC, None if work is not None else share)
        spent += DETERMINISTIC * taken + STATED * len(model.cp.proto.variables)
        if found is None or np.array_equal(found, placed):
            continue
        again, slots = recount(found)
        if again < total - GAIN:
            placed, total = found, again
            tell(total, placed, slots)
    return spent
