"""The search: take related units out, put them in again where it is cheapest, and accept by simulated annealing.

Each way of choosing what to take out earns its share of the moves by what it gained for the work it cost.
"""

from typing import NamedTuple

import numpy as np

from services.scheduler.planner.search.block import insert_alone
from services.scheduler.planner.search.chain import STARTS, Scratch, insert_chain
from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.problem import (
    ALONE,
    BAND_LATER,
    BAND_OTHER,
    BANDS_FROM,
    FIRST_VISIT,
    FOLLOWERS_FROM,
    RANK,
    UNIT,
    Ints,
    Problem,
    Sums,
)
from services.scheduler.planner.search.seat import put, take_out
from services.scheduler.planner.search.state import CELLS, DAY, LEAD, SECOND, STOPS, TOTAL, State

MOST = 24
"""Units in one move."""
WAYS = 6
NEAR, ANYWHERE, CLUSTER, SAME_DAYS, SAME_TRAINER, COHORT = range(WAYS)
"""Neighbours of one unit; any; neighbours of neighbours; sharing its days; one trainer's; one with all that follow it."""
EPSILON = 1e-6


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
        chosen=np.zeros(MOST, np.int32),
        chosen_in=np.full(len(problem.units), -1, np.int32),
        log=np.zeros((most, 5), np.int32),
        ways=ways,
        best_placed=state.placed.copy(),
        best_slots=state.slots.copy(),
        best_total=np.full(1, np.inf),
    )


@entry
def seed_random(seed: int) -> None:
    """The generator inside compiled code is its own."""
    np.random.seed(seed)


@compiled
def insert(p: Problem, s: State, unit: int, noise: float, r: Scratch) -> int:
    """Put a unit in; returns how many of its visits are in."""
    if p.visits[p.units[unit, FIRST_VISIT], ALONE]:
        return int(insert_alone(p, s, unit, noise, r))
    return int(insert_chain(p, s, unit, noise, r))


@compiled
def keep_best(s: State, m: Memory) -> None:
    """Remember the state when it is the best so far."""
    if s.sums[TOTAL] < m.best_total[0] - EPSILON:
        m.best_total[0] = s.sums[TOTAL]
        for v in range(len(s.placed)):
            for i in range(3):
                m.best_placed[v, i] = s.placed[v, i]
        trainers, days, slots = s.slots.shape
        for t in range(trainers):
            for d in range(days):
                for i in range(slots):
                    m.best_slots[t, d, i] = s.slots[t, d, i]


@compiled
def _add(m: Memory, unit: int, n: int, most: int, move: int) -> int:
    if n >= most or m.chosen_in[unit] == move:
        return n
    m.chosen_in[unit] = move
    m.chosen[n] = unit
    return n + 1


@compiled
def _choose(p: Problem, s: State, m: Memory, way: int, most: int, move: int) -> int:
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
def _take_out_all(p: Problem, s: State, m: Memory, n: int, r: Scratch) -> int:
    logged = 0
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, LEAD] >= 0:
                m.log[logged, 0], m.log[logged, 1] = visit, s.placed[visit, LEAD]
                m.log[logged, 2], m.log[logged, 3] = s.placed[visit, SECOND], s.placed[visit, DAY]
                m.log[logged, 4] = take_out(p, s, visit, r.rows[STARTS])
                logged += 1
    return logged


@compiled
def _put_in_all(p: Problem, s: State, m: Memory, n: int, noise: float, r: Scratch) -> None:
    """In random order, but never before what has to come first."""
    for i in range(n - 1, 0, -1):
        j = np.random.randint(0, i + 1)
        m.chosen[i], m.chosen[j] = m.chosen[j], m.chosen[i]
    for i in range(1, n):
        unit, j = m.chosen[i], i
        while j > 0 and p.units[m.chosen[j - 1], RANK] > p.units[unit, RANK]:
            m.chosen[j] = m.chosen[j - 1]
            j -= 1
        m.chosen[j] = unit
    for i in range(n):
        insert(p, s, m.chosen[i], noise, r)


@compiled
def _is_orphaned(p: Problem, s: State, m: Memory, n: int) -> bool:
    """Whether something stayed in the plan that must not be there without a visit that is out now."""
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, DAY] < 0:
                for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
                    if not p.bands[b, BAND_LATER] and s.placed[p.bands[b, BAND_OTHER], DAY] >= 0:
                        return True
    return False


@compiled
def _take_back(p: Problem, s: State, m: Memory, n: int, logged: int, r: Scratch) -> None:
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, LEAD] >= 0:
                take_out(p, s, visit, r.rows[STARTS])
    for i in range(logged - 1, -1, -1):
        put(p, s, m.log[i, 0], m.log[i, 1], m.log[i, 2], m.log[i, 3], m.log[i, 4], r.rows[STARTS])


@compiled
def _way(m: Memory) -> int:
    total = 0.0
    for w in range(WAYS):
        total += m.ways[WEIGHT, w]
    x = np.random.random() * total
    for w in range(WAYS):
        x -= m.ways[WEIGHT, w]
        if x < 0:
            return w
    return WAYS - 1


@entry
def anneal(
    p: Problem, s: State, m: Memory, r: Scratch, order: Ints, moves: int, first_move: int, hot: float, cold: float,
    most: int, noise: float,
) -> int:  # fmt: skip
    """First the units of `order`, each where it is cheapest; then so many moves while the temperature falls from `hot` to
    `cold` points. Returns how many moves were accepted. (One function, because the compiler's time is counted by entries.)
    """
    for unit in order:
        if s.placed[p.units[unit, FIRST_VISIT], LEAD] < 0:
            insert(p, s, unit, 0.0, r)
    accepted = 0
    for i in range(moves):
        temperature = hot * (cold / hot) ** (i / moves)
        way = _way(m)
        before, work = s.sums[TOTAL], s.sums[CELLS]
        n = _choose(p, s, m, way, 1 + np.random.randint(0, most), first_move + i)
        logged = _take_out_all(p, s, m, n, r)
        _put_in_all(p, s, m, n, noise, r)
        more = s.sums[TOTAL] - before
        good = more <= EPSILON or np.random.random() < np.exp(-more / temperature)
        if good and not _is_orphaned(p, s, m, n):
            accepted += 1
            m.ways[GAINED, way] += max(0.0, -more)
            if len(p.points) < 1000:
                keep_best(s, m)
        else:
            _take_back(p, s, m, n, logged, r)
            s.sums[TOTAL] = before
        m.ways[SPENT, way] += 20 + s.sums[CELLS] - work
    keep_best(s, m)
    return accepted
