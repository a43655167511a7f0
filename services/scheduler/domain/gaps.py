"""Which visits of a cohort must keep a distance, seen from one visit: earlier ones it follows, later ones it precedes.

A visit that was done in part counts no longer once its remainder is planned: what follows waits for the remainder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduler.domain.delivery import Stage


@dataclass(frozen=True, slots=True)
class Node:
    """A visit as far as order goes. `present` is false for what is withdrawn."""

    visit_id: UUID
    stage: str
    enterprise_ids: frozenset[UUID]
    carried_from: UUID | None = None
    present: bool = True


@dataclass(frozen=True, slots=True)
class Distance:
    """Calendar days to another visit; `max_days` None means no upper end."""

    visit_id: UUID
    min_days: int
    max_days: int | None


def distances(
    node: Node, others: Sequence[Node], stages: Mapping[str, Stage]
) -> tuple[tuple[Distance, ...], tuple[Distance, ...]]:
    """What `node` comes after, and what it comes before."""
    counting = _counting(node, others)
    mine = stages.get(node.stage)
    after = []
    for other in counting:
        if mine and other.stage in mine.after and other.enterprise_ids & node.enterprise_ids:
            # The remainder of a visit comes late by nature: only the lower end of the band is kept.
            latest = None if node.carried_from else mine.max_gap_days
            after.append(Distance(other.visit_id, mine.min_gap_days, latest))
    if node.carried_from is not None:
        after.append(Distance(node.carried_from, 0, None))
    before = []
    for other in counting:
        theirs = stages.get(other.stage)
        if theirs and node.stage in theirs.after and other.enterprise_ids & node.enterprise_ids:
            latest = None if other.carried_from or node.carried_from else theirs.max_gap_days
            before.append(Distance(other.visit_id, theirs.min_gap_days, latest))
    return tuple(after), tuple(before)


def _counting(node: Node, others: Iterable[Node]) -> list[Node]:
    present = [other for other in others if other.present and other.visit_id != node.visit_id]
    carried_on = {other.carried_from for other in present} | {node.carried_from}
    return [other for other in present if other.visit_id not in carried_on]
