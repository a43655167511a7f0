"""What a move takes out together, and what the search remembers.

Each way of choosing earns its share of the moves by what it gained for the work it cost.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.problem import (
    FIRST_VISIT,
    FOLLOWERS_FROM,
    INT,
    UNIT,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.state import DAY, LEAD, STOPS, State

MOST = 24
"""Units in one move."""
WAYS = 6
NEAR, ANYWHERE, CLUSTER, SAME_DAYS, SAME_TRAINER, COHORT = range(WAYS)
"""Neighbours of one unit; any; neighbours of neighbours; sharing its days; one trainer's; one with all that follow it."""


class Memory(NamedTuple):
    """What a move must remember to take itself back, what the ways have earned, and the best plan."""

    chosen: Ints
    """[MOST] units of the move"""
    chosen_in: Ints
    """[U] number of the move that chose the unit last"""
    log: Ints
    """[n, 5] visits taken out: visit, lead, second, day, position"""
    ways: Sums
    """[3, WAYS] weight, points gained, cells spent"""
    floor: Sums
    """[U] the fewest points for which a unit was ever put in"""
    best_placed: Ints
    best_slots: Ints
    best_total: Sums


WEIGHT, GAINED, SPENT = range(3)


def memory(problem: Problem, state: State) -> Memory:
    """Room for moves of a problem."""
    most = MOST * int(np.diff(problem.units[:, FIRST_VISIT]).max(initial=1))
    ways = np.zeros((3, WAYS))
    ways[WEIGHT] = 1.0
    return Memory(
        chosen=np.zeros(MOST, INT),
        chosen_in=np.full(len(problem.units), -1, INT),
        log=np.zeros((most, 5), INT),
        ways=ways,
        floor=np.full(len(problem.units), np.inf),
        best_placed=state.placed.copy(),
        best_slots=state.slots.copy(),
        best_total=np.full(1, np.inf),
    )


@compiled
def _add(m: Memory, unit: int, n: int, most: int, move: int) -> int:
    if n >= most or m.chosen_in[unit] == move:
        return n
    m.chosen_in[unit] = move
    m.chosen[n] = unit
    return n + 1


@compiled
def choose(p: Problem, s: State, m: Memory, way: int, most: int, move: int) -> int:
    """Units to take out, into `m.chosen`; returns how many."""
    units, near = p.near.shape
    first = np.random.randint(0, units)
    n = _add(m, first, 0, most, move)
    tries = 0
    if way == COHORT:
        i = 0
        while i < n:
            for f in range(p.units[m.chosen[i], FOLLOWERS_FROM], p.units[m.chosen[i] + 1, FOLLOWERS_FROM]):
                n = _add(m, p.lists[f], n, MOST, move)
            i += 1
        return n
    if way in (SAME_DAYS, SAME_TRAINER):
        visit = p.units[first, FIRST_VISIT]
        trainer, day = s.placed[visit, LEAD], s.placed[visit, DAY]
        if trainer < 0:
            return n
        days = len(p.week)
        while n < most and tries < 40:
            tries += 1
            if way == SAME_DAYS:
                v = np.random.randint(visit, p.units[first + 1, FIRST_VISIT])
                d, t = s.placed[v, DAY], s.placed[v, LEAD]
                if d < 0:
                    continue
                d = min(days - 1, max(0, d + np.random.randint(-2, 3)))
            else:
                t, d = trainer, min(days - 1, max(0, day + np.random.randint(-20, 21)))
            if s.on_day[t, d, STOPS] > 0:
                stop = s.slots[t, d, np.random.randint(0, s.on_day[t, d, STOPS])]
                if stop >= 0:
                    n = _add(m, p.visits[stop, UNIT], n, most, move)
        return n
    while n < most and tries < 30:
        tries += 1
        unit = -1
        if way == NEAR:
            unit = p.near[first, np.random.randint(0, near)]
        elif way == CLUSTER:
            unit = p.near[m.chosen[np.random.randint(0, n)], np.random.randint(0, min(near, 8))]
        else:
            unit = np.random.randint(0, units)
        if unit >= 0:
            n = _add(m, unit, n, most, move)
    return n


@compiled
def a_way(m: Memory) -> int:
    total = 0.0
    for w in range(WAYS):
        total += m.ways[WEIGHT, w]
    x = np.random.random() * total
    for w in range(WAYS):
        x -= m.ways[WEIGHT, w]
        if x < 0:
            return w
    return WAYS - 1
