"""The best days for a unit's visits with one trainer: exact, given everything else, by dynamic programming over days."""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.day import (
    NEVER,
    best_position,
    is_taken,
    shared_cost,
    too_far,
)
from services.scheduler.planner.search.problem import (
    BAND_LATER,
    BAND_MAX,
    BAND_MIN,
    BAND_OTHER,
    BANDS_FROM,
    CALENDAR,
    CANDIDATES_FROM,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    GAP_MAX,
    GAP_MIN,
    GUARDED,
    LATEST,
    NIGHT,
    NO_LIMIT,
    OFF_TARGET,
    PER_CHANGE,
    PER_DAY,
    PER_WEEK,
    PLACE,
    TARGET,
    TOGETHER,
    WHOLE,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.seat import put, stranger, take_out
from services.scheduler.planner.search.state import CELLS, DAY, LOAD, PLACES, STOPS, VISITS, State


class Scratch(NamedTuple):
    """Room to compute in, made once."""

    cells: Sums
    """[2 + candidates, visits of a unit, days of a window] points: the best way here, the cheapest of all, each candidate's"""
    steps: Ints
    """[2, visits, days] the day before on the best way, the candidate of the cheapest of all"""
    rows: Ints
    """[8, n]"""


ANY, BEST, FIRST = range(3)
"""First index of `cells`."""
LOW, HIGH, DAYS, WHO, TRIAL_DAYS, TRIED, TRIAL, STARTS = range(8)
"""Rows: days that bands to other units leave open, the best days and people, days under trial, which candidates were
priced, a day's stops under trial, minutes of a day's stops.
"""


def scratch(candidates: int, visits: int, window: int, slots: int) -> Scratch:
    """Room for the largest unit."""
    return Scratch(
        cells=np.zeros((FIRST + candidates, visits, window)),
        steps=np.zeros((2, visits, window), np.int32),
        rows=np.zeros((STARTS + 1, max(visits, candidates, slots + 2)), np.int32),
    )


@compiled
def open_days(p: Problem, s: State, unit: int, r: Scratch) -> int:
    """Narrow the windows by bands to visits of other units; returns how many visits of the unit can be placed at most."""
    first, n = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT] - p.units[unit, FIRST_VISIT]
    for k in range(n):
        visit = first + k
        low, high = p.visits[visit, EARLIEST], p.visits[visit, LATEST]
        for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
            other = p.bands[b, BAND_OTHER]
            day = s.placed[other, DAY]
            if p.bands[b, BAND_LATER]:
                if day < 0:
                    return int(k)
                low = max(low, day + p.bands[b, BAND_MIN])
                high = min(high, day + p.bands[b, BAND_MAX])
            elif day >= 0:
                high = min(high, day - p.bands[b, BAND_MIN])
                low = max(low, day - p.bands[b, BAND_MAX])
        if low > high:
            return int(k)
        r.rows[LOW, k], r.rows[HIGH, k] = low, high
    return int(n)


@compiled
def price_cells(p: Problem, s: State, unit: int, n: int, trainer: int, every: bool, cost: Sums, r: Scratch) -> bool:
    """Points of every visit of the unit on every day with this trainer; False when a visit has no day at all.

    Stops at such a visit unless `every` visit is asked for.
    """
    first = p.units[unit, FIRST_VISIT]
    cap, per_day = p.trainers[trainer, PER_WEEK], p.trainers[trainer, PER_DAY]
    far, full = p.rules[NIGHT] < NO_LIMIT, True
    for k in range(n):
        visit = first + k
        extra, place = float(p.extra[visit, trainer]), p.visits[visit, PLACE]
        solo = extra + 2.0 * p.road[p.road.shape[1] + trainer, place]
        calendar, doors, start = p.visits[visit, CALENDAR], p.visits[visit, DOORS], p.visits[visit, EARLIEST]
        off, target, guarded = float(p.points[visit, OFF_TARGET]), p.visits[visit, TARGET], p.visits[visit, GUARDED]
        found = False
        s.sums[CELLS] += r.rows[HIGH, k] - r.rows[LOW, k] + 1
        for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
            c = NEVER
            if (
                p.works[calendar, trainer, d]
                and p.is_open[doors, d]
                and s.in_week[trainer, p.week[d]] < cap
                and not (guarded and is_taken(p, s, visit, d))
                and not (far and too_far(p, s, visit, trainer, d))
            ):
                if s.on_day[trainer, d, STOPS] == 0:
                    c = solo
                elif s.on_day[trainer, d, VISITS] < per_day:
                    c = extra + shared_cost(p, s, visit, trainer, d, r.rows[TRIAL], r.rows[STARTS])
            if c < NEVER:
                c += off * abs(d - target)
                found = True
            cost[k, d - start] = c
        if not found:
            full = False
            if not every:
                break
    return full


@compiled
def best_days(p: Problem, unit: int, n: int, cost: Sums, r: Scratch) -> float:
    """Cheapest days that keep the bands within the unit, into `r.trial_days`; `NEVER` when there are none."""
    first = p.units[unit, FIRST_VISIT]
    for k in range(n):
        start = p.visits[first + k, EARLIEST]
        for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
            r.cells[BEST, k, d - start] = NEVER
        if k == 0:
            for d in range(r.rows[LOW, 0], r.rows[HIGH, 0] + 1):
                r.cells[BEST, 0, d - start] = cost[0, d - start]
            continue
        before = p.visits[first + k - 1, EARLIEST]
        gap, band = p.visits[first + k, GAP_MIN], p.visits[first + k, GAP_MAX]
        cheapest, at, e = NEVER, -1, r.rows[LOW, k - 1]
        for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
            if band >= NO_LIMIT:
                while e <= r.rows[HIGH, k - 1] and e <= d - gap:
                    if r.cells[BEST, k - 1, e - before] < cheapest:
                        cheapest, at = r.cells[BEST, k - 1, e - before], e
                    e += 1
            else:
                cheapest, at = NEVER, -1
                for e in range(max(r.rows[LOW, k - 1], d - band), min(r.rows[HIGH, k - 1], d - gap) + 1):
                    if r.cells[BEST, k - 1, e - before] < cheapest:
                        cheapest, at = r.cells[BEST, k - 1, e - before], e
            c = cost[k, d - start]
            if c < NEVER and cheapest < NEVER:
                r.cells[BEST, k, d - start] = c + cheapest
                r.steps[0, k, d - start] = at
    start = p.visits[first + n - 1, EARLIEST]
    best, day = NEVER, -1
    for d in range(r.rows[LOW, n - 1], r.rows[HIGH, n - 1] + 1):
        if r.cells[BEST, n - 1, d - start] < best:
            best, day = r.cells[BEST, n - 1, d - start], d
    if day >= 0:
        for k in range(n - 1, -1, -1):
            r.rows[TRIAL_DAYS, k] = day
            day = r.steps[0, k, day - p.visits[first + k, EARLIEST]]
    return best


@compiled
def put_days(p: Problem, s: State, unit: int, n: int, r: Scratch) -> int:
    """Put the first `n` visits in on `r.days` with `r.who`; stops at the first that does not fit after all.

    The visits are priced each by itself: two in one week of a trainer who has room for one only show here.
    """
    first = p.units[unit, FIRST_VISIT]
    for k in range(n):
        visit, trainer, day = first + k, r.rows[WHO, k], r.rows[DAYS, k]
        position = 0
        room = (
            s.in_week[trainer, p.week[day]] < p.trainers[trainer, PER_WEEK]
            and s.on_day[trainer, day, VISITS] < p.trainers[trainer, PER_DAY]
        )
        room = room and not (p.visits[visit, GUARDED] and is_taken(p, s, visit, day))
        room = room and not (p.rules[NIGHT] < NO_LIMIT and too_far(p, s, visit, trainer, day))
        if room and s.on_day[trainer, day, STOPS] > 0:
            cost, position = best_position(p, s, visit, trainer, day, r.rows[TRIAL], r.rows[STARTS])
            room = cost < NEVER
        if not room:
            return int(k)
        put(p, s, visit, trainer, -1, day, position, r.rows[STARTS])
    return int(n)


@compiled
def least_cost(p: Problem, s: State, unit: int, n: int, trainer: int) -> float:
    """A quick guess from below of a unit's points with a trainer: alone, or beside the nearest place they go to."""
    first = p.units[unit, FIRST_VISIT]
    place = p.visits[first, PLACE]
    home = float(p.road[p.road.shape[1] + trainer, place])
    road = 2.0 * home
    for i in range(s.of_trainer[trainer, PLACES]):
        other = s.places[trainer, i]
        road = min(road, p.road[place, other] + home - p.road[p.road.shape[1] + trainer, other])
    load = s.of_trainer[trainer, LOAD]
    return n * max(0.0, road) + float(p.load_cost[trainer, load + n] - p.load_cost[trainer, load])


@compiled
def insert_chain(p: Problem, s: State, unit: int, noise: float, r: Scratch) -> int:
    """Put a unit in where it is cheapest; returns how many of its visits are in. `noise` shakes the choice of trainer."""
    n = open_days(p, s, unit, r)
    whole = p.units[unit + 1, FIRST_VISIT] - p.units[unit, FIRST_VISIT]
    while n > 0 and (n == whole or not p.units[unit, TOGETHER]):
        if cheapest_seat(p, s, unit, n, noise, r) < NEVER:
            done = put_days(p, s, unit, n, r)
            if done < n and p.units[unit, TOGETHER]:
                for k in range(done):
                    take_out(p, s, p.units[unit, FIRST_VISIT] + k, r.rows[STARTS])
                return 0
            return done
        n -= 1
    return 0


@compiled
def cheapest_seat(p: Problem, s: State, unit: int, n: int, noise: float, r: Scratch) -> float:
    """Points of the cheapest trainer and days for the first `n` visits, into `r.days` and `r.who`."""
    first, begin = p.units[unit, FIRST_VISIT], p.units[unit, CANDIDATES_FROM]
    several = n > 1 and not p.units[unit, WHOLE]
    best = NEVER
    if several:
        for k in range(n):
            for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
                r.cells[ANY, k, d - p.visits[first + k, EARLIEST]] = NEVER
    for c in range(p.units[unit + 1, CANDIDATES_FROM] - begin):
        trainer = p.lists[begin + c]
        factor = 1.0 + noise * (np.random.random() - 0.5)
        r.rows[TRIED, c] = False
        strange = stranger(p, s, unit, trainer)
        if (strange + least_cost(p, s, unit, n, trainer)) * factor >= best:
            continue
        load = s.of_trainer[trainer, LOAD]
        more = p.load_cost[trainer, load + n] - p.load_cost[trainer, load]
        full = price_cells(p, s, unit, n, trainer, several, r.cells[FIRST + c], r)
        if several:
            r.rows[TRIED, c] = True
            one = p.load_cost[trainer, load + 1] - p.load_cost[trainer, load]
            _keep_cheapest(p, first, n, trainer, one, r.cells[FIRST + c], r)
        if full:
            days = best_days(p, unit, n, r.cells[FIRST + c], r)
            cost = (days + more + strange) * factor
            if days < NEVER and cost < best:  # shaken, even a chain that there is not would look cheap
                best = cost
                for k in range(n):
                    r.rows[DAYS, k], r.rows[WHO, k] = r.rows[TRIAL_DAYS, k], trainer
    if several:
        best = _share_out(p, s, unit, n, best, r)
    return best


@compiled
def _keep_cheapest(p: Problem, first: int, n: int, trainer: int, more: float, cost: Sums, r: Scratch) -> None:
    for k in range(n):
        start = p.visits[first + k, EARLIEST]
        for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
            c = cost[k, d - start] + more
            if c < r.cells[ANY, k, d - start]:
                r.cells[ANY, k, d - start] = c
                r.steps[1, k, d - start] = trainer


@compiled
def _share_out(p: Problem, s: State, unit: int, n: int, best: float, r: Scratch) -> float:
    """Where continuity is a wish: any visit may go to the cheapest trainer of its day, for the price of a change."""
    first, begin = p.units[unit, FIRST_VISIT], p.units[unit, CANDIDATES_FROM]
    change = p.rules[PER_CHANGE]
    for c in range(p.units[unit + 1, CANDIDATES_FROM] - begin):
        trainer = p.lists[begin + c]
        if not r.rows[TRIED, c]:
            continue
        more = p.load_cost[trainer, s.of_trainer[trainer, LOAD] + 1] - p.load_cost[trainer, s.of_trainer[trainer, LOAD]]
        mixed = False
        for k in range(n):
            start = p.visits[first + k, EARLIEST]
            for d in range(r.rows[LOW, k] - start, r.rows[HIGH, k] - start + 1):
                own = r.cells[FIRST + c, k, d] + more
                other = r.cells[ANY, k, d] + change
                r.cells[FIRST + c, k, d] = min(own, other)
                mixed = mixed or other < own
        if not mixed:
            continue
        cost = best_days(p, unit, n, r.cells[FIRST + c], r)
        if cost < best:
            best = cost
            for k in range(n):
                d = r.rows[TRIAL_DAYS, k] - p.visits[first + k, EARLIEST]
                r.rows[DAYS, k] = r.rows[TRIAL_DAYS, k]
                shared = r.cells[FIRST + c, k, d] == r.cells[ANY, k, d] + change
                r.rows[WHO, k] = r.steps[1, k, d] if shared else trainer
    return best
