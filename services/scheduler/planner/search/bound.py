"""A lower bound beside the search: units by themselves and trainers' weeks by themselves, held together by credits.

Lagrangian decomposition. A visit on a day of a trainer pays a credit to that day; its unit then chooses freely, and so does the
trainer's week (`week`). Any credits give a valid bound, so it can stop at any time. Each side in turn hands over what it does
not need: a cell's credit moves by the slack of the best choice that contains it, divided among the visits of such a choice, so
the bound never falls (dual block ascent by min-marginals, as in Globerson and Jaakkola's MPLP). The loads of trainers have
prices of their own (`dual`). Bands between units and the enterprises' other visits are left out.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.problem import (
    ALONE,
    CALENDAR,
    CREW,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    GAP_MAX,
    GAP_MIN,
    INT,
    LATEST,
    LEFT_OUT,
    NO_LIMIT,
    OFF_TARGET,
    PAIR_ROW,
    PER_CHANGE,
    TARGET,
    TOGETHER,
    WHOLE,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.week import MOST_SLACK, Credits


class Units(NamedTuple):
    """Room to compute in, the prices of loads, and what the units use at them."""

    price: Sums
    """[T] points for each visit of a trainer"""
    used: Sums
    """[T] visits that the units' best choices give to each"""
    costs: Sums
    """[1 + trainers, visits, days] the cheapest of all trainers, then each one's points"""
    ways: Sums
    """[2, 1 + trainers, visits, days] least points of the visits up to a day, and of those from a day on"""
    best: Sums
    """[1 + trainers] least points of the whole unit"""
    who: Ints
    """[visits, days] the cheapest trainer"""
    wanted: Ints
    """[V] the cell that each visit has in its unit's best choice; -1 for none, and where several trainers share the unit"""


def unit_room(p: Problem, crews: int) -> Units:
    """Room for the largest unit."""
    n = int(np.diff(p.units[:, FIRST_VISIT]).max(initial=1))
    window = max(1, int((p.visits[:, LATEST] - p.visits[:, EARLIEST]).max(initial=0)) + 1)
    return Units(
        np.zeros(len(p.trainers)), np.zeros(len(p.trainers)), np.zeros((1 + crews, n, window)),
        np.zeros((2, 1 + crews, n, window)), np.zeros(1 + crews), np.zeros((n, window), INT), np.zeros(len(p.points), INT),
    )  # fmt: skip


@compiled
def _price(p: Problem, c: Credits, b: Units, unit: int, row: int, t: int) -> None:
    """Points of each visit on each day with one trainer, credits paid."""
    first = p.units[unit, FIRST_VISIT]
    for v in range(first, p.units[unit + 1, FIRST_VISIT]):
        k, low, days = v - first, p.visits[v, EARLIEST], p.visits[v, LATEST] - p.visits[v, EARLIEST] + 1
        base, cell = float(p.extra[v, t]) + b.price[t], c.begins[v] + (row - 1) * days
        calendar, doors, off = p.visits[v, CALENDAR], p.visits[v, DOORS], float(p.points[v, OFF_TARGET])
        for j in range(days):
            x, d = NEVER, low + j
            if base < NEVER and p.works[calendar, t, d] and p.is_open[doors, d]:
                x = base + abs(d - p.visits[v, TARGET]) * off + c.cells[cell + j]
            b.costs[row, k, j] = x
            if x < b.costs[0, k, j]:
                b.costs[0, k, j], b.who[k, j] = x, t


@compiled
def _sweep(p: Problem, b: Units, first: int, n: int, row: int, back: int) -> float:
    """Least points of the visits up to each day (or from it on) within the bands; returns those of all."""
    best = NEVER
    for step in range(n):
        k = n - 1 - step if back else step
        low, days = p.visits[first + k, EARLIEST], p.visits[first + k, LATEST] - p.visits[first + k, EARLIEST] + 1
        other = k + 1 if back else k - 1
        start, length, gap, band = 0, 0, 0, 0
        if step > 0:
            start = p.visits[first + other, EARLIEST]
            length = p.visits[first + other, LATEST] - start + 1
            later = k + 1 if back else k
            gap, band = p.visits[first + later, GAP_MIN], p.visits[first + later, GAP_MAX]
        least, e = NEVER, length - 1 if back else 0
        best = NEVER
        for i in range(days):
            j = days - 1 - i if back else i
            x, d = b.costs[row, k, j], low + j
            if step > 0:
                if band >= NO_LIMIT:
                    while 0 <= e < length and (start + e >= d + gap if back else start + e <= d - gap):
                        least = min(least, b.ways[back, row, other, e])
                        e += -1 if back else 1
                else:
                    least = NEVER
                    since, until = (d + gap, d + band) if back else (d - band, d - gap)
                    for f in range(max(0, since - start), min(length - 1, until - start) + 1):
                        least = min(least, b.ways[back, row, other, f])
                x = x + least if x < NEVER and least < NEVER else NEVER
            b.ways[back, row, k, j] = x
            best = min(best, x)
    return best


@compiled
def _use(p: Problem, c: Credits, b: Units, first: int, n: int, row: int, t: int) -> None:
    """Count whom the best choice of a row gives visits to, and remember its cells."""
    limit, known = NEVER, False
    for back in range(n):
        k = n - 1 - back
        low, days = p.visits[first + k, EARLIEST], p.visits[first + k, LATEST] - p.visits[first + k, EARLIEST] + 1
        best, at = NEVER, 0
        for j in range(days):
            fits = True
            if known:
                apart = limit - (low + j)
                fits = p.visits[first + k + 1, GAP_MIN] <= apart <= p.visits[first + k + 1, GAP_MAX]
            if fits and b.ways[0, row, k, j] < best:
                best, at = b.ways[0, row, k, j], j
        limit, known = low + at, True
        if row > 0 and not p.visits[first, ALONE]:
            b.wanted[first + k] = c.begins[first + k] + (row - 1) * days + at
        b.used[t if row > 0 else b.who[k, at]] += 1


@compiled
def _second(p: Problem, b: Units, v: int) -> tuple[float, int]:
    """Least points of a pair's second, whoever leads and whenever."""
    best, who = 0.0, -1
    if p.visits[v, CREW] > 1:
        best = NEVER
        for t in range(len(p.trainers)):
            x = float(p.extra[p.visits[v, PAIR_ROW], t]) + b.price[t]
            if x < best:
                best, who = x, t
    return best, who


@compiled
def _in_part(p: Problem, b: Units, first: int, whole: int, crews: int, free: bool) -> tuple[float, int, int]:
    """Least points when only the first visits of a unit take place, how many, and which row."""
    best, size, row = NEVER, 0, 0
    out = 0.0
    for n in range(whole - 1, 0, -1):
        out += p.points[first + n, LEFT_OUT]
        for r in range(0 if free and n > 1 else 1, crews + 1):
            days = p.visits[first + n - 1, LATEST] - p.visits[first + n - 1, EARLIEST] + 1
            for j in range(days):
                x = b.ways[0, r, n - 1, j] + out + (p.rules[PER_CHANGE] if r == 0 else 0.0)
                if x < best:
                    best, size, row = x, n, r
    return best, size, row


@entry
def units_by_themselves(p: Problem, c: Credits, b: Units, part: float) -> float:
    """Points of all units at the present credits; `used` and `wanted` become what they use. Then every credit falls by `part` of what its
    cell lacks to be in a best choice of its unit, shared among the unit's visits: the points stay as they are.
    """
    b.used[:] = 0.0
    b.wanted[:] = -1
    total, units = 0.0, len(p.units) - 1
    for u in range(units):
        first = p.units[u, FIRST_VISIT]
        whole, begin = p.units[u + 1, FIRST_VISIT] - first, c.crews[u]
        crews, free = c.crews[u + 1] - begin, whole > 1 and not p.units[u, WHOLE]
        out = 0.0
        for v in range(first, first + whole):
            out += p.points[v, LEFT_OUT]
        b.costs[0, :, :] = NEVER
        best, row = NEVER, 0
        for r in range(1, crews + 1):
            _price(p, c, b, u, r, c.crews[begin + r - 1])
            b.best[r] = _sweep(p, b, first, whole, r, 0)
            if b.best[r] < best:
                best, row = b.best[r], r
        if free:
            b.best[0] = _sweep(p, b, first, whole, 0, 0) + p.rules[PER_CHANGE]
            if b.best[0] < best:
                best, row = b.best[0], 0
        second_cost, second = _second(p, b, first)
        partly, size, part_row = NEVER, 0, 0
        if not p.units[u, TOGETHER]:
            partly, size, part_row = _in_part(p, b, first, whole, crews, free)
        least = min(out, min(best, partly) + second_cost)
        total += least
        if least < out:
            n, r = (whole, row) if best <= partly else (size, part_row)
            _use(p, c, b, first, n, r, c.crews[begin + r - 1] if r > 0 else 0)
            if second >= 0:
                b.used[second] += 1
        if part > 0.0 and not p.visits[first, ALONE]:
            _hand_over(p, c, b, u, crews, free, partly, least, part)
    return total


@compiled
def _hand_over(
    p: Problem, c: Credits, b: Units, unit: int, crews: int, free: bool, partly: float, least: float, part: float
) -> None:
    first = p.units[unit, FIRST_VISIT]
    whole = p.units[unit + 1, FIRST_VISIT] - first
    for r in range(0 if free else 1, crews + 1):
        _sweep(p, b, first, whole, r, 1)
    for r in range(1, crews + 1):
        for k in range(whole):
            v = first + k
            days = p.visits[v, LATEST] - p.visits[v, EARLIEST] + 1
            cell = c.begins[v] + (r - 1) * days
            for j in range(days):
                x = b.costs[r, k, j]
                if x < NEVER:
                    through = min(partly, b.ways[0, r, k, j] + b.ways[1, r, k, j] - x)
                    if free:
                        mixed = b.ways[0, 0, k, j] + b.ways[1, 0, k, j] - 2.0 * b.costs[0, k, j]
                        through = min(through, mixed + x + p.rules[PER_CHANGE])
                    c.cells[cell + j] -= part * min(MOST_SLACK, max(0.0, through - least)) / whole
