"""Putting in a visit that has its trainers' days to itself: a block of days, a pair of trainers, or one held online."""

import numpy as np

from services.scheduler.planner.search.cells import HIGH, LOW, STARTS, Scratch, open_days
from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.continuity import stranger
from services.scheduler.planner.search.day import NEVER, is_taken, too_far
from services.scheduler.planner.search.problem import (
    BLOCK,
    CALENDAR,
    CANDIDATES_FROM,
    CREW,
    DOORS,
    FIRST_VISIT,
    GUARDED,
    NIGHT,
    NO_LIMIT,
    OFF_TARGET,
    PAIR_ROW,
    PER_DAY,
    PER_WEEK,
    SECOND_CALENDAR,
    TARGET,
    Problem,
)
from services.scheduler.planner.search.seat import put
from services.scheduler.planner.search.state import CELLS, LOAD, STOPS, State


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


@compiled
def insert_alone(p: Problem, s: State, unit: int, noise: float, r: Scratch) -> int:
    """Put a unit of one such visit in where it is cheapest; returns how many visits are in."""
    if open_days(p, s, unit, r) < 1:
        return 0
    visit = p.units[unit, FIRST_VISIT]
    best, best_day, best_lead, best_second = NEVER, -1, -1, -1
    trainers = len(p.trainers)
    for d in range(r.rows[LOW, 0], r.rows[HIGH, 0] + 1):
        if not p.is_open[p.visits[visit, DOORS], d] or (p.visits[visit, GUARDED] and is_taken(p, s, visit, d)):
            continue
        off = abs(d - p.visits[visit, TARGET]) * float(p.points[visit, OFF_TARGET])
        if off >= best:
            continue
        second, second_cost, spare, spare_cost = -1, NEVER, -1, NEVER
        if p.visits[visit, CREW] > 1:
            for t in range(trainers):
                s.sums[CELLS] += 1
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
            if not is_free(p, s, visit, lead, p.visits[visit, CALENDAR], d):
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
            cost *= 1.0 + noise * (np.random.random() - 0.5)
            if cost < best:
                best, best_day, best_lead, best_second = cost, d, lead, beside
    if best_day < 0:
        return 0
    put(p, s, visit, best_lead, best_second, best_day, 0, r.rows[STARTS])
    return 1
