"""What differs between two plans, and what that means for people: who is told, whose calendar changes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.scheduler.planner.instance import Job
from services.scheduler.planner.plan import Placement


class ChangeKind(StrEnum):
    """`moved` is another time with the same people, `reassigned` other people at the same time, `both` is both."""

    PLACED = "placed"
    DROPPED = "dropped"
    MOVED = "moved"
    REASSIGNED = "reassigned"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Change:
    """One visit that is not where it was. One of the two placements may be missing."""

    job_id: str
    before: Placement | None
    after: Placement | None

    @property
    def kind(self) -> ChangeKind:
        """What sort of change it is."""
        if self.before is None:
            return ChangeKind.PLACED
        if self.after is None:
            return ChangeKind.DROPPED
        moved = (self.before.day, self.before.start) != (self.after.day, self.after.start)
        if crew(self.before) == crew(self.after):
            return ChangeKind.MOVED
        return ChangeKind.BOTH if moved else ChangeKind.REASSIGNED


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, and how many calendar entries they make, update and cancel: one for each person and enterprise."""

    changes: tuple[Change, ...]
    trainers: Mapping[str, int]
    enterprises: Mapping[str, int]
    entries_new: int
    entries_updated: int
    entries_cancelled: int

    @property
    def count(self) -> int:
        """Visits that change."""
        return len(self.changes)


def crew(placement: Placement) -> frozenset[str]:
    """Everybody who goes."""
    return frozenset((placement.trainer_id, *placement.co_trainers))


def difference(before: Iterable[Placement], after: Iterable[Placement], jobs: Mapping[str, Job]) -> Difference:
    """What has to change from one plan to the other; `jobs` says which enterprises each visit concerns."""
    old, new = {p.job_id: p for p in before}, {p.job_id: p for p in after}
    changes = tuple(
        Change(job_id, old.get(job_id), new.get(job_id))
        for job_id in dict.fromkeys((*old, *new))
        if old.get(job_id) != new.get(job_id)
    )
    trainers: Counter[str] = Counter()
    enterprises: Counter[str] = Counter()
    made = updated = ended = 0
    for one in changes:
        was = crew(one.before) if one.before else frozenset()
        now = crew(one.after) if one.after else frozenset()
        sites = jobs[one.job_id].enterprise_ids if one.job_id in jobs else ()
        trainers.update(was | now)
        enterprises.update(sites)
        made += len(now - was)
        updated += len(now & was)
        ended += len(was - now)
        match one.kind:
            case ChangeKind.PLACED:
                made += len(sites)
            case ChangeKind.DROPPED:
                ended += len(sites)
            case _:
                updated += len(sites)
    return Difference(changes, dict(trainers), dict(enterprises), made, updated, ended)
