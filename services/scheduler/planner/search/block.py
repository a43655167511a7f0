"""Putting in a visit that has its trainers' days to itself: a block of days, a pair of trainers, or one held online."""

import numpy as np

from services.scheduler.planner.search.cells import HIGH, LOW, STARTS, Scratch, open_days
from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.continuity import stranger
from services.scheduler.planner.search.day import NEVER, is_taken, too_far
from services.scheduler.planner.search.problem import (
    AWAY_FROM,
    BAND_GUEST,
    BAND_LATER,
    BAND_MAX,
    BAND_MIN,
    BAND_OTHER,
    BANDS_FROM,
    BLOCK,
    CALENDAR,
    CANDIDATES_FROM,
    CREW,
    DOORS,
    FIRST_VISIT,
    GUARDED,
    GUESTS_FROM,
    LEFT_OUT,
    MOST_AWAY,
    NIGHT,
    NO_LIMIT,
    OFF_TARGET,
    PAIR_ROW,
    PER_DAY,
    PER_WEEK,
    SAME_GROUP,
    SECOND_CALENDAR,
    TARGET,
    Problem,
)
from services.scheduler.planner.search.seat import count, put
from services.scheduler.planner.search.state import AWAY, CELLS, DAY, LOAD, STOPS, State


@compiled
def is_free(p: Problem, s: State, visit: int, trainer: int, calendar: int, day: int) -> bool:
    """Whether a trainer can take the whole block from `day` on."""
    if not p.works[calendar, trainer, day]:
        return False
    for d in range(day, day + p.visits[visit, BLOCK]):
        if s.on_day[trainer, d, STOPS] > 0 or p.trainers[trainer, PER_DAY] < 1:
            return False
        in_week = 0
        for e in range(day, day + p.visits[visit, BLOCK]):
            in_week += 1 if p.week[e] == p.week[d] else 0
        if s.in_week[trainer, p.week[d]] + in_week > p.trainers[trainer, PER_WEEK]:
            return False
    return not (p.rules[NIGHT] < NO_LIMIT and too_far(p, s, visit, trainer, day))


MISSED = 3.0
"""Visits that an enterprise is taken to lose when it stays away from a classroom, where days for it are compared."""


@compiled
def who_cannot(p: Problem, s: State, visit: int, day: int) -> int:
    """Bits of the guests who cannot be at a classroom that begins on a day; -1 when it cannot be held without them."""
    begin = p.visits[visit, GUESTS_FROM]
    away = 0
    for g in range(p.visits[visit + 1, GUESTS_FROM] - begin):
        shut = not p.is_open[p.lists[p.visits[visit, AWAY_FROM] + 1 + g], day]
        for d in range(day, day + p.visits[visit, BLOCK]):
            shut = shut or s.taken[p.lists[begin + g], d]
        if shut:
            away |= 1 << g
    for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
        other, guest = p.bands[b, BAND_OTHER], p.bands[b, BAND_GUEST]
        if p.bands[b, BAND_LATER] and guest >= 0:
            apart = day - s.placed[other, DAY]
            if s.placed[other, DAY] < 0 or apart < p.bands[b, BAND_MIN] or apart > p.bands[b, BAND_MAX]:
                away |= 1 << guest
        elif p.bands[b, BAND_LATER] and guest == SAME_GROUP:
            away |= s.placed[other, AWAY]
    return who_is_left(p, s, visit, away, -1, -1)


@compiled
def who_is_left(p: Problem, s: State, visit: int, away: int, lead: int, second: int) -> int:
    """The same with those whom one of the crew cannot teach; -1 when it cannot be held without all of them."""
    at = p.visits[visit, AWAY_FROM]
    may = p.lists[at]
    crews = at + 1 + p.visits[visit + 1, GUESTS_FROM] - p.visits[visit, GUESTS_FROM]
    if lead >= 0:
        away |= p.lists[crews + lead]
    if second >= 0:
        away |= p.lists[crews + second]
    if away == 0:
        return 0
    if away & ~may or count(away) > p.visits[visit, MOST_AWAY]:
        return -1
    for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
        other, guest = p.bands[b, BAND_OTHER], p.bands[b, BAND_GUEST]
        if not p.bands[b, BAND_LATER] and s.placed[other, DAY] >= 0:
            if guest >= 0 and away >> guest & 1:
                return -1
            if guest == SAME_GROUP and away & ~s.placed[other, AWAY]:
                return -1
    return int(away)


@compiled
def insert_alone(p: Problem, s: State, unit: int, noise: float, r: Scratch) -> int:
    """Put a unit of one such visit in where it is cheapest; returns how many visits are in."""
    if open_days(p, s, unit, r) < 1:
        return 0
    visit = p.units[unit, FIRST_VISIT]
    best, best_day, best_lead, best_second, best_away = NEVER, -1, -1, -1, 0
    trainers = len(p.trainers)
    for d in range(r.rows[LOW, 0], r.rows[HIGH, 0] + 1):
        some = p.visits[visit, MOST_AWAY] > 0
        if not p.is_open[p.visits[visit, DOORS], d]:
            continue
        if not some and p.visits[visit, GUARDED] and is_taken(p, s, visit, d):
            continue
        away = who_cannot(p, s, visit, d) if some else 0
        if away < 0:
            continue
        off = abs(d - p.visits[visit, TARGET]) * float(p.points[visit, OFF_TARGET])
        if off + count(away) * MISSED * float(p.points[visit, LEFT_OUT]) >= best:
            continue
        second, second_cost, spare, spare_cost = -1, NEVER, -1, NEVER
        if p.visits[visit, CREW] > 1:
            for t in range(trainers):
                s.sums[CELLS] += 1
                if not r.open[t]:
                    continue
                extra = float(p.extra[p.visits[visit, PAIR_ROW], t])
                if extra < NEVER and is_free(p, s, visit, t, p.visits[visit, SECOND_CALENDAR], d):
                    cost = extra + p.load_cost[t, s.of_trainer[t, LOAD] + 1] - p.load_cost[t, s.of_trainer[t, LOAD]]
                    if cost < second_cost:
                        spare, spare_cost, second, second_cost = second, second_cost, t, cost
                    elif cost < spare_cost:
                        spare, spare_cost = t, cost
        for c in range(p.units[unit, CANDIDATES_FROM], p.units[unit + 1, CANDIDATES_FROM]):
            lead = p.lists[c]
            s.sums[CELLS] += 1
            if not r.open[lead] or not is_free(p, s, visit, lead, p.visits[visit, CALENDAR], d):
                continue
            cost = (
                off
                + p.extra[visit, lead]
                + p.load_cost[lead, s.of_trainer[lead, LOAD] + 1]
                - p.load_cost[lead, s.of_trainer[lead, LOAD]]
            )
            beside = -1
            if p.visits[visit, CREW] > 1:
                beside = second if second != lead else spare
                if beside < 0:
                    continue
                cost += second_cost if second != lead else spare_cost
            cost += stranger(p, s, unit, lead)
            if cost >= NEVER:
                continue
            cost *= 1.0 + noise * (np.random.random() - 0.5)
            left = away
            if some:
                left = who_is_left(p, s, visit, away, lead, beside)
                if left < 0:
                    continue
                cost += count(left) * MISSED * float(p.points[visit, LEFT_OUT])
            if cost < best:
                best, best_day, best_lead, best_second, best_away = cost, d, lead, beside, left
    if best_day < 0:
        return 0
    s.placed[visit, AWAY] = best_away
    put(p, s, visit, best_lead, best_second, best_day, 0, r.rows[STARTS])
    return 1
