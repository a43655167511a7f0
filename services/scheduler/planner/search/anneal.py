"""The search: take related units out, put them in again where it is cheapest, and accept by simulated annealing."""

import numpy as np

from services.scheduler.planner.search.block import insert_alone
from services.scheduler.planner.search.cells import STARTS, Scratch
from services.scheduler.planner.search.chain import insert_chain
from services.scheduler.planner.search.choose import GAINED, SPENT, Memory, a_way, begin_with, choose
from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.problem import (
    ALONE,
    BAND_GUEST,
    BAND_LATER,
    BAND_OTHER,
    BANDS_FROM,
    FIRST_VISIT,
    LEFT_OUT,
    RANK,
    Ints,
    Problem,
)
from services.scheduler.planner.search.seat import put, take_out
from services.scheduler.planner.search.state import AWAY, CELLS, DAY, LEAD, SECOND, TOTAL, State

EPSILON = 1e-6


@entry
def seed_random(seed: int) -> None:
    """The generator inside compiled code is its own."""
    np.random.seed(seed)


@compiled
def insert(p: Problem, s: State, m: Memory, unit: int, noise: float, shake: float, spare: float, r: Scratch) -> None:
    """Put a unit in, as far as it can be, for less than `spare` points."""
    before = s.sums[TOTAL]
    if p.visits[p.units[unit, FIRST_VISIT], ALONE]:
        insert_alone(p, s, unit, noise, r)
    else:
        insert_chain(p, s, unit, noise, shake, spare, r)
    if s.sums[TOTAL] < before:
        m.floor[unit] = min(m.floor[unit], s.sums[TOTAL] - before + left_out(p, unit))


@compiled
def left_out(p: Problem, unit: int) -> float:
    """Points for none of a unit's visits being placed."""
    points = 0.0
    for visit in range(p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]):
        points += p.points[visit, LEFT_OUT]
    return points


@compiled
def _take_out_all(p: Problem, s: State, m: Memory, n: int, r: Scratch) -> int:
    logged = 0
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, LEAD] >= 0:
                m.log[logged, 0], m.log[logged, 1] = visit, s.placed[visit, LEAD]
                m.log[logged, 2], m.log[logged, 3] = s.placed[visit, SECOND], s.placed[visit, DAY]
                m.log[logged, 5] = s.placed[visit, AWAY]
                m.log[logged, 4] = take_out(p, s, visit, r.rows[STARTS])
                logged += 1
    return logged


@compiled
def _put_in_all(p: Problem, s: State, m: Memory, n: int, noise: float, shake: float, limit: float, r: Scratch) -> bool:
    """In random order, but never before what has to come first. Gives up, and says so, when the total cannot stay within
    the limit even if each unit that is still out were as cheap as it ever was.
    """
    for i in range(n - 1, 0, -1):
        j = np.random.randint(0, i + 1)
        m.chosen[i], m.chosen[j] = m.chosen[j], m.chosen[i]
    for i in range(1, n):
        unit, j = m.chosen[i], i
        while j > 0 and p.units[m.chosen[j - 1], RANK] > p.units[unit, RANK]:
            m.chosen[j] = m.chosen[j - 1]
            j -= 1
        m.chosen[j] = unit
    gain = 0.0
    for i in range(n):
        gain += _most_gained(p, m, m.chosen[i])
    for i in range(n):
        unit = m.chosen[i]
        gain -= _most_gained(p, m, unit)
        spare = limit + gain - s.sums[TOTAL] + left_out(p, unit)
        insert(p, s, m, unit, noise, shake if i < n - 1 else 0.0, spare, r)
        if s.sums[TOTAL] - gain > limit:
            return False
    return True


@compiled
def _most_gained(p: Problem, m: Memory, unit: int) -> float:
    """Points by which the total can fall when a unit is put in."""
    return left_out(p, unit) - (m.floor[unit] if m.floor[unit] < np.inf else 0.0)


@compiled
def _is_orphaned(p: Problem, s: State, m: Memory, n: int) -> bool:
    """Whether something stayed in the plan that must not be there without a visit that is out now."""
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, DAY] < 0:
                for b in range(p.visits[visit, BANDS_FROM], p.visits[visit + 1, BANDS_FROM]):
                    other, guest = p.bands[b, BAND_OTHER], p.bands[b, BAND_GUEST]
                    is_there = guest < 0 or not s.placed[other, AWAY] >> guest & 1
                    if not p.bands[b, BAND_LATER] and s.placed[other, DAY] >= 0 and is_there:
                        return True
    return False


@compiled
def _take_back(p: Problem, s: State, m: Memory, n: int, logged: int, r: Scratch) -> None:
    for i in range(n):
        for visit in range(p.units[m.chosen[i], FIRST_VISIT], p.units[m.chosen[i] + 1, FIRST_VISIT]):
            if s.placed[visit, LEAD] >= 0:
                take_out(p, s, visit, r.rows[STARTS])
    for i in range(logged - 1, -1, -1):
        s.placed[m.log[i, 0], AWAY] = m.log[i, 5]
        put(p, s, m.log[i, 0], m.log[i, 1], m.log[i, 2], m.log[i, 3], m.log[i, 4], r.rows[STARTS])


@compiled
def keep_best(s: State, m: Memory) -> None:
    """Remember the state when it is the best so far."""
    if s.sums[TOTAL] < m.best_total[0] - EPSILON:
        m.best_total[0] = s.sums[TOTAL]
        for v in range(len(s.placed)):
            for i in range(4):
                m.best_placed[v, i] = s.placed[v, i]
        trainers, days, slots = s.slots.shape
        for t in range(trainers):
            for d in range(days):
                for i in range(slots):
                    m.best_slots[t, d, i] = s.slots[t, d, i]


@entry
def anneal(
    p: Problem, s: State, m: Memory, r: Scratch, order: Ints, moves: int, first_move: int, hot: float, cold: float,
    most: int, noise: float, shake: float,
) -> int:  # fmt: skip
    """So many moves while the temperature falls from `hot` to `cold` points, each beginning with one of `order`, where that names
    any; with no moves, the units of `order` are put in, each where it is cheapest. Returns how many moves were accepted. (One
    function, because the compiler's time is counted by entries.)

    What a move may cost is drawn before it is tried, so that most bad ones are given up early.
    """
    for unit in order[: 0 if moves > 0 else len(order)]:
        if s.placed[p.units[unit, FIRST_VISIT], LEAD] < 0:
            insert(p, s, m, unit, 0.0, 0.0, np.inf, r)
    accepted = 0
    for i in range(moves):
        temperature = hot * (cold / hot) ** (i / moves)
        way = a_way(m)
        before, work = s.sums[TOTAL], s.sums[CELLS]
        limit = before + EPSILON - temperature * np.log(1.0 - np.random.random())
        shaken = shake * temperature * max(0.0, np.random.random() - 0.5)
        first = begin_with(p, m, order, first_move + i)
        n = choose(p, s, m, way, first, 1 + np.random.randint(0, most), first_move + i)
        logged = _take_out_all(p, s, m, n, r)
        good = _put_in_all(p, s, m, n, noise, shaken, limit, r)
        if good and not _is_orphaned(p, s, m, n):
            accepted += 1
            m.ways[GAINED, way] += max(0.0, before - s.sums[TOTAL])
            if len(p.points) < 1000:
                keep_best(s, m)
        else:
            _take_back(p, s, m, n, logged, r)
            s.sums[TOTAL] = before
        m.ways[SPENT, way] += 20 + s.sums[CELLS] - work
    keep_best(s, m)
    return accepted
