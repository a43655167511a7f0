"""Taking visits in and out of the book, with the plan's total kept to the point."""

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.continuity import changes
from services.scheduler.planner.search.day import sequence_cost
from services.scheduler.planner.search.look import fingerprint, look, look_around, mark
from services.scheduler.planner.search.problem import (
    ALONE,
    BLOCK,
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
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import (
    AWAY,
    DAY,
    LEAD,
    LOAD,
    PLACES,
    PLACES_MARK,
    SECOND,
    STOPS,
    TOTAL,
    VISITS,
    State,
)


@compiled
def _book(p: Problem, s: State, visit: int, trainer: int, first: int, sign: int) -> None:
    """Counts that do not depend on the order of a day."""
    for d in range(first, first + p.visits[visit, BLOCK]):
        s.on_day[trainer, d, VISITS] += sign * (p.trainers[trainer, PER_DAY] if p.visits[visit, ALONE] else 1)
        s.in_week[trainer, p.week[d]] += sign
        mark(s, trainer, p.week[d], sign * fingerprint(visit, d))
    before = s.of_trainer[trainer, LOAD]
    s.of_trainer[trainer, LOAD] += sign
    s.sums[TOTAL] += p.load_cost[trainer, before + sign] - p.load_cost[trainer, before]
    place = p.visits[visit, PLACE]
    if place >= 0:
        s.at_place[trainer, place] += sign
        if sign > 0 and s.at_place[trainer, place] == 1:
            s.places[trainer, s.of_trainer[trainer, PLACES]] = place
            s.of_trainer[trainer, PLACES] += 1
            s.of_trainer[trainer, PLACES_MARK] += fingerprint(-2, place)
        elif s.at_place[trainer, place] == 0:
            s.of_trainer[trainer, PLACES_MARK] -= fingerprint(-2, place)
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
def away_points(p: Problem, visit: int, away: int) -> float:
    """What it costs that some guests of a classroom stay away: their share of what it costs not to hold it."""
    if away == 0:
        return 0.0
    guests = p.visits[visit + 1, GUESTS_FROM] - p.visits[visit, GUESTS_FROM]
    return float(count(away) * p.points[visit, LEFT_OUT] / guests)


@compiled
def count(bits: int) -> int:
    """How many are set."""
    n = 0
    while bits > 0:
        n += bits & 1
        bits >>= 1
    return n


@compiled
def put(p: Problem, s: State, visit: int, trainer: int, second: int, day: int, position: int, starts: Ints) -> None:
    """Take a visit in. `position` is its place in the day's order, 0 when it is alone. Who stays away from a classroom stands in
    `placed` already.
    """
    group = p.visits[visit, GROUP]
    if group >= 0:
        s.sums[TOTAL] -= changes(p, s, group) * p.rules[PER_CHANGE]
    s.placed[visit, LEAD], s.placed[visit, SECOND], s.placed[visit, DAY] = trainer, second, day
    if group >= 0:
        s.sums[TOTAL] += changes(p, s, group) * p.rules[PER_CHANGE]
    s.sums[TOTAL] += p.extra[visit, trainer] - p.points[visit, LEFT_OUT] + away_points(p, visit, s.placed[visit, AWAY])
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
    look_around(p, s, visit, trainer, day)
    if second >= 0:
        look_around(p, s, visit, second, day)
    if p.visits[visit, GUARDED]:
        _mark(p, s, visit, day, True)


@compiled
def _mark(p: Problem, s: State, visit: int, day: int, value: bool) -> None:
    begin, away = p.visits[visit, GUESTS_FROM], s.placed[visit, AWAY]
    for g in range(begin, p.visits[visit + 1, GUESTS_FROM]):
        if away >> (g - begin) & 1:
            continue
        for d in range(day, day + p.visits[visit, BLOCK]):
            s.taken[p.lists[g], d] = value
            change = fingerprint(-1, d)
            mark(s, len(p.trainers) + p.lists[g], p.week[d], change if value else -change)


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
        look_around(p, s, visit, second, day)
    look_around(p, s, visit, trainer, day)
    s.sums[TOTAL] += p.points[visit, LEFT_OUT] - p.extra[visit, trainer] - away_points(p, visit, s.placed[visit, AWAY])
    s.sums[TOTAL] -= abs(day - p.visits[visit, TARGET]) * p.points[visit, OFF_TARGET]
    if group >= 0:
        s.sums[TOTAL] -= changes(p, s, group) * p.rules[PER_CHANGE]
    s.placed[visit, LEAD], s.placed[visit, SECOND], s.placed[visit, DAY], s.placed[visit, AWAY] = -1, -1, -1, 0
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
    for trainer in range(len(p.trainers)):
        for day in range(len(p.week)):
            look(p, s, trainer, day)
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
