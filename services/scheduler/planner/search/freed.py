"""Which visits of a few trainers can be moved while everything else stays as it is, and within which days.

A visit is *free* when it is alone or with one other on its day and nothing booked is there; other days are closed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from services.scheduler.planner.search.problem import (
    ALONE,
    BAND_LATER,
    BAND_MAX,
    BAND_MIN,
    BAND_OTHER,
    BANDS_FROM,
    BLOCK,
    CREW,
    EARLIEST,
    FIXED_DAY,
    FIXED_TRAINER,
    FIXED_VISIT,
    GAP_MAX,
    GAP_MIN,
    GUARDED,
    GUESTS_FROM,
    LATEST,
    PER_WEEK,
    PLACE,
    UNIT,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import DAY, LEAD, SECOND


class Freed:
    """The free visits of some trainers in a plan, and what is left of days and weeks for them."""

    def __init__(self, problem: Problem, placed: Ints, trainers: Sequence[int]) -> None:
        """Look at every day of the trainers."""
        self.problem, self.placed = problem, placed
        self.closed = {t: self._closed(t) for t in trainers}
        self.visits = [
            int(v)
            for v in np.nonzero(np.isin(placed[:, LEAD], trainers))[0]
            if placed[v, DAY] not in self.closed[int(placed[v, LEAD])]
        ]
        self._known = set(self.visits)
        self._stays: dict[int, set[int]] = defaultdict(set)
        for v in np.nonzero(problem.visits[:-1, GUARDED] & (placed[:, DAY] >= 0))[0]:
            if v not in self._known:
                for guest in self.guests(int(v)):
                    self._stays[guest].update(range(placed[v, DAY], placed[v, DAY] + problem.visits[v, BLOCK]))

    def __contains__(self, visit: int) -> bool:
        """Whether a visit is free."""
        return visit in self._known

    def of(self, t: int) -> Ints:
        """All visits of a trainer, free or not, as lead or as second."""
        found: Ints = np.nonzero((self.placed[:, LEAD] == t) | (self.placed[:, SECOND] == t))[0]
        return found

    def guests(self, v: int) -> list[int]:
        """The enterprises of a visit that must not share its day with another visit of theirs; none where that cannot be."""
        p = self.problem
        if not p.visits[v, GUARDED]:
            return []
        found: list[int] = p.lists[p.visits[v, GUESTS_FROM] : p.visits[v + 1, GUESTS_FROM]].tolist()
        return found

    def taken(self, v: int) -> set[int]:
        """Days on which one of its enterprises has a visit that stays."""
        return set().union(*(self._stays[guest] for guest in self.guests(v)))

    def _closed(self, t: int) -> set[int]:
        p = self.problem
        closed = {int(d) for d in p.fixed[p.fixed[:, FIXED_TRAINER] == t, FIXED_DAY]}
        on: dict[int, list[int]] = defaultdict(list)
        for v in self.of(t):
            for d in range(self.placed[v, DAY], self.placed[v, DAY] + p.visits[v, BLOCK]):
                on[int(d)].append(int(v))
        for d, visits in on.items():
            rows = p.visits[visits]
            stays = rows[:, ALONE].any() or (rows[:, PLACE] < 0).any() or (rows[:, CREW] > 1).any()
            if stays or len(visits) > 2:
                closed.add(d)
        return closed

    def window(self, v: int) -> tuple[int, int]:
        """Its days, as far as visits that stay leave them open."""
        first, last = int(self.problem.visits[v, EARLIEST]), int(self.problem.visits[v, LATEST])
        for other, is_later, least, most in self.linked(v):
            day = int(self.placed[other, DAY])
            if other not in self and day >= 0:
                since, until = (day + least, day + most) if is_later else (day - most, day - least)
                first, last = max(first, since), min(last, until)
        return first, last

    def linked(self, v: int) -> Iterator[tuple[int, bool, int, int]]:
        """Visits to which bands hold this one: the other, whether this one is the later, days between at least and at most."""
        p = self.problem
        if v > 0 and p.visits[v - 1, UNIT] == p.visits[v, UNIT]:
            yield v - 1, True, int(p.visits[v, GAP_MIN]), int(p.visits[v, GAP_MAX])
        if v + 1 < len(p.points) and p.visits[v + 1, UNIT] == p.visits[v, UNIT]:
            yield v + 1, False, int(p.visits[v + 1, GAP_MIN]), int(p.visits[v + 1, GAP_MAX])
        for row in p.bands[p.visits[v, BANDS_FROM] : p.visits[v + 1, BANDS_FROM]]:
            yield int(row[BAND_OTHER]), bool(row[BAND_LATER]), int(row[BAND_MIN]), int(row[BAND_MAX])

    def room(self, t: int) -> dict[int, int]:
        """By week, the free visits that a trainer's limit leaves room for, where anything stays; otherwise all of it."""
        p = self.problem
        left: dict[int, int] = defaultdict(lambda: int(p.trainers[t, PER_WEEK]))
        for row in p.fixed[(p.fixed[:, FIXED_TRAINER] == t) & (p.fixed[:, FIXED_VISIT] > 0)]:
            left[int(p.week[row[FIXED_DAY]])] -= 1
        for v in self.of(t):
            if v not in self:
                for d in range(self.placed[v, DAY], self.placed[v, DAY] + p.visits[v, BLOCK]):
                    left[int(p.week[d])] -= 1
        return left
