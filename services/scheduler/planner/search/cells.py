"""Points of a unit's visits on every day with one trainer, and the best days among them: exact, given everything else, by
dynamic programming over days.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.day import NEVER, beside, best_position, is_taken, too_far
from services.scheduler.planner.search.problem import (
    BAND_GUEST,
    BAND_LATER,
    BAND_MAX,
    BAND_MIN,
    BAND_OTHER,
    BANDS_FROM,
    CALENDAR,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    GAP_MAX,
    GAP_MIN,
    GUARDED,
    INT,
    LATEST,
    MOST_AWAY,
    NIGHT,
    NO_LIMIT,
    OFF_TARGET,
    PLACE,
    TARGET,
    Bools,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.state import AWAY, CELLS, DAY, EMPTY, FULL, MANY, State


class Scratch(NamedTuple):
    """Room to compute in, made once."""

    cells: Sums
    """[2 + candidates, visits of a unit, days of a window] points: the best way here, the cheapest of all, each candidate's"""
    steps: Ints
    """[2, visits, days] the day before on the best way, the candidate of the cheapest of all"""
    rows: Ints
    """[rows, n]"""
    known: Ints
    """[candidates of all units, columns] for how many visits the best days are known, those days, for each visit a fingerprint
    of what the trainer had when it was priced, and one of the places the trainer went to
    """
    price: Sums
    """[candidates of all units] points of the best days, without the load"""
    least: Sums
    """[candidates of all units, visits + 1] points of each visit's cheapest day; a guess from below for any of them"""
    usual: Ints
    """[U] the candidate with whom a unit was cheapest the last time"""
    jitter: Sums
    """[a power of two] numbers from 0 to 1 by which days are shaken"""
    open: Bools
    """[T] trainers who may be given a visit: all, or where several search one plan, those of one part of it"""


ANY, BEST, FIRST = range(3)
"""First index of `cells`."""
LOW, HIGH, DAYS, WHO, TRIAL_DAYS, TRIED, TRIAL, STARTS, AROUND, PRICED, ROWS = range(11)
"""Rows: days that bands to other units leave open, the best days and people, days under trial, which candidates were
priced, a day's stops under trial, minutes of a day's stops, fingerprints of what a visit depends on beside the trainer, which
visits have to be priced.
"""
EXACT, KNOWN_DAYS = range(2)
JITTERS = 4096


def scratch(candidates: int, visits: int, window: int, slots: int, pairs: int, units: int, trainers: int) -> Scratch:
    """Room for the largest unit, and for what is known of so many units and pairs of unit and candidate."""
    known = np.zeros((max(1, pairs), KNOWN_DAYS + 2 * visits + 1), INT)
    known[:, -1] = -1
    return Scratch(
        cells=np.zeros((FIRST + candidates, visits, window)),
        steps=np.zeros((2, visits, window), INT),
        rows=np.zeros((ROWS, max(visits, candidates, slots + 2)), INT),
        known=known,
        price=np.zeros(max(1, pairs)),
        least=np.zeros((max(1, pairs), visits + 1)),
        usual=np.zeros(max(1, units), INT),
        jitter=np.random.default_rng(0).random(JITTERS),
        open=np.ones(max(1, trainers), np.bool_),
    )


@compiled
def open_days(p: Problem, s: State, unit: int, r: Scratch) -> int:
    """Narrow the windows by bands to visits of other units; returns how many visits of the unit can be placed at most."""
    first, n = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT] - p.units[unit, FIRST_VISIT]
    for k in range(n):
        visit = first + k
        low, high = p.visits[visit, EARLIEST], p.visits[visit, LATEST]
        for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
            other, guest = p.bands[b, BAND_OTHER], p.bands[b, BAND_GUEST]
            day = s.placed[other, DAY]
            if guest >= 0:
                if p.visits[visit, MOST_AWAY] > 0:
                    if p.bands[b, BAND_LATER]:
                        continue  # they may stay away: looked at for each day
                elif s.placed[other, AWAY] >> guest & 1:
                    if p.bands[b, BAND_LATER]:
                        return int(k)
                    continue
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
def price_visit(p: Problem, s: State, unit: int, k: int, trainer: int, shake: float, cost: Sums, r: Scratch) -> float:
    """Points of one visit of the unit on every day with this trainer, into `cost`; returns those of the cheapest day, `NEVER`
    when it has none.

    `shake` adds up to so many points to days by chance, so that units put in first leave the days they like best; what is
    returned is without it.
    """
    visit, homes = p.units[unit, FIRST_VISIT] + k, p.road.shape[1] + trainer
    far = p.rules[NIGHT] < NO_LIMIT
    at = np.random.randint(0, JITTERS) if shake > 0.0 else 0
    extra, place = float(p.extra[visit, trainer]), p.visits[visit, PLACE]
    solo = extra + 2.0 * p.road[homes, place]
    calendar, doors, start = p.visits[visit, CALENDAR], p.visits[visit, DOORS], p.visits[visit, EARLIEST]
    off, target, guarded = float(p.points[visit, OFF_TARGET]), p.visits[visit, TARGET], p.visits[visit, GUARDED]
    least = NEVER
    s.sums[CELLS] += r.rows[HIGH, k] - r.rows[LOW, k] + 1
    for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
        c, seat = NEVER, s.seats[trainer, d]
        if (
            seat != FULL
            and p.works[calendar, trainer, d]
            and p.is_open[doors, d]
            and not (guarded and is_taken(p, s, visit, d))
            and not (far and too_far(p, s, visit, trainer, d))
        ):
            if seat == EMPTY:
                c = solo
            elif seat == MANY:
                c = extra + best_position(p, s, visit, trainer, d, r.rows[TRIAL], r.rows[STARTS])[0]
            else:
                c = extra + beside(p, s, visit, seat, trainer, d)
            if c < NEVER:
                c += off * abs(d - target)
                least = min(least, c)
                if shake > 0.0:
                    at = (at + 1) & (JITTERS - 1)
                    c += shake * r.jitter[at]
        cost[k, d - start] = c
    return least


@compiled
def best_days(p: Problem, unit: int, n: int, cost: Sums, r: Scratch) -> float:
    """Cheapest days that keep the bands within the unit, into `r.trial_days`; `NEVER` when there are none."""
    first = p.units[unit, FIRST_VISIT]
    start = p.visits[first, EARLIEST]
    for d in range(r.rows[LOW, 0], r.rows[HIGH, 0] + 1):
        r.cells[BEST, 0, d - start] = cost[0, d - start]
    for k in range(1, n):
        start, before = p.visits[first + k, EARLIEST], p.visits[first + k - 1, EARLIEST]
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
            else:
                r.cells[BEST, k, d - start] = NEVER
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
