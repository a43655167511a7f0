"""A trainer's week at given points of its days: the least of it, and what it has then."""

from typing import NamedTuple

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.problem import Ints, Sums


class Week(NamedTuple):
    """Room to compute one trainer's weeks in."""

    stops: Ints
    """[D, most, 2] visit and cell of what could be on each day"""
    filled: Ints
    """[D]"""
    one: Sums
    """[D, most] points with the visit alone; with its best partner"""
    two: Sums
    least: Sums
    """[D, sizes] least points of a day with so many visits"""
    before: Sums
    """[days + 1, room] least points of the days so far with so many visits"""
    after: Sums
    wanted: Ints
    """[n] how many follow, then the cells that the best weeks have"""


@compiled
def run(w: Week, first: int, n: int, room: int, forward: bool) -> None:
    """Least points of the first days of a week (or of the last ones) with at most so many visits."""
    table = w.before if forward else w.after
    for j in range(room + 1):
        table[0 if forward else n, j] = 0.0
    for step in range(n):
        d = step if forward else n - 1 - step
        known, now = (d, d + 1) if forward else (d + 1, d)
        for j in range(room + 1):
            best = table[known, j]
            for k in range(1, min(j, w.least.shape[1] - 1) + 1):
                if w.least[first + d, k] < NEVER:
                    best = min(best, table[known, j - k] + w.least[first + d, k])
            table[now, j] = best


@compiled
def want(w: Week, first: int, n: int, room: int, pairs: bool) -> None:
    """Remember what the best choice of a week has, day by day from its end. `pairs`: no day has more than two, priced exactly."""
    for step in range(n, 0, -1):
        d, k = first + step - 1, 0
        if w.before[step, room] < w.before[step - 1, room]:
            k = 1
            while (
                k < min(room, w.least.shape[1] - 1)
                and w.before[step - 1, room - k] + w.least[d, k] > w.before[step, room]
            ):
                k += 1
        left, dearest = k, w.least[d, k] - w.least[d, k - 1] if k > 0 else 0.0
        for i in range(w.filled[d]):
            both = pairs and k == 2 and w.two[d, i] < NEVER
            if left > 0 and (w.two[d, i] <= w.least[d, 2] if both else w.one[d, i] <= dearest):
                left -= 1
                w.wanted[0] += 1
                w.wanted[w.wanted[0]] = w.stops[d, i, 1]
        room -= k
