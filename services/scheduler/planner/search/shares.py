"""The least share of the road that a visit can have on a trainer's day: each leg of a day belongs half to either end."""

import numpy as np

from services.scheduler.planner.search.compiled import compiled, entry
from services.scheduler.planner.search.day import DAY_MINUTES
from services.scheduler.planner.search.problem import (
    ALONE,
    BLOCK,
    CREW,
    EARLIEST,
    FIRST_VISIT,
    GAP_MIN,
    INT,
    LATEST,
    LONGEST,
    MINUTES,
    OPENING,
    PER_DAY,
    PLACE,
    UNIT,
    Ints,
    Problem,
    Reals,
)


def shares(p: Problem) -> Reals:
    """[V, T] points; 0 for a visit that has its days to itself, and where the trainer cannot."""
    visits, places = len(p.points), p.road.shape[1]
    found = np.zeros((visits, len(p.trainers)), np.float32)
    order = np.argsort(p.road[:places], axis=1, kind="stable").astype(INT)
    at_place = np.argsort(p.visits[:visits, PLACE], kind="stable").astype(INT)
    starts = np.searchsorted(p.visits[at_place, PLACE], np.arange(places + 1)).astype(INT)
    together = np.zeros(visits, INT)
    for unit in range(len(p.units) - 1):
        first, last = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]
        together[first:last] = np.cumsum(p.visits[first:last, GAP_MIN] > 0)
    least_shares(p, found, order, at_place, starts, together)
    return found


@entry
def least_shares(p: Problem, share: Reals, order: Ints, at_place: Ints, starts: Ints, together: Ints) -> None:
    """Alone, at an end of a day's route, or in its middle. Two visits of one unit can share a day when no band is between
    them: they have the same number in `together`.
    """
    places, shortest = p.road.shape[1], DAY_MINUTES
    for v in range(len(p.points)):
        shortest = min(shortest, p.visits[v, MINUTES])
    for t in range(len(p.trainers)):
        lonely, minutes_there = -1, 0
        for v in range(len(p.points)):
            here, minutes = p.visits[v, PLACE], p.visits[v, MINUTES]
            if p.visits[v, ALONE] or not p.extra[v, t] < np.inf or here < 0:
                continue
            share[v, t] = 2.0 * p.road[places + t, here]
            if here == lonely and minutes >= minutes_there:
                continue
            lonely = here
            for i in range(places):
                there = order[here, i]
                away = (
                    minutes + shortest + p.drive[here, there] + p.drive[places + t, here] + p.drive[places + t, there]
                )
                if starts[there] < starts[there + 1] and away <= p.rules[LONGEST]:
                    lonely = -1
                    break
            minutes_there = minutes
            if lonely < 0:
                share[v, t] = _least_share(p, v, t, shortest, order, at_place, starts, together)


@compiled
def _least_share(
    p: Problem, v: int, t: int, shortest: int, order: Ints, at_place: Ints, starts: Ints, together: Ints
) -> float:
    places = p.road.shape[1]
    here, unit = p.visits[v, PLACE], p.visits[v, UNIT]
    home, many = p.road[places + t, here], p.trainers[t, PER_DAY] > 2
    one, two = 2.0 * home, -1.0
    for i in range(places):
        there = order[here, i]
        road = p.road[here, there]
        if home + road / 2 >= one and (not many or road >= one):
            break
        least = p.visits[v, MINUTES] + shortest + p.drive[here, there]
        if least + p.drive[places + t, here] + p.drive[places + t, there] > p.rules[LONGEST]:
            continue
        for k in range(starts[there], starts[there + 1]):
            w = at_place[k]
            if w == v or (p.visits[w, UNIT] == unit and together[w] != together[v]):
                continue
            if p.visits[w, BLOCK] > 1 or (p.visits[w, CREW] < 2 and not p.extra[w, t] < np.inf):
                continue
            if p.visits[w, LATEST] < p.visits[v, EARLIEST] or p.visits[w, EARLIEST] > p.visits[v, LATEST]:
                continue
            minutes = p.visits[v, MINUTES] + p.visits[w, MINUTES] + p.drive[here, there]
            away = minutes + p.drive[places + t, here] + p.drive[places + t, there]
            if minutes > p.rules[OPENING] or away > p.rules[LONGEST]:
                continue
            one = min(one, home + road / 2)
            if many:
                if two < 0:
                    two = road
                else:
                    one = min(one, (two + road) / 2)
                    two = min(two, road)
            break
    return float(min(one, two) if many and two >= 0 else one)
