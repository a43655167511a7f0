"""In which order the exact model goes over a plan, a few trainers at a time."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from services.scheduler.planner.search.problem import FIRST_VISIT, PLACE, Ints, Problem
from services.scheduler.planner.search.state import LEAD

ALIKE = 2.0
"""Units' worth of likeness from which two trainers are neighbours."""


class Agenda:
    """Which crews are still to be looked at: every trainer, then every two that could have each other's units for about the same road, the most
    alike first, then every three that hang together so. A crew comes again when one of its plans has changed since.
    """

    def __init__(self, p: Problem, placed: Ints) -> None:
        """In the order of what they may gain."""
        leads = placed[p.units[:-1, FIRST_VISIT], LEAD]
        busy = [int(t) for t in np.unique(leads[leads >= 0])]
        firsts, homes = p.units[:-1, FIRST_VISIT], p.road.shape[1]
        able = np.isfinite(p.extra[firsts])
        road = p.road[homes:][:, np.maximum(0, p.visits[firsts, PLACE])].T + 1.0
        alike: dict[tuple[int, ...], float] = {}
        for a, b in combinations(busy, 2):
            shared = able[:, a] & able[:, b] & ((leads == a) | (leads == b))
            near, far = np.minimum(road[shared, a], road[shared, b]), np.maximum(road[shared, a], road[shared, b])
            units = float((near / far).sum())
            if units >= ALIKE:
                alike[a, b] = units
        threes: dict[tuple[int, ...], float] = {}
        for three in combinations(busy, 3):
            known = [alike[pair] for pair in combinations(three, 2) if pair in alike]
            if len(known) > 1:
                threes[three] = sum(known)
        self.crews: list[tuple[int, ...]] = [(t,) for t in busy]
        self.crews += sorted(alike, key=lambda pair: (-alike[pair], pair))
        self.crews += sorted(threes, key=lambda three: (-threes[three], three))
        self._changes = [0] * len(p.trainers)
        self._seen: dict[tuple[int, ...], list[int]] = {}

    def following(self, most: int) -> list[tuple[int, ...]]:
        """The next so many that share no trainer; none when all have been looked at as they are."""
        found: list[tuple[int, ...]] = []
        for crew in self.crews:
            if len(found) < most and not any(set(crew) & set(other) for other in found) and self._waits(crew):
                found.append(crew)
        return found

    def _waits(self, crew: tuple[int, ...]) -> bool:
        """Not when it, or a larger one that it is a part of, was looked at as it is."""
        return not any(
            set(crew) <= set(seen) and then == [self._changes[t] for t in seen] for seen, then in self._seen.items()
        )

    def looked_at(self, crew: tuple[int, ...], changed: Sequence[int]) -> None:
        """Whose plans are others than before because of it."""
        for t in changed:
            self._changes[t] += 1
        self._seen[crew] = [self._changes[t] for t in crew]
