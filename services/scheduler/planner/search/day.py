"""What one more visit on a trainer's day costs: the road it adds and how late the visits then begin.

A day is a sequence; every visit begins at the first step of the grid that the road allows. That is one schedule of
several: a sequence that would need a later start is taken for impossible, which can only make the search careful.
"""

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.problem import (
    BLOCK,
    FIXED_END,
    FIXED_PLACE,
    FIXED_START,
    FIXED_VISIT,
    GRID,
    GUESTS_FROM,
    LONGEST,
    MINUTES,
    NIGHT,
    OPENING,
    PER_MINUTE,
    PLACE,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import STOPS, State

NEVER = 1e15
DAY_MINUTES = 1440


@compiled
def place_of(p: Problem, stop: int) -> int:
    """Where a stop is; -1 at home."""
    if stop >= 0:
        return int(p.visits[stop, PLACE])
    return int(p.fixed[-2 - stop, FIXED_PLACE])


@compiled
def minutes_between(p: Problem, trainer: int, a: int, b: int) -> int:
    """Road between two places, -1 being home."""
    if a < 0:
        return 0 if b < 0 else int(p.drive[p.road.shape[1] + trainer, b])
    return int(p.drive[p.road.shape[1] + trainer, a]) if b < 0 else int(p.drive[a, b])


@compiled
def sequence_cost(p: Problem, trainer: int, sequence: Ints, n: int, starts: Ints) -> float:
    """Points of a whole day in this order, `NEVER` when it cannot be; `starts` gets the minutes after opening."""
    at, here, late = -DAY_MINUTES, -1, 0
    first_leaves, last_back, known, cost = 0, 0, 0, 0.0
    road = -1
    for i in range(n):
        stop = sequence[i]
        there = place_of(p, stop)
        earliest = at + (minutes_between(p, trainer, here, there) if i > 0 else 0)
        if stop >= 0:
            grid = int(p.rules[GRID])
            begin = max(0, -(-earliest // grid) * grid)
            end = begin + p.visits[stop, MINUTES]
            if end > p.rules[OPENING]:
                return NEVER
            late += begin
            visit = True
        else:
            f = -2 - stop
            begin, end, visit = p.fixed[f, FIXED_START], p.fixed[f, FIXED_END], p.fixed[f, FIXED_VISIT]
            if begin < earliest:
                return NEVER
        starts[i] = begin
        if visit:
            known += 1
            out = p.drive[p.road.shape[1] + trainer, there] if there >= 0 else 0
            if known == 1:
                first_leaves = begin - out
            last_back = end + out
            if there >= 0:
                cost += p.road[p.road.shape[1] + trainer, there] if road < 0 else p.road[road, there]
                road = there
        at, here = end, there
    if known > 1 and last_back - first_leaves > p.rules[LONGEST]:
        return NEVER
    if road >= 0:
        cost += p.road[p.road.shape[1] + trainer, road]
    return float(cost + late * p.rules[PER_MINUTE])


@compiled
def best_position(
    p: Problem, s: State, visit: int, trainer: int, day: int, trial: Ints, starts: Ints
) -> tuple[float, int]:
    """Points that the visit adds to a day that has stops already, and its best position."""
    n = s.on_day[trainer, day, STOPS]
    best, position = NEVER, -1
    for k in range(n + 1):
        for i in range(k):
            trial[i] = s.slots[trainer, day, i]
        trial[k] = visit
        for i in range(k, n):
            trial[i + 1] = s.slots[trainer, day, i]
        cost = sequence_cost(p, trainer, trial, n + 1, starts)
        if cost < best:
            best, position = cost, k
    if best >= NEVER:
        return NEVER, -1
    return best - s.day_cost[trainer, day], position


@compiled
def beside(p: Problem, s: State, visit: int, other: int, trainer: int, day: int) -> float:
    """The same without the position for a day with one other visit, by far the most frequent case."""
    homes = p.road.shape[1] + trainer
    a, b = p.visits[other, PLACE], p.visits[visit, PLACE]
    out_a, out_b = p.drive[homes, a], p.drive[homes, b]
    grid, drive = int(p.rules[GRID]), p.drive[b, a]
    second_b, second_a = p.visits[other, MINUTES] + drive, p.visits[visit, MINUTES] + drive
    if grid > 1:
        second_b, second_a = -(-second_b // grid) * grid, -(-second_a // grid) * grid
    end_b, end_a = second_b + p.visits[visit, MINUTES], second_a + p.visits[other, MINUTES]
    late = DAY_MINUTES
    if end_b <= p.rules[OPENING] and out_a + end_b + out_b <= p.rules[LONGEST]:
        late = second_b
    if end_a <= p.rules[OPENING] and out_b + end_a + out_a <= p.rules[LONGEST]:
        late = min(late, second_a)
    if late == DAY_MINUTES:
        return NEVER
    km = p.road[homes, a] + p.road[b, a] + p.road[homes, b]
    return float(km + late * p.rules[PER_MINUTE] - s.day_cost[trainer, day])


@compiled
def too_far(p: Problem, s: State, visit: int, trainer: int, day: int) -> bool:
    """Whether the nights before and after are too short for the road; only asked where such roads exist."""
    days, last = len(p.week), day + p.visits[visit, BLOCK] - 1
    for step in range(1, 4):
        longest = p.rules[NIGHT] + (step - 1) * DAY_MINUTES
        for other_day in (day - step, last + step):
            if 0 <= other_day < days:
                for i in range(s.on_day[trainer, other_day, STOPS]):
                    other = place_of(p, s.slots[trainer, other_day, i])
                    if minutes_between(p, trainer, p.visits[visit, PLACE], other) > longest:
                        return True
    return False


@compiled
def is_taken(p: Problem, s: State, visit: int, day: int) -> bool:
    """Whether another visit of one of its enterprises is on one of its days."""
    for g in range(p.visits[visit, GUESTS_FROM], p.visits[visit + 1, GUESTS_FROM]):
        for d in range(day, day + p.visits[visit, BLOCK]):
            if s.taken[p.lists[g], d]:
                return True
    return False
