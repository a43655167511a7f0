"""Who sits in which classroom: as many groups as the seats ask for, none below its quorum, neighbours together.

SCORE has four or five enterprises in a classroom, four people each; how few and how many is data of a delivery plan.
"""

from collections.abc import Mapping, Sequence
from math import cos, hypot, radians
from uuid import UUID

MOST_TOGETHER = 12
"""Enterprises in one classroom where the delivery plan says nothing."""


def sizes(count: int, quorum: int, capacity: int | None) -> list[int] | None:
    """The fewest groups that hold `count` enterprises, as even as can be; None when one would be below the quorum."""
    groups = -(-count // (capacity or MOST_TOGETHER))
    if groups == 0 or count // groups < quorum:
        return None
    return [count // groups + (n < count % groups) for n in range(groups)]


def grouped(
    enterprise_ids: Sequence[UUID], places: Mapping[UUID, tuple[float, float]], quorum: int, capacity: int | None
) -> list[tuple[UUID, ...]]:
    """Groups of neighbours, each in the order given; the first is the host. `places` are latitude and longitude.

    The remotest one chooses first: it gets those nearest to it. Without groups that fit, all are in one.
    """
    wanted = sizes(len(enterprise_ids), quorum, capacity)
    left = list(enterprise_ids)
    if wanted is None or len(wanted) == 1 or not all(one in places for one in left):
        return [tuple(left)]
    groups = []
    for size in wanted:
        middle = tuple(sum(places[one][n] for one in left) / len(left) for n in (0, 1))
        remotest = max(left, key=lambda one: _apart(places[one], (middle[0], middle[1])))
        near = sorted(left, key=lambda one: _apart(places[one], places[remotest]))[:size]
        groups.append(tuple(one for one in left if one in near))
        left = [one for one in left if one not in near]
    return groups


def _apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Degrees of latitude between two places, flat: enough to say who is nearer."""
    return hypot(a[0] - b[0], (a[1] - b[1]) * cos(radians((a[0] + b[0]) / 2)))
