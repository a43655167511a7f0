"""What a unit's best days with one trainer cost, remembered while what they depend on is the same."""

from services.scheduler.planner.search.cells import (
    AROUND,
    EXACT,
    HIGH,
    KNOWN_DAYS,
    LOW,
    PRICED,
    TRIAL_DAYS,
    Scratch,
    best_days,
    price_visit,
)
from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.look import fingerprint
from services.scheduler.planner.search.problem import (
    FIRST_VISIT,
    GUARDED,
    GUESTS_FROM,
    NIGHT,
    NO_LIMIT,
    PLACE,
    Problem,
    Sums,
)
from services.scheduler.planner.search.state import PLACES, PLACES_MARK, State


@compiled
def look_around_unit(p: Problem, s: State, unit: int, n: int, r: Scratch) -> None:
    """Fingerprints, by visit, of everything but the trainer on which its price depends."""
    first = p.units[unit, FIRST_VISIT]
    for k in range(n):
        found = fingerprint(0, r.rows[LOW, k] * 4096 + r.rows[HIGH, k])
        if p.visits[first + k, GUARDED]:
            for g in range(p.visits[first + k, GUESTS_FROM], p.visits[first + k + 1, GUESTS_FROM]):
                row = len(p.trainers) + p.lists[g]
                found += s.marks[row, p.week[r.rows[HIGH, k]] + 1] - s.marks[row, p.week[r.rows[LOW, k]]]
        r.rows[AROUND, k] = found


@compiled
def least_cost(p: Problem, s: State, unit: int, trainer: int) -> float:
    """A quick guess from below of the points of one of a unit's visits with a trainer: alone, or beside the nearest place
    they go to.
    """
    place = p.visits[p.units[unit, FIRST_VISIT], PLACE]
    home = float(p.road[p.road.shape[1] + trainer, place])
    road = 2.0 * home
    for i in range(s.of_trainer[trainer, PLACES]):
        other = s.places[trainer, i]
        road = min(road, p.road[place, other] + home - p.road[p.road.shape[1] + trainer, other])
    return max(0.0, road)


@compiled
def price_days(
    p: Problem, s: State, unit: int, n: int, trainer: int, row: int, room: float, shake: float, cost: Sums, r: Scratch
) -> float:
    """Points of the best days of a unit's first `n` visits with a trainer, into `r.trial_days`; `NEVER` when they are not
    below `room`.

    What is known of each visit's cheapest day is a floor, and passes most trainers over; only visits whose weeks have
    changed since are priced again for it. `row` is that of the pair in what is known.
    """
    near, last = p.rules[NIGHT] >= NO_LIMIT, p.week[len(p.week) - 1]
    visits = r.least.shape[1] - 1
    keys = KNOWN_DAYS + visits
    floor, stale = 0.0, 0
    for k in range(n):
        low, high = (p.week[r.rows[LOW, k]], p.week[r.rows[HIGH, k]]) if near else (0, last)
        key = r.rows[AROUND, k] + s.marks[trainer, high + 1] - s.marks[trainer, low]
        if r.known[row, keys + k] == key:
            floor += r.least[row, k]
            r.rows[PRICED, k] = 0
        else:
            stale += 1
            r.rows[PRICED, k] = key
    if floor >= room:
        return NEVER
    if stale == 0 and r.known[row, EXACT] == n and (shake <= 0.0 or r.price[row] >= room):
        for k in range(n):
            r.rows[TRIAL_DAYS, k] = r.known[row, KNOWN_DAYS + k]
        return float(r.price[row]) if r.price[row] < room else NEVER
    if stale > 0:
        guess = r.least[row, visits]
        if r.known[row, keys + visits] != s.of_trainer[trainer, PLACES_MARK]:
            guess = least_cost(p, s, unit, trainer)
            r.least[row, visits], r.known[row, keys + visits] = guess, s.of_trainer[trainer, PLACES_MARK]
        floor += stale * guess
        if floor >= room:
            return NEVER
        r.known[row, EXACT] = 0
        for k in range(n):
            if r.rows[PRICED, k] != 0:
                r.known[row, keys + k] = r.rows[PRICED, k]
                r.least[row, k] = price_visit(p, s, unit, k, trainer, shake, cost, r)
                floor += r.least[row, k] - guess
                if floor >= room:
                    return NEVER
    for k in range(n):
        if r.rows[PRICED, k] == 0:
            price_visit(p, s, unit, k, trainer, shake, cost, r)
    price = best_days(p, unit, n, cost, r)
    if shake <= 0.0:
        r.known[row, EXACT], r.price[row] = n, price
        for k in range(n):
            r.known[row, KNOWN_DAYS + k] = r.rows[TRIAL_DAYS, k]
    return price if price < room else NEVER
