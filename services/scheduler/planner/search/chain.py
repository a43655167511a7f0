"""Putting a unit of visits in: with which trainer or trainers, and on which days, it is cheapest."""

import numpy as np

from services.scheduler.planner.search.cells import (
    ANY,
    DAYS,
    EXACT,
    FIRST,
    HIGH,
    KEY,
    KNOWN_DAYS,
    LOW,
    STARTS,
    TRIAL,
    TRIAL_DAYS,
    TRIED,
    WHO,
    Scratch,
    best_days,
    open_days,
    price_cells,
)
from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.continuity import stranger
from services.scheduler.planner.search.day import NEVER, best_position, is_taken, too_far
from services.scheduler.planner.search.look import fingerprint
from services.scheduler.planner.search.problem import (
    CANDIDATES_FROM,
    EARLIEST,
    FIRST_VISIT,
    GUARDED,
    GUESTS_FROM,
    NIGHT,
    NO_LIMIT,
    PER_CHANGE,
    PER_DAY,
    PER_WEEK,
    PLACE,
    TOGETHER,
    WHOLE,
    Problem,
    Sums,
)
from services.scheduler.planner.search.seat import put, take_out
from services.scheduler.planner.search.state import CELLS, LOAD, PLACES, STOPS, VISITS, State

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
def least_cost(p: Problem, s: State, unit: int, n: int, trainer: int) -> float:
    """A quick guess from below of a unit's points with a trainer, without the load: alone, or beside the nearest place they
    go to.
    """
    first = p.units[unit, FIRST_VISIT]
    place = p.visits[first, PLACE]
    home = float(p.road[p.road.shape[1] + trainer, place])
    road = 2.0 * home
    for i in range(s.of_trainer[trainer, PLACES]):
        other = s.places[trainer, i]
        road = min(road, p.road[place, other] + home - p.road[p.road.shape[1] + trainer, other])
    return n * max(0.0, road)


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
def _circumstances(p: Problem, s: State, unit: int, n: int, r: Scratch) -> int:
    """A number for everything but the trainer on which the price of a unit depends."""
    first, found = p.units[unit, FIRST_VISIT], n
    for k in range(n):
        visit = first + k
        found = fingerprint(found, r.rows[LOW, k] * 4096 + r.rows[HIGH, k])
        if p.visits[visit, GUARDED]:
            for g in range(p.visits[visit, GUESTS_FROM], p.visits[visit + 1, GUESTS_FROM]):
                row = len(p.trainers) + p.lists[g]
                found += s.marks[row, p.week[r.rows[HIGH, k]] + 1] - s.marks[row, p.week[r.rows[LOW, k]]]
    return int(found)


@compiled
def cheapest_seat(
    p: Problem, s: State, unit: int, n: int, noise: float, shake: float, spare: float, r: Scratch
) -> float:
    """Points of the cheapest trainer and days for the first `n` visits, into `r.days` and `r.who`.

    A price is remembered with a fingerprint of the weeks it depends on, and is looked up while they are the same.
    """
    first, begin = p.units[unit, FIRST_VISIT], p.units[unit, CANDIDATES_FROM]
    several = n > 1 and not p.units[unit, WHOLE]
    near = p.rules[NIGHT] >= NO_LIMIT
    low, high = (len(p.week) - 1, 0) if near else (0, len(p.week) - 1)
    for k in range(n):
        low, high = min(low, r.rows[LOW, k]), max(high, r.rows[HIGH, k])
    low, high = p.week[low], p.week[high]
    circumstances = _circumstances(p, s, unit, n, r)
    best = NEVER
    if several:
        for k in range(n):
            for d in range(r.rows[LOW, k], r.rows[HIGH, k] + 1):
                r.cells[ANY, k, d - p.visits[first + k, EARLIEST]] = NEVER
    crew = p.units[unit + 1, CANDIDATES_FROM] - begin
    if crew > REACH and spare < NEVER and np.random.random() < FOCUS:
        crew = REACH
        for c in range(REACH, p.units[unit + 1, CANDIDATES_FROM] - begin):
            r.rows[TRIED, c] = False
    for c in range(crew):
        trainer = p.lists[begin + c]
        factor = 1.0 + noise * (np.random.random() - 0.5)
        load = s.of_trainer[trainer, LOAD]
        more = p.load_cost[trainer, load + n] - p.load_cost[trainer, load] + stranger(p, s, unit, trainer)
        room = min(spare, best / factor, NEVER / 2) - more
        r.rows[TRIED, c] = False
        s.sums[CELLS] += LOOKED_UP
        key = circumstances + s.marks[trainer, high + 1] - s.marks[trainer, low]
        is_known = not several and r.known[begin + c, KEY] == key and shake <= 0.0
        if is_known:
            if r.price[begin + c] >= room:
                continue
            is_known = r.known[begin + c, EXACT] > 0
        if not is_known:
            if least_cost(p, s, unit, n, trainer) >= room:
                continue
            cost = r.cells[FIRST + c]
            price = price_cells(p, s, unit, n, trainer, NEVER * n if several else room, shake, cost, r)
            if several:
                r.rows[TRIED, c] = True
                one = p.load_cost[trainer, load + 1] - p.load_cost[trainer, load]
                _keep_cheapest(p, first, n, trainer, one, cost, r)
            exact = price < (NEVER if several else room)
            if exact:
                price = best_days(p, unit, n, cost, r)
            if not several and shake <= 0.0:
                r.known[begin + c, KEY], r.known[begin + c, EXACT], r.price[begin + c] = key, exact, price
                for k in range(n):
                    r.known[begin + c, KNOWN_DAYS + k] = r.rows[TRIAL_DAYS, k]
            if not exact or price >= room:
                continue
        else:
            price = r.price[begin + c]
            for k in range(n):
                r.rows[TRIAL_DAYS, k] = r.known[begin + c, KNOWN_DAYS + k]
        best = (price + more) * factor
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
