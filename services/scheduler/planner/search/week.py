"""The weeks of trainers by themselves: which visits would a trainer like best to have there, at the credits they bring?

Half of the bound (see `bound`). A day with at most two visits and nothing booked is priced exactly, as the road from home and
back; on other days every visit pays its least share of the road. A week has no more visits than its limit.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.problem import (
    ALONE,
    CALENDAR,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    INT,
    LATEST,
    LONGEST,
    MINUTES,
    OPENING,
    PER_DAY,
    PLACE,
    Bools,
    Ints,
    Problem,
    Reals,
    Sums,
)
from services.scheduler.planner.search.week_tables import Week, run, want

MOST_SLACK = 2_000.0
"""Points that a credit moves at most in one step."""


class Credits(NamedTuple):
    """What visits bring to trainers' days, and what is known about them."""

    cells: Sums
    """[one for each visit, trainer and day] points that the visit pays to the trainer's day"""
    begins: Ints
    """[V + 1] where the cells of a visit begin: trainer after trainer of its unit, day after day of its window"""
    crews: Ints
    """[units + 1 and then] where the trainers of each unit begin, from `len(units)` on; then those trainers"""
    asked: Ints
    """[T + 1 and then pairs of unit and its trainer's number] the units that each trainer can have"""
    share: Reals
    """[V, T] least points of road for a visit with a trainer"""
    free_road: Bools
    """[T, D] days on which something booked may make the way cheaper than that"""
    room: Ints
    """[T, weeks] visits that a week still takes"""


def week_room(p: Problem, credits: Credits) -> Week:
    """Room for the busiest trainer."""
    days = len(p.week)
    on = np.zeros((max(1, len(p.trainers)), days + 1), INT)
    first = credits.asked[: len(p.trainers) + 1]
    for t in range(len(p.trainers)):
        for i in range(first[t], first[t + 1]):
            unit = credits.asked[len(p.trainers) + 1 + 2 * i]
            for v in range(p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]):
                on[t, p.visits[v, EARLIEST]] += 1
                on[t, p.visits[v, LATEST] + 1] -= 1
    most = max(1, int(np.cumsum(on, axis=1).max(initial=1)))
    sizes = int(max(2, p.trainers[:, PER_DAY].max(initial=2))) + 1
    room = int(credits.room.max(initial=0)) + 1
    return Week(
        np.zeros((days, most, 2), INT), np.zeros(days, INT), np.zeros((days, most)), np.zeros((days, most)),
        np.zeros((days, sizes)), np.zeros((days + 1, room)), np.zeros((days + 1, room)),
        np.zeros(2 + int(credits.room.sum()), INT),
    )  # fmt: skip


@compiled
def _gather(p: Problem, c: Credits, w: Week, t: int) -> None:
    """What could be on each day of a trainer."""
    w.filled[:] = 0
    trainers = len(p.trainers)
    for i in range(c.asked[t], c.asked[t + 1]):
        unit, number = c.asked[trainers + 1 + 2 * i], c.asked[trainers + 2 + 2 * i]
        for v in range(p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]):
            if p.visits[v, ALONE] or not p.extra[v, t] < np.inf:
                continue
            low, high = p.visits[v, EARLIEST], p.visits[v, LATEST]
            cell = c.begins[v] + number * (high - low + 1)
            for d in range(low, high + 1):
                if p.works[p.visits[v, CALENDAR], t, d] and p.is_open[p.visits[v, DOORS], d]:
                    w.stops[d, w.filled[d], 0], w.stops[d, w.filled[d], 1] = v, cell + d - low
                    w.filled[d] += 1


@compiled
def _price_day(p: Problem, c: Credits, w: Week, t: int, d: int) -> None:
    """Points of each visit alone and with its best partner, and the least of a day with none, one, two or more."""
    homes, n = p.road.shape[1] + t, w.filled[d]
    exact = p.trainers[t, PER_DAY] <= 2 and not c.free_road[t, d]
    w.least[d, :] = NEVER
    w.least[d, 0] = 0.0
    for i in range(n):
        v = w.stops[d, i, 0]
        credit, place = c.cells[w.stops[d, i, 1]], p.visits[v, PLACE]
        road = 0.0
        if exact:
            road = 2.0 * p.road[homes, place] if place >= 0 else 0.0
        elif not c.free_road[t, d]:
            road = float(c.share[v, t])
        w.one[d, i], w.two[d, i] = road - credit, NEVER
    if exact:
        for i in range(n if p.trainers[t, PER_DAY] > 1 else 0):
            v = w.stops[d, i, 0]
            here, best = p.visits[v, PLACE], w.two[d, i]
            for j in range(i + 1, n):
                o = w.stops[d, j, 0]
                there = p.visits[o, PLACE]
                c2 = w.one[d, i] + w.one[d, j]
                if here >= 0 and there >= 0:
                    c2 += p.road[here, there] - p.road[homes, here] - p.road[homes, there]
                if c2 < best or c2 < w.two[d, j]:
                    drive = p.drive[here, there] if here >= 0 and there >= 0 else 0
                    minutes = p.visits[v, MINUTES] + p.visits[o, MINUTES] + drive
                    away = minutes
                    if here >= 0 and there >= 0:
                        away += p.drive[homes, here] + p.drive[homes, there]
                    if minutes <= p.rules[OPENING] and away <= p.rules[LONGEST]:
                        best = min(best, c2)
                        w.two[d, j] = min(w.two[d, j], c2)
            w.two[d, i] = best
        for i in range(n):
            w.least[d, 1] = min(w.least[d, 1], w.one[d, i])
            w.least[d, 2] = min(w.least[d, 2], w.two[d, i])
        return
    sizes = min(p.trainers[t, PER_DAY], w.least.shape[1] - 1)
    for i in range(n):  # the cheapest so far, in order, as sums
        x = w.one[d, i]
        for k in range(1, sizes + 1):
            if w.least[d, k] >= NEVER:
                w.least[d, k] = x
                break
            if x < w.least[d, k]:
                x, w.least[d, k] = w.least[d, k], x
    for k in range(2, sizes + 1):
        if w.least[d, k] < NEVER:
            w.least[d, k] += w.least[d, k - 1]


@compiled
def _with(p: Problem, c: Credits, w: Week, t: int, d: int, i: int, k: int) -> float:
    """Least points of a day with a certain visit and k in all."""
    if k == 1:
        return float(w.one[d, i])
    if p.trainers[t, PER_DAY] <= 2 and not c.free_road[t, d]:
        return float(w.two[d, i])
    if k >= w.least.shape[1] or w.least[d, k] >= NEVER:
        return NEVER
    return float(max(w.least[d, k], w.one[d, i] + w.least[d, k - 1]))


@entry
def weeks_by_themselves(p: Problem, c: Credits, w: Week, part: float) -> float:
    """Points of all weeks of all trainers at the present credits. Then every credit rises by `part` of what its visit lacks
    to be in a best week, shared among as many as a week has room for: the points stay as they are. When that is nothing,
    `wanted` gets what the best weeks have instead.
    """
    total, days = 0.0, len(p.week)
    w.wanted[0] = 0
    for t in range(len(p.trainers)):
        _gather(p, c, w, t)
        first = 0
        while first < days:
            last = first
            while last < days and p.week[last] == p.week[first]:
                if w.filled[last] > 0:
                    _price_day(p, c, w, t, last)
                else:
                    w.least[last, :] = NEVER
                    w.least[last, 0] = 0.0
                last += 1
            room, n = c.room[t, p.week[first]], last - first
            run(w, first, n, room, True)
            best = w.before[n, room]
            total += best
            if part <= 0.0:
                want(w, first, n, room, p.trainers[t, PER_DAY] <= 2)
                first = last
                continue
            run(w, first, n, room, False)
            for d in range(first, last):
                for i in range(w.filled[d]):
                    least = NEVER
                    for k in range(1, min(room, w.least.shape[1] - 1) + 1):
                        own = _with(p, c, w, t, d, i, k)
                        if own < NEVER:
                            for j in range(room - k + 1):
                                least = min(least, own + w.before[d - first, j] + w.after[d - first + 1, room - k - j])
                    slack = min(MOST_SLACK, max(0.0, least - best))
                    c.cells[w.stops[d, i, 1]] += part * slack / max(1, min(room, n * (w.least.shape[1] - 1)))
            first = last
    return total
