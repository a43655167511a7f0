"""A delivery plan: which visits a module consists of, in which order and how far apart.

Visits per module and their spacing are not standard in SCORE (product.md), so nothing here knows a module: stages
are versioned data per module and country.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.scheduler.domain.classrooms import grouped

CLASSROOM = "classroom"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. The gap is in calendar days between the last day of each stage in `after` and this one's first day;
    `offset_days` counts from the cohort's first day to the day that would be best. A classroom is held with at least
    `quorum` enterprises and has room for `capacity` (None: for all of a cohort). `crew` 2: an expert goes with somebody who is at
    least a candidate, because a candidate delivers only beside an expert.
    """

    stage: str
    kind: str
    position: int
    days: int
    minutes: int
    after: tuple[str, ...]
    min_gap_days: int
    max_gap_days: int | None
    offset_days: int | None
    online: bool
    quorum: int = 1
    capacity: int | None = None
    crew: int = 1


@dataclass(frozen=True, slots=True)
class VisitDraft:
    """A visit that a cohort needs, before it has a date. The first enterprise is the host of a classroom."""

    visit_id: UUID
    stage: Stage
    enterprise_ids: tuple[UUID, ...]
    window_first: date
    window_last: date
    target: date | None


class CircularStages(ValueError):
    """Stages that wait for one another; names them."""


def in_order(stages: Iterable[Stage]) -> list[Stage]:
    """Every stage after those it waits for, otherwise by position. Raises `CircularStages`; unknown names are ignored."""
    left = {stage.stage: stage for stage in sorted(stages, key=lambda s: (s.position, s.stage))}
    done: list[Stage] = []
    while left:
        ready = next((s for s in left.values() if not any(name in left for name in s.after)), None)
        if ready is None:
            raise CircularStages(", ".join(left))
        done.append(left.pop(ready.stage))
    return done


def shortest_span_days(stages: Iterable[Stage]) -> int:
    """How many calendar days the stages need at least, if every day were free: a lower bound for the window."""
    ends: dict[str, int] = {}
    for stage in in_order(stages):
        begins = max((ends[name] + stage.min_gap_days for name in stage.after if name in ends), default=0)
        ends[stage.stage] = begins + stage.days - 1
    return max(ends.values(), default=-1) + 1


def visits_for(
    stages: Iterable[Stage],
    enterprise_ids: Sequence[UUID],
    first: date,
    last: date,
    new_id: Callable[[], UUID],
    places: Mapping[UUID, tuple[float, float]] | None = None,
) -> list[VisitDraft]:
    """A classroom for all together, or for neighbours where its seats are fewer; every other stage at each enterprise."""
    drafts = []
    for stage in in_order(stages):
        target = None
        if stage.offset_days is not None:
            target = min(first + timedelta(days=stage.offset_days), last)
        groups: list[tuple[UUID, ...]] = [(one,) for one in enterprise_ids]
        if stage.kind == CLASSROOM:
            groups = grouped(enterprise_ids, places or {}, stage.quorum, stage.capacity)
        drafts += [VisitDraft(new_id(), stage, group, first, last, target) for group in groups]
    return drafts
