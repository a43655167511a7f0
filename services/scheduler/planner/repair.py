"""A plan after a disruption, with as few changes as possible.

Visits that may stay, stay, confirmed ones above all. Each visit that cannot goes to the cheapest free place, its own
day first; only when there is none does one other visit make room; only when that fails does a visit take those that
follow it along; and only then is it left out. New visits come last, so that they move nobody who was there before
unless they must.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.scheduler.planner.diagnosis import absences, diagnose
from services.scheduler.planner.difference import Difference, difference
from services.scheduler.planner.instance import Instance, Job
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement, Plan, PlanStatus, Unplaced
from services.scheduler.planner.room import free_room, made_room
from services.scheduler.planner.valuation import Valuation

_WAITS = "waits_for_earlier"


@dataclass(frozen=True, slots=True)
class Repair:
    """The plan afterwards. `instance` is the one it was made for, without the pins of those that could not stay. `hit`: visits that could not stay where they were; `moved`: others that made room for them;
    `left`: visits that were placed before and are not any more. No repair can change fewer visits than `hit`.
    """

    instance: Instance
    placements: tuple[Placement, ...]
    hit: frozenset[str]
    moved: frozenset[str]
    left: frozenset[str]
    cost_difference: float
    difference: Difference

    @property
    def least(self) -> bool:
        """Whether it is proven that no repair changes fewer visits: nobody moved but those who had to."""
        return not self.moved


class _Repairing:
    def __init__(self, instance: Instance, placements: tuple[Placement, ...], most_moved: int | None) -> None:
        self.book = Ledger(instance)
        self.former = {p.job_id: p for p in placements if p.job_id in self.book.jobs}
        self.most_moved = most_moved
        self.order = {job_id: n for n, job_id in enumerate(self.book.bands.order(instance))}
        self.hit: set[str] = set()
        self.moved: set[str] = set()
        self.released: dict[str, Job] = {}

    def keep(self) -> None:
        """Put back every visit that may stay, in the order of the stages."""
        for job_id in sorted(self.former, key=lambda i: self.order.get(i, len(self.order))):
            placement = self.former[job_id]
            if set(self.book.refusals(placement)) <= {_WAITS}:
                self.book.put(placement)
            else:
                self.hit.add(job_id)
                self.released[job_id] = replace(self.book.jobs[job_id], pinned=None)

    def place(self, job_id: str) -> bool:
        """Find a place for one visit that has none."""
        job, former = self.released.get(job_id, self.book.jobs[job_id]), self.former.get(job_id)
        room = free_room(self.book, job, former=former)
        if room is None and self._may_move(1):
            room = made_room(self.book, job)
        if room is None:
            return self._with_followers(job)
        for one in room.moved:
            self.book.take(one.job_id)
            self._count(one)
        self.book.put(room.placement)
        for one in room.moved:
            self.book.put(one)
        return True

    def _may_move(self, more: int) -> bool:
        return self.most_moved is None or len(self.moved) + more <= self.most_moved

    def _count(self, placement: Placement) -> None:
        if placement.job_id in self.former and placement.job_id not in self.hit:
            self.moved.add(placement.job_id)

    def followers(self, job_id: str) -> list[str]:
        """Placed visits that may not be without this one, in the order of their stages."""
        found: list[str] = []
        for later in self.book.bands.follows(job_id):
            if later in self.book.placements and later not in found:
                found += [later, *(i for i in self.followers(later) if i not in found)]
        return sorted(dict.fromkeys(found), key=lambda i: self.order.get(i, len(self.order)))

    def _with_followers(self, job: Job) -> bool:
        """Move the visits that follow along with it; all of them, or the book is as it was."""
        chain = self.followers(job.id)
        if not chain or not self._may_move(len(chain)) or any(self.book.jobs[i].pinned for i in chain):
            return False
        taken = [self.book.take(i) for i in reversed(chain)]
        put: list[str] = []
        for one in (job, *(self.book.jobs[i] for i in chain)):
            room = free_room(self.book, one, former=self.former.get(one.id))
            if room is None:
                break
            self.book.put(room.placement)
            put.append(one.id)
        else:
            for was in taken:
                if self.book.placements[was.job_id] != was:
                    self._count(was)
            return True
        for job_id in put:
            self.book.take(job_id)
        for was in taken:
            self.book.put(was)
        return False

    def drop_followers(self, job_id: str) -> None:
        """Nothing stays without what must come before it."""
        for later in reversed(self.followers(job_id)):
            self.book.take(later)
            self.hit.add(later)


def repair(
    instance: Instance, placements: Iterable[Placement], *, most_moved: int | None = None, gone: Iterable[Job] = ()
) -> Repair:
    """The plan in an instance that has changed since, with few changes.

    `most_moved` caps how many visits move that could have stayed; what then finds no room is left out. Visits without a
    placement are new or were left out before: they get a place if there is one. `gone`: jobs of placements that the
    instance no longer has, so that their enterprises are counted among those told. Repeatable: no clock, no chance.
    """
    placements = tuple(placements)
    work = _Repairing(instance, placements, most_moved)
    work.keep()
    new = [j.id for j in instance.jobs if j.id not in work.former]

    def by_stage(job_id: str) -> tuple[bool, int]:
        return job_id not in work.former, work.order.get(job_id, len(work.order))

    for job_id in sorted((*work.hit, *new), key=by_stage):
        if job_id not in work.order or work.book.waits(job_id) or not work.place(job_id):
            work.drop_followers(job_id)
    after = tuple(work.book.placements[j.id] for j in instance.jobs if j.id in work.book.placements)
    old = tuple(p for p in placements if p.job_id in work.book.jobs)
    valuation = Valuation(instance)
    return Repair(
        instance=replace(instance, jobs=tuple(work.released.get(j.id, j) for j in instance.jobs)),
        placements=after,
        hit=frozenset(work.hit),
        moved=frozenset(work.moved),
        left=frozenset(work.former) - frozenset(work.book.placements),
        cost_difference=valuation.cost(after) - valuation.cost(old),
        difference=difference(placements, after, work.book.jobs | {j.id: j for j in gone}),
    )


def as_plan(instance: Instance, placements: tuple[Placement, ...], *, bound: float = 0.0) -> Plan:
    """Placements as a plan with its sums, and reasons for what is left out."""
    parts = Valuation(instance).parts(placements)
    cost = sum(parts.values())
    left = tuple(Unplaced(job_id, why) for job_id, why in diagnose(instance, placements).items())
    status = PlanStatus.FEASIBLE if not left else PlanStatus.PARTIAL if placements else PlanStatus.EMPTY
    bound = max(0.0, min(bound, cost))
    gap = (cost - bound) / cost if cost > bound else 0.0
    return Plan(placements, left, cost, bound, parts, status, gap, absences(instance, placements))
