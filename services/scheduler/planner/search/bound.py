"""A lower bound beside the search: every unit by itself, with prices for what the units share.

Lagrangian relaxation: visits pay a price for each week of a trainer (at least 0; a full week must be worth it) and for each
visit of a trainer (either sign; the load's cost is settled against it). The road is split between the visits of a day: each leg
belongs half to either end, so a visit pays at least the way home and half the way to the nearest other visit. Bands between
units, days and the enterprises' other visits are left out. Any prices give a valid bound, so it can stop at any time.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.problem import (
    ALONE,
    BLOCK,
    CALENDAR,
    CREW,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    GAP_MAX,
    GAP_MIN,
    LATEST,
    LEFT_OUT,
    LONGEST,
    MINUTES,
    NO_LIMIT,
    OFF_TARGET,
    OPENING,
    PAIR_ROW,
    PER_CHANGE,
    PER_DAY,
    PLACE,
    TARGET,
    TOGETHER,
    WHOLE,
    Bools,
    Ints,
    Problem,
    Reals,
    Sums,
)


class Prices(NamedTuple):
    """The multipliers, and what the visits use at them."""

    week: Sums
    """[T, weeks]"""
    visit: Sums
    """[T]"""
    used_week: Sums
    used_visit: Sums
    share: Reals
    """[V, T] least points of road for a visit with a trainer"""
    free_road: Bools
    """[T, D] days on which something booked may make the way cheaper than that"""
    least: Reals
    """[U, T] least points of a whole unit with a trainer at no prices"""
    cells: Sums
    """[3, visits, days]"""
    steps: Ints
    """[3, visits, days]"""
    days: Ints
    """[2, visits]"""


def prices(p: Problem) -> Prices:
    """No prices at all, and room to compute in."""
    trainers, days = len(p.trainers), len(p.week)
    units, visits = len(p.units) - 1, len(p.points)
    n = int(np.diff(p.units[:, FIRST_VISIT]).max(initial=1))
    window = max(1, int((p.visits[:, LATEST] - p.visits[:, EARLIEST]).max(initial=0)) + 1)
    weeks = int(p.week.max(initial=0)) + 1
    free = np.zeros((trainers, days), np.bool_)
    free[p.fixed[:, 0], p.fixed[:, 1]] = True
    made = Prices(
        np.zeros((trainers, weeks)), np.zeros(trainers), np.zeros((trainers, weeks)), np.zeros(trainers),
        np.zeros((visits, trainers), np.float32), free, np.zeros((units, trainers), np.float32),
        np.zeros((3, n, window)), np.zeros((3, n, window), np.int32), np.zeros((2, n), np.int32),
    )  # fmt: skip
    order = np.argsort(p.road[: p.road.shape[1]], axis=1, kind="stable").astype(np.int32)
    at_place = np.argsort(p.visits[:visits, PLACE], kind="stable").astype(np.int32)
    starts = np.searchsorted(p.visits[at_place, PLACE], np.arange(p.road.shape[1] + 1)).astype(np.int32)
    least_shares(p, made, order, at_place, starts)
    return made


@entry
def least_shares(p: Problem, b: Prices, order: Ints, at_place: Ints, starts: Ints) -> None:
    """Each visit's least share of the road with each trainer: alone, at an end of a day's route, or in its middle."""
    places = p.road.shape[1]
    for v in range(len(p.points)):
        here = p.visits[v, PLACE]
        first = p.units[p.visits[v, 0], FIRST_VISIT]
        last = p.units[p.visits[v, 0] + 1, FIRST_VISIT]
        for t in range(len(p.trainers)):
            if p.visits[v, ALONE] or not p.extra[v, t] < np.inf or here < 0:
                continue
            home = p.road[places + t, here]
            one, two = 2.0 * home, -1.0
            for i in range(places):
                there = order[here, i]
                road = p.road[here, there]
                if home + road / 2 >= one and (p.trainers[t, PER_DAY] < 3 or road >= one):
                    break
                for k in range(starts[there], starts[there + 1]):
                    w = at_place[k]
                    if (first <= w < last and _apart(p, first, v, w)) or w == v or p.visits[w, BLOCK] > 1:
                        continue
                    if (p.visits[w, CREW] < 2 and not p.extra[w, t] < np.inf) or p.visits[w, LATEST] < p.visits[
                        v, EARLIEST
                    ]:
                        continue
                    if p.visits[w, EARLIEST] > p.visits[v, LATEST]:
                        continue
                    minutes = p.visits[v, MINUTES] + p.visits[w, MINUTES] + p.drive[here, there]
                    away = minutes + p.drive[places + t, here] + p.drive[places + t, there]
                    if minutes > p.rules[OPENING] or away > p.rules[LONGEST]:
                        continue
                    one = min(one, home + road / 2)
                    if p.trainers[t, PER_DAY] > 2:
                        if two < 0:
                            two = road
                        else:
                            one = min(one, (two + road) / 2)
                            two = min(two, road)
                    break
            if p.trainers[t, PER_DAY] > 2 and two >= 0:
                one = min(one, two)
            b.share[v, t] = one
    for u in range(len(p.units) - 1):
        for t in range(len(p.trainers)):
            total = 0.0
            for v in range(p.units[u, FIRST_VISIT], p.units[u + 1, FIRST_VISIT]):
                total += p.extra[v, t] + (b.share[v, t] if b.free_road.sum() == 0 else 0.0)
            b.least[u, t] = total


@compiled
def _apart(p: Problem, first: int, v: int, w: int) -> bool:
    """Whether bands keep two visits of one unit on different days."""
    days = 0
    for k in range(min(v, w) + 1, max(v, w) + 1):
        days += max(0, p.visits[k, GAP_MIN])
    return days > 0


@compiled
def _cells(p: Problem, b: Prices, unit: int, t: int) -> None:
    """Points with prices of each visit on each day with one trainer, into the first layer of cells."""
    first = p.units[unit, FIRST_VISIT]
    for v in range(first, p.units[unit + 1, FIRST_VISIT]):
        k, low = v - first, p.visits[v, EARLIEST]
        base = float(p.extra[v, t]) + b.visit[t]
        for d in range(low, p.visits[v, LATEST] + 1):
            c = NEVER
            if p.works[p.visits[v, CALENDAR], t, d] and p.is_open[p.visits[v, DOORS], d] and base < NEVER:
                c = base + abs(d - p.visits[v, TARGET]) * float(p.points[v, OFF_TARGET])
                c += 0.0 if b.free_road[t, d] else b.share[v, t]
                for e in range(p.visits[v, BLOCK]):
                    c += b.week[t, p.week[d + e]]
            b.cells[0, k, d - low] = c


@compiled
def _chain(p: Problem, b: Prices, unit: int, n: int, layer: int) -> float:
    """Cheapest days for the first visits of a unit in a layer of cells, into `b.days`."""
    first = p.units[unit, FIRST_VISIT]
    for k in range(n):
        low, high = p.visits[first + k, EARLIEST], p.visits[first + k, LATEST]
        before = p.visits[first + k - 1, EARLIEST] if k else 0
        until = p.visits[first + k - 1, LATEST] if k else 0
        gap, band = p.visits[first + k, GAP_MIN], p.visits[first + k, GAP_MAX]
        cheapest, at, e = NEVER, -1, before
        for d in range(low, high + 1):
            c = b.cells[layer, k, d - low]
            if k > 0:
                if band >= NO_LIMIT:
                    while e <= until and e <= d - gap:
                        if b.cells[2, k - 1, e - before] < cheapest:
                            cheapest, at = b.cells[2, k - 1, e - before], e
                        e += 1
                else:
                    cheapest, at = NEVER, -1
                    for f in range(max(before, d - band), min(until, d - gap) + 1):
                        if b.cells[2, k - 1, f - before] < cheapest:
                            cheapest, at = b.cells[2, k - 1, f - before], f
                c = c + cheapest if cheapest < NEVER and c < NEVER else NEVER
                b.steps[0, k, d - low] = at
            b.cells[2, k, d - low] = c
    best, day = NEVER, -1
    for d in range(p.visits[first + n - 1, EARLIEST], p.visits[first + n - 1, LATEST] + 1):
        if b.cells[2, n - 1, d - p.visits[first + n - 1, EARLIEST]] < best:
            best, day = b.cells[2, n - 1, d - p.visits[first + n - 1, EARLIEST]], d
    if day >= 0:
        for k in range(n - 1, -1, -1):
            b.days[0, k] = day
            day = b.steps[0, k, day - p.visits[first + k, EARLIEST]]
    return best


@compiled
def _second(p: Problem, b: Prices, v: int) -> tuple[float, int]:
    """Least points of a pair's second, whoever leads and whenever."""
    best, who = 0.0, -1
    if p.visits[v, CREW] > 1:
        best = NEVER
        for t in range(len(p.trainers)):
            c = float(p.extra[p.visits[v, PAIR_ROW], t]) + b.visit[t]
            if c < best:
                best, who = c, t
    return best, who


@entry
def relaxed(p: Problem, b: Prices) -> float:
    """The bound at these prices; `used_week` and `used_visit` become what the units use."""
    b.used_week[:, :] = 0.0
    b.used_visit[:] = 0.0
    bound = 0.0
    trainers = len(p.trainers)
    for u in range(len(p.units) - 1):
        first = p.units[u, FIRST_VISIT]
        whole = p.units[u + 1, FIRST_VISIT] - first
        left = 0.0
        for v in range(first, first + whole):
            left += p.points[v, LEFT_OUT]
        best, who, done = left, -1, 0
        second_cost, second = _second(p, b, first)
        n = whole
        while n > 0 and (n == whole or not p.units[u, TOGETHER]):
            out = 0.0
            for v in range(first + n, first + whole):
                out += p.points[v, LEFT_OUT]
            free = n > 1 and not p.units[u, WHOLE]
            if free:
                for k in range(n):
                    for j in range(p.visits[first + k, LATEST] - p.visits[first + k, EARLIEST] + 1):
                        b.cells[1, k, j] = NEVER
            for t in range(trainers):
                if not free and b.least[u, t] + n * b.visit[t] + second_cost + out >= best and n == whole:
                    continue
                _cells(p, b, u, t)
                if free:
                    for k in range(n):
                        for j in range(p.visits[first + k, LATEST] - p.visits[first + k, EARLIEST] + 1):
                            if b.cells[0, k, j] < b.cells[1, k, j]:
                                b.cells[1, k, j] = b.cells[0, k, j]
                                b.steps[1, k, j] = t
                c = _chain(p, b, u, n, 0)
                if c + second_cost + out < best:
                    best, who, done = c + second_cost + out, t, n
                    for k in range(n):
                        b.days[1, k] = b.days[0, k]
            if free:
                c = _chain(p, b, u, n, 1)
                if c + p.rules[PER_CHANGE] + out < best:
                    best, who, done = c + p.rules[PER_CHANGE] + out, -2, n
                    for k in range(n):
                        b.days[1, k] = b.days[0, k]
            n -= 1
        bound += best
        if done > 0:
            for k in range(done):
                d = b.days[1, k]
                t = who if who >= 0 else b.steps[1, k, d - p.visits[first + k, EARLIEST]]
                b.used_visit[t] += 1
                for e in range(p.visits[first + k, BLOCK]):
                    b.used_week[t, p.week[d + e]] += 1
            if second >= 0:
                b.used_visit[second] += 1
    return bound
