"""Taking visits in and out of the book, with the plan's total kept to the point."""

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.day import NEVER, sequence_cost
from services.scheduler.planner.search.problem import (
    ALONE,
    BLOCK,
    FIRST_VISIT,
    FIXED_DAY,
    FIXED_TRAINER,
    FIXED_VISIT,
    GROUP,
    GUARDED,
    GUESTS_FROM,
    LEFT_OUT,
    OFF_TARGET,
    PAIR_ROW,
    PER_CHANGE,
    PER_DAY,
    PLACE,
    TARGET,
    WHOLE,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import DAY, LEAD, LOAD, PLACES, SECOND, STOPS, TOTAL, VISITS, State


@compiled
def changes(p: Problem, s: State, group: int) -> int:
    """Trainers beyond the first among a group's visits."""
    found = 0
    for i in range(p.groups[group], p.groups[group + 1]):
        mine = s.placed[p.lists[i], LEAD]
        if mine >= 0:
            new = 1
            for j in range(p.groups[group], i):
                if s.placed[p.lists[j], LEAD] == mine:
                    new = 0
                    break
            found += new
    return max(0, found - 1)


@compiled
def _book(p: Problem, s: State, visit: int, trainer: int, first: int, sign: int) -> None:
    """Counts that do not depend on the order of a day."""
    for d in range(first, first + p.visits[visit, BLOCK]):
        s.on_day[trainer, d, VISITS] += sign * (p.trainers[trainer, PER_DAY] if p.visits[visit, ALONE] else 1)
        s.in_week[trainer, p.week[d]] += sign
    before = s.of_trainer[trainer, LOAD]
    s.of_trainer[trainer, LOAD] += sign
    s.sums[TOTAL] += p.load_cost[trainer, before + sign] - p.load_cost[trainer, before]
    place = p.visits[visit, PLACE]
    if place >= 0:
        s.at_place[trainer, place] += sign
        if sign > 0 and s.at_place[trainer, place] == 1:
            s.places[trainer, s.of_trainer[trainer, PLACES]] = place
            s.of_trainer[trainer, PLACES] += 1
        elif s.at_place[trainer, place] == 0:
            for i in range(s.of_trainer[trainer, PLACES]):
                if s.places[trainer, i] == place:
                    s.of_trainer[trainer, PLACES] -= 1
                    s.places[trainer, i] = s.places[trainer, s.of_trainer[trainer, PLACES]]
                    break


@compiled
def _price_day(p: Problem, s: State, trainer: int, day: int, starts: Ints) -> None:
    cost = sequence_cost(p, trainer, s.slots[trainer, day], s.on_day[trainer, day, STOPS], starts)
    s.sums[TOTAL] += cost - s.day_cost[trainer, day]
    s.day_cost[trainer, day] = cost


@compiled
def put(p: Problem, s: State, visit: int, trainer: int, second: int, day: int, position: int, starts: Ints) -> None:
    """Take a visit in. `position` is its place in the day's order, 0 when it is alone."""
    group = p.visits[visit, GROUP]
    if group >= 0:
        s.sums[TOTAL] -= changes(p, s, group) * p.rules[PER_CHANGE]
    s.placed[visit, LEAD], s.placed[visit, SECOND], s.placed[visit, DAY] = trainer, second, day
    if group >= 0:
        s.sums[TOTAL] += changes(p, s, group) * p.rules[PER_CHANGE]
    s.sums[TOTAL] += p.extra[visit, trainer] - p.points[visit, LEFT_OUT]
    s.sums[TOTAL] += abs(day - p.visits[visit, TARGET]) * p.points[visit, OFF_TARGET]
    _book(p, s, visit, trainer, day, 1)
    if second >= 0:
        s.sums[TOTAL] += p.extra[p.visits[visit, PAIR_ROW], second]
        _book(p, s, visit, second, day, 1)
    if not p.visits[visit, ALONE]:
        n = s.on_day[trainer, day, STOPS]
        for i in range(n, position, -1):
            s.slots[trainer, day, i] = s.slots[trainer, day, i - 1]
        s.slots[trainer, day, position] = visit
        s.on_day[trainer, day, STOPS] = n + 1
        _price_day(p, s, trainer, day, starts)
    else:
        for d in range(day, day + p.visits[visit, BLOCK]):
            s.slots[trainer, d, 0] = visit
            s.on_day[trainer, d, STOPS] = 1
            if second >= 0:
                s.slots[second, d, 0] = visit
                s.on_day[second, d, STOPS] = 1
    if p.visits[visit, GUARDED]:
        _mark(p, s, visit, day, True)


@compiled
def _mark(p: Problem, s: State, visit: int, day: int, value: bool) -> None:
    for g in range(p.visits[visit, GUESTS_FROM], p.visits[visit + 1, GUESTS_FROM]):
        for d in range(day, day + p.visits[visit, BLOCK]):
            s.taken[p.lists[g], d] = value


@compiled
def take_out(p: Problem, s: State, visit: int, starts: Ints) -> int:
    """Take a visit out; returns the position it had in its day."""
    trainer, second, day, group = (
        s.placed[visit, LEAD],
        s.placed[visit, SECOND],
        s.placed[visit, DAY],
        p.visits[visit, GROUP],
    )
    position = 0
    if not p.visits[visit, ALONE]:
        n = s.on_day[trainer, day, STOPS]
        while s.slots[trainer, day, position] != visit:
            position += 1
        for i in range(position, n - 1):
            s.slots[trainer, day, i] = s.slots[trainer, day, i + 1]
        s.slots[trainer, day, n - 1] = -1
        s.on_day[trainer, day, STOPS] = n - 1
        _price_day(p, s, trainer, day, starts)
    else:
        for d in range(day, day + p.visits[visit, BLOCK]):
            s.on_day[trainer, d, STOPS] = 0
            s.slots[trainer, d, 0] = -1
            if second >= 0:
                s.on_day[second, d, STOPS] = 0
                s.slots[second, d, 0] = -1
    if p.visits[visit, GUARDED]:
        _mark(p, s, visit, day, False)
    _book(p, s, visit, trainer, day, -1)
    if second >= 0:
        s.sums[TOTAL] -= p.extra[p.visits[visit, PAIR_ROW], second]
        _book(p, s, visit, second, day, -1)
    s.sums[TOTAL] += p.points[visit, LEFT_OUT] - p.extra[visit, trainer]
    s.sums[TOTAL] -= abs(day - p.visits[visit, TARGET]) * p.points[visit, OFF_TARGET]
    if group >= 0:
        s.sums[TOTAL] -= changes(p, s, group) * p.rules[PER_CHANGE]
    s.placed[visit, LEAD], s.placed[visit, SECOND], s.placed[visit, DAY] = -1, -1, -1
    if group >= 0:
        s.sums[TOTAL] += changes(p, s, group) * p.rules[PER_CHANGE]
    return int(position)


@entry
def open_book(p: Problem, s: State, starts: Ints) -> None:
    """Take the fixed stops in, in the order of time within each day, and count every visit as left out.

    A day whose fixed stops already break a rule gets no visit: its cost is `NEVER` and stays out of the total.
    """
    for f in range(len(p.fixed)):
        trainer, day = p.fixed[f, FIXED_TRAINER], p.fixed[f, FIXED_DAY]
        s.slots[trainer, day, s.on_day[trainer, day, STOPS]] = -2 - f
        s.on_day[trainer, day, STOPS] += 1
        if p.fixed[f, FIXED_VISIT]:
            s.on_day[trainer, day, VISITS] += 1
            s.in_week[trainer, p.week[day]] += 1
    for f in range(len(p.fixed)):
        trainer, day = p.fixed[f, FIXED_TRAINER], p.fixed[f, FIXED_DAY]
        s.day_cost[trainer, day] = sequence_cost(
            p, trainer, s.slots[trainer, day], s.on_day[trainer, day, STOPS], starts
        )
    s.sums[TOTAL] = 0.0
    for visit in range(len(p.points)):
        s.sums[TOTAL] += p.points[visit, LEFT_OUT]


@entry
def start_times(p: Problem, slots: Ints, begins: Ints, starts: Ints) -> None:
    """Minutes after opening at which every placed visit of a book begins, into `begins`."""
    trainers, days, room = slots.shape
    for t in range(trainers):
        for d in range(days):
            n = 0
            while n < room and slots[t, d, n] != -1:
                n += 1
            if (
                n > 0
                and (n > 1 or slots[t, d, 0] >= 0)
                and not (slots[t, d, 0] >= 0 and p.visits[slots[t, d, 0], ALONE])
            ):
                sequence_cost(p, t, slots[t, d], n, starts)
                for i in range(n):
                    if slots[t, d, i] >= 0:
                        begins[slots[t, d, i]] = starts[i]


@compiled
def stranger(p: Problem, s: State, unit: int, trainer: int) -> float:
    """Points for a trainer who is new to the enterprise because of visits outside the unit; without end where one trainer
    for all is a rule.
    """
    first, last = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]
    group = p.visits[first, GROUP]
    if group < 0 or p.groups[group + 1] - p.groups[group] == last - first:
        return 0.0
    known = 0
    for i in range(p.groups[group], p.groups[group + 1]):
        visit = p.lists[i]
        lead = s.placed[visit, LEAD]
        if lead >= 0 and not first <= visit < last:
            if lead == trainer:
                return 0.0
            known += 1
    if known == 0:
        return 0.0
    return NEVER if p.units[unit, WHOLE] else float(p.rules[PER_CHANGE])
