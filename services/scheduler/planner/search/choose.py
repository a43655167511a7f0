"""What a move takes out together, and what the search remembers.

Each way of choosing earns its share of the moves by what it gained for the work it cost.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.problem import (
    CANDIDATES_FROM,
    EARLIEST,
    FIRST_VISIT,
    FOLLOWERS_FROM,
    INT,
    LATEST,
    UNIT,
    Bools,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.state import DAY, LEAD, STOPS, State

MOST = 24
"""Units in one move."""
WAYS = 7
NEAR, ANYWHERE, CLUSTER, SAME_DAYS, SAME_TRAINER, COHORT, OTHER_TRAINER = range(WAYS)
"""Neighbours of one unit; any; neighbours of neighbours; sharing its days; one trainer's; one with all that follow it; what
another trainer who is near has on its days.
"""
BURST, FEW = 100, 1_000
"""Moves in a row that begin close to one unit: what is known there is still true when it is asked for again. With so few
units they begin anywhere: everything is close.
"""

NEAREST = 8
"""Trainers, and neighbours of neighbours, that count as near."""


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
    home: Ints
    """[1] the unit around which moves begin"""
    mine: Bools
    """[U] units that may be taken out: all, or where several search one plan, those of one part of it"""
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
        log=np.zeros((most, 6), INT),
        ways=ways,
        floor=np.full(len(problem.units), np.inf),
        home=np.zeros(1, INT),
        mine=np.ones(len(problem.units), np.bool_),
        best_placed=state.placed.copy(),
        best_slots=state.slots.copy(),
        best_total=np.full(1, np.inf),
    )


@compiled
def _add(m: Memory, unit: int, n: int, most: int, move: int) -> int:
    if n >= most or m.chosen_in[unit] == move or not m.mine[unit]:
        return n
    m.chosen_in[unit] = move
    m.chosen[n] = unit
    return n + 1


@compiled
def begin_with(p: Problem, m: Memory, order: Ints, move: int) -> int:
    """The unit that a move begins with: one of `order`, or one of its own close to where the last moves were."""
    if len(order) > 0:
        return int(order[np.random.randint(0, len(order))])
    units, near = p.near.shape
    if units <= FEW or move % BURST == 0:
        m.home[0] = np.random.randint(0, units)
        while not m.mine[m.home[0]]:
            m.home[0] = np.random.randint(0, units)
    unit = m.home[0]
    if units <= FEW:
        return int(unit)
    for _ in range(np.random.randint(0, 3)):
        other = p.near[unit, np.random.randint(0, near)]
        if other >= 0 and m.mine[other]:
            unit = other
    return int(unit)


@compiled
def choose(p: Problem, s: State, m: Memory, way: int, first: int, most: int, move: int) -> int:
    """Units to take out, `first` and what goes with it, into `m.chosen`; returns how many."""
    n = _add(m, first, 0, most, move)
    if way == COHORT:
        return _followers(p, m, n, move)
    if way in (SAME_DAYS, SAME_TRAINER, OTHER_TRAINER):
        return _on_days(p, s, m, way, n, most, move)
    units, near = p.near.shape
    for _ in range(30):
        unit = -1
        if way == NEAR:
            unit = p.near[first, np.random.randint(0, near)]
        elif way == CLUSTER:
            unit = p.near[m.chosen[np.random.randint(0, n)], np.random.randint(0, min(near, NEAREST))]
        else:
            unit = np.random.randint(0, units)
        if unit >= 0:
            n = _add(m, unit, n, most, move)
        if n >= most:
            break
    return n


@compiled
def _followers(p: Problem, m: Memory, n: int, move: int) -> int:
    i = 0
    while i < n:
        for f in range(p.units[m.chosen[i], FOLLOWERS_FROM], p.units[m.chosen[i] + 1, FOLLOWERS_FROM]):
            n = _add(m, p.lists[f], n, MOST, move)
        i += 1
    return n


@compiled
def _on_days(p: Problem, s: State, m: Memory, way: int, n: int, most: int, move: int) -> int:
    """Units that a trainer has within days of the first unit's visits."""
    first = m.chosen[0]
    begin, end = p.units[first, FIRST_VISIT], p.units[first + 1, FIRST_VISIT]
    trainer, reach = s.placed[begin, LEAD], 20 if way == SAME_TRAINER else 2
    if way == OTHER_TRAINER:
        since, until = p.units[first, CANDIDATES_FROM], p.units[first + 1, CANDIDATES_FROM]
        trainer = p.lists[since + np.random.randint(0, min(NEAREST, until - since))] if until > since else -1
    if trainer < 0:
        return n
    for _ in range(40):
        v = np.random.randint(begin, end)
        day = s.placed[v, DAY]
        if day < 0 and way == OTHER_TRAINER and p.visits[v, LATEST] >= p.visits[v, EARLIEST]:
            day = np.random.randint(p.visits[v, EARLIEST], p.visits[v, LATEST] + 1)
        if day >= 0:
            t = s.placed[v, LEAD] if way == SAME_DAYS else trainer
            d = min(len(p.week) - 1, max(0, day + np.random.randint(-reach, reach + 1)))
            if s.on_day[t, d, STOPS] > 0:
                stop = s.slots[t, d, np.random.randint(0, s.on_day[t, d, STOPS])]
                if stop >= 0:
                    n = _add(m, p.visits[stop, UNIT], n, most, move)
        if n >= most:
            break
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
