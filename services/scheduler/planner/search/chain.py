"""Putting a unit of visits in: with which trainer or trainers, and on which days, it is cheapest."""

import numpy as np

from services.scheduler.planner.search.cells import (
    ANY,
    DAYS,
    FIRST,
    HIGH,
    LOW,
    STARTS,
    TRIAL,
    TRIAL_DAYS,
    TRIED,
    WHO,
    Scratch,
    best_days,
    open_days,
    price_visit,
)
from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.continuity import stranger
from services.scheduler.planner.search.day import NEVER, best_position, is_taken, too_far
from services.scheduler.planner.search.prices import least_cost, look_around_unit, price_days
from services.scheduler.planner.search.problem import (
    CANDIDATES_FROM,
    EARLIEST,
    FIRST_VISIT,
    GUARDED,
    NIGHT,
    NO_LIMIT,
    PER_CHANGE,
    PER_DAY,
    PER_WEEK,
    TOGETHER,
    WHOLE,
    Problem,
    Sums,
)
from services.scheduler.planner.search.seat import put, take_out
from services.scheduler.planner.search.state import CELLS, LOAD, STOPS, VISITS, State

REACH, FOCUS = 24, 0.9
"""The nearest candidates, and how often no others are looked at."""

LOOKED_UP = 4
"""Cells that a candidate counts for whose price is known."""


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
def insert_chain(p: Problem, s: State, unit: int, noise: float, shake: float, spare: float, r: Scratch) -> int:
    """Put a unit in where it is cheapest; returns how many of its visits are in. `noise` shakes the choice of trainer, `shake`
    the days. Nothing is put in that costs `spare` points or more.
    """
    n = open_days(p, s, unit, r)
    whole = p.units[unit + 1, FIRST_VISIT] - p.units[unit, FIRST_VISIT]
    while n > 0 and (n == whole or not p.units[unit, TOGETHER]):
        if cheapest_seat(p, s, unit, n, noise, shake, spare, r) < NEVER:
            done = put_days(p, s, unit, n, r)
            if done < n and p.units[unit, TOGETHER]:
                for k in range(done):
                    take_out(p, s, p.units[unit, FIRST_VISIT] + k, r.rows[STARTS])
                return 0
            return done
        n -= 1
    return 0


@compiled
def cheapest_seat(
    p: Problem, s: State, unit: int, n: int, noise: float, shake: float, spare: float, r: Scratch
) -> float:
    """Points of the cheapest trainer and days for the first `n` visits, into `r.days` and `r.who`. The trainer of the last
    time is looked at first: what is dearer than the best so far is given up early.
    """
    first, begin = p.units[unit, FIRST_VISIT], p.units[unit, CANDIDATES_FROM]
    several = n > 1 and not p.units[unit, WHOLE]
    look_around_unit(p, s, unit, n, r)
    best = NEVER
    if several:
        for k in range(n):
            for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
                r.cells[ANY, k, d - p.visits[first + k, EARLIEST]] = NEVER
    crew = p.units[unit + 1, CANDIDATES_FROM] - begin
    usual = min(r.usual[unit], crew - 1)
    if crew > REACH and spare < NEVER and np.random.random() < FOCUS:
        for c in range(REACH, crew):
            r.rows[TRIED, c] = False
        crew = REACH
    for i in range(-1, crew):
        c = usual if i < 0 else i
        if c < 0 or i == usual:
            continue
        trainer = p.lists[begin + c]
        if not r.open[trainer]:
            r.rows[TRIED, c] = False
            continue
        factor = 1.0 + noise * (np.random.random() - 0.5)
        load = s.of_trainer[trainer, LOAD]
        more = p.load_cost[trainer, load + n] - p.load_cost[trainer, load] + stranger(p, s, unit, trainer)
        room = min(spare, best / factor, NEVER / 2) - more
        s.sums[CELLS] += LOOKED_UP
        if several:
            price = _price_and_keep(p, s, unit, n, c, room, shake, r)
        else:
            price = price_days(p, s, unit, n, trainer, begin + c, room, shake, r.cells[FIRST + c], r)
        if price < room:
            best = (price + more) * factor
            r.usual[unit] = c
            for k in range(n):
                r.rows[DAYS, k], r.rows[WHO, k] = r.rows[TRIAL_DAYS, k], trainer
    if several:
        best = _share_out(p, s, unit, n, best, r)
    return best


@compiled
def _price_and_keep(p: Problem, s: State, unit: int, n: int, c: int, room: float, shake: float, r: Scratch) -> float:
    """The same where continuity is a wish: the points of every visit and day are kept for `_share_out`."""
    trainer = p.lists[p.units[unit, CANDIDATES_FROM] + c]
    r.rows[TRIED, c] = n * least_cost(p, s, unit, trainer) < room
    if not r.rows[TRIED, c]:
        return NEVER
    cost, floor = r.cells[FIRST + c], 0.0
    for k in range(n):
        floor += price_visit(p, s, unit, k, trainer, shake, cost, r)
    load = s.of_trainer[trainer, LOAD]
    one = p.load_cost[trainer, load + 1] - p.load_cost[trainer, load]
    _keep_cheapest(p, p.units[unit, FIRST_VISIT], n, trainer, one, cost, r)
    return best_days(p, unit, n, cost, r) if floor < NEVER else NEVER


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
