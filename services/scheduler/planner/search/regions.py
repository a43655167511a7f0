"""Parts of a plan that do not touch each other, for searches side by side: some trainers, and units that are theirs alone.

Units that are tied to each other (by bands, an enterprise, a group) belong to one part, that of most of their visits; those of them
that are with a trainer of another part stay where they are meanwhile. So nothing that a search looks at is changed by another. Which
trainers belong together is drawn anew each time, by where they live, so that what lies on the border of two parts lies within one the
next time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.scheduler.planner.search.problem import (
    BAND_OTHER,
    BANDS_FROM,
    CANDIDATES_FROM,
    FOLLOWERS_FROM,
    GUARDED,
    GUESTS_FROM,
    INT,
    UNIT,
    Bools,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import LEAD, SECOND

NOBODYS = -1
"""The part of units that stay where they are."""


@dataclass(frozen=True, slots=True)
class Region:
    """What one search may change; the others change none of it."""

    units: Bools
    visits: Bools
    trainers: Bools
    enterprises: Bools


class Regions:
    """Draws the parts of one problem's plans."""

    def __init__(self, problem: Problem, enterprises: int) -> None:
        """Find which units are tied to each other: by bands, an enterprise, a group, or because one needs the other."""
        self.problem = problem
        self._enterprise = np.full(enterprises, NOBODYS, INT)
        self._tie = self._tied()

    def _tied(self) -> Ints:
        p, units = self.problem, len(self.problem.units) - 1
        root = list(range(units))

        def tie(those: Iterable[int]) -> None:
            ends = []
            for unit in those:
                end = unit
                while root[end] != end:
                    root[end] = root[root[end]]
                    end = root[end]
                ends.append(end)
            for end in ends:
                root[end] = min(ends)

        of = p.visits[:-1, UNIT]
        bands = np.diff(p.visits[:, BANDS_FROM])
        for unit, other in zip(np.repeat(of, bands).tolist(), of[p.bands[:, BAND_OTHER]].tolist(), strict=True):
            tie((unit, other))
        for begin, end in zip(p.groups[:-1], p.groups[1:], strict=True):
            tie(of[p.lists[begin:end]].tolist())
        for unit in range(units):
            tie((unit, *p.lists[p.units[unit, FOLLOWERS_FROM] : p.units[unit + 1, FOLLOWERS_FROM]].tolist()))
        first = self._enterprise
        for v in np.flatnonzero(p.visits[:-1, GUARDED]):
            for guest in p.lists[p.visits[v, GUESTS_FROM] : p.visits[v + 1, GUESTS_FROM]]:
                if first[guest] == NOBODYS:
                    first[guest] = of[v]
                tie((int(of[v]), int(first[guest])))
        for unit in range(units):
            while root[root[unit]] != root[unit]:
                root[unit] = root[root[unit]]
        return np.array(root, INT)

    def draw(self, placed: Ints, parts: int, random: np.random.Generator) -> list[Region]:
        """So many parts with about as many visits each; fewer where some would have none, and all in one where everything would have to
        stay. Trainers who live on the same side of the country, seen in a direction drawn by chance, are in the same one.
        """
        p, part = self.problem, self._of_trainers(placed, parts, random)
        of, units = p.visits[:-1, UNIT], len(p.units) - 1
        low, high = np.full(units, parts, INT), np.full(units, NOBODYS, INT)
        votes = np.zeros((units, parts), INT)
        for column in (LEAD, SECOND):
            there = np.flatnonzero(placed[:, column] >= 0)
            mine = part[placed[there, column]]
            np.minimum.at(low, of[there], mine)
            np.maximum.at(high, of[there], mine)
            np.add.at(votes, (self._tie[of[there]], mine), 1)
        for tie in np.flatnonzero((votes.sum(1) == 0) & (self._tie == np.arange(units))):
            begin, end = p.units[tie, CANDIDATES_FROM], p.units[tie + 1, CANDIDATES_FROM]
            votes[tie, part[p.lists[begin]] if end > begin else 0] = 1
        owner = votes.argmax(1)[self._tie]
        free = (high == NOBODYS) | ((low == owner) & (high == owner))
        of_unit = np.where(free, owner, NOBODYS)
        of_enterprise = np.where(self._enterprise == NOBODYS, NOBODYS, owner[self._enterprise])
        if (of_unit == NOBODYS).all():
            part, of_unit, of_enterprise = np.zeros_like(part), np.zeros_like(of_unit), np.zeros_like(of_enterprise)
        return [
            Region(of_unit == n, (of_unit == n)[of], part == n, of_enterprise == n)
            for n in range(parts)
            if (of_unit == n).any()
        ]

    def _of_trainers(self, placed: Ints, parts: int, random: np.random.Generator) -> Ints:
        p = self.problem
        places, trainers = p.road.shape[1], len(p.trainers)
        side = np.arange(trainers, dtype=float)
        if places:
            here = int(random.integers(places))
            there = int(p.road[here].argmax())
            side = p.road[places:, here].astype(float) - p.road[places:, there]
        order = np.argsort(side, kind="stable")
        load = np.bincount(placed[placed[:, LEAD] >= 0, LEAD], minlength=trainers)[order] + 1.0
        upto = np.cumsum(load) - load / 2
        part = np.zeros(trainers, INT)
        part[order] = np.minimum(parts - 1, upto * parts / load.sum()).astype(INT)
        return part
