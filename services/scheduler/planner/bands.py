"""The gap bands between visits, seen from both ends, and the order in which they make visits follow each other."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.scheduler.planner.eligibility import optional_guests
from services.scheduler.planner.instance import Instance
from services.scheduler.planner.timetable import DAY, Stop, booked_stop


@dataclass(frozen=True, slots=True)
class Band:
    """`later` begins `min_days` to `max_days` calendar days after the last day of `earlier`, and not before its end.

    `shared`: enterprises that both are about. Where it is one, the band is that enterprise's own: it does not hold for
    a classroom from which that enterprise stays away, and what comes after such a classroom is not placed.
    """

    earlier: str
    later: str
    min_days: int
    max_days: int | None
    shared: frozenset[str] = frozenset()

    @property
    def guest(self) -> str | None:
        """The only enterprise that it is about."""
        return next(iter(self.shared)) if len(self.shared) == 1 else None


class Bands:
    """All bands of an instance by the job they touch. Ids may be jobs or booked things."""

    def __init__(self, instance: Instance) -> None:
        """Collect `Job.after` and `Job.before`."""
        group = {j.id: frozenset(j.enterprise_ids) for j in instance.jobs}
        group |= {b.id: b.enterprise_ids | b.absent for b in instance.booked}
        stated = [(g.visit, j.id, g) for j in instance.jobs for g in j.after]
        stated += [(j.id, g.visit, g) for j in instance.jobs for g in j.before]
        self.all = [Band(a, b, g.min_days, g.max_days, group[a] & group[b]) for a, b, g in stated]
        self._optional = {j.id: guests for j in instance.jobs if (guests := frozenset(optional_guests(j)))}
        self.fixed: dict[str, Stop] = {b.id: booked_stop(b) for b in instance.booked}
        self.before: dict[str, list[Band]] = defaultdict(list)
        self.after: dict[str, list[Band]] = defaultdict(list)
        for band in self.all:
            self.before[band.later].append(band)
            self.after[band.earlier].append(band)

    def waits_for(self, job_id: str) -> list[str]:
        """Jobs without which this job is not placed either, when everybody comes."""
        return [b.earlier for b in self.before[job_id] if b.earlier not in self.fixed]

    def needs(self, job_id: str, absent: Collection[str] | None = None) -> list[str]:
        """Jobs without which this job is not placed, without those absent; None: whoever may stay away."""
        away = self._optional.get(job_id, frozenset[str]()) if absent is None else absent
        return [b.earlier for b in self.before[job_id] if b.earlier not in self.fixed and b.guest not in away]

    def can_lapse(self, band: Band) -> bool:
        """Whether the later visit may be placed without keeping the band, because its enterprise stays away."""
        return band.guest in self._optional.get(band.later, ())

    def lost(self, job_id: str, guest: str) -> set[str]:
        """Jobs that are not placed when an enterprise stays away from a classroom."""
        found: set[str] = set()
        open_ends = [b.later for b in self.after[job_id] if b.guest == guest]
        while open_ends:
            one = open_ends.pop()
            if one not in found and one not in self.fixed:
                found.add(one)
                open_ends += [b.later for b in self.after[one] if not self.can_lapse(b)]
        return found

    def follows(self, job_id: str) -> list[str]:
        """Jobs that are not placed without this one."""
        return [b.later for b in self.after[job_id] if b.later not in self.fixed]

    def allow(self, stop: Stop, placed: Mapping[str, Stop]) -> bool:
        """Whether a stop keeps its bands to everything that is fixed or placed already."""
        return not self.broken(stop, placed)

    def broken(self, stop: Stop, placed: Mapping[str, Stop]) -> list[Band]:
        """The bands that a stop would break."""
        wrong = []
        for band in (*self.before[stop.id], *self.after[stop.id]):
            other_id = band.earlier if band.later == stop.id else band.later
            other = self.fixed.get(other_id) or placed.get(other_id)
            if other is None:
                continue
            first, second = (other, stop) if band.later == stop.id else (stop, other)
            if band.guest is not None and band.guest not in second.enterprises:
                continue
            if band.shared & second.enterprises - first.enterprises:
                wrong.append(band)
                continue
            days = second.start // DAY - (first.end - 1) // DAY
            late = band.max_days is not None and days > band.max_days
            if days < band.min_days or late or second.start < first.end:
                wrong.append(band)
        return wrong

    def order(self, instance: Instance) -> list[str]:
        """Job ids with every job after those it waits for; among equals the earlier window end, then the id.

        Jobs on a cycle of bands are left out: they can never be placed.
        """
        deadline = {j.id: (j.pinned is None, j.window.last, j.window.first, j.id) for j in instance.jobs}
        waiting = {j.id: set(self.waits_for(j.id)) for j in instance.jobs}
        ready = sorted((i for i, w in waiting.items() if not w), key=deadline.__getitem__)
        order: list[str] = []
        while ready:
            job_id = ready.pop(0)
            order.append(job_id)
            for later in dict.fromkeys(self.follows(job_id)):
                waiting[later].discard(job_id)
                if not waiting[later]:
                    ready.append(later)
            ready.sort(key=deadline.__getitem__)
        return order

    def _kept_by_guest(self, band: Band) -> list[Band]:
        """Bands before a classroom that can lapse, and held if what comes after it is placed: its enterprise was there."""
        if band.guest is None:
            return []
        mine = (b for b in self.before[band.earlier] if b.guest == band.guest and b.earlier not in self.fixed)
        return [b for b in mine if self.can_lapse(b)]

    def least_days(self, order: list[str]) -> dict[tuple[str, str], int]:
        """For every two jobs that bands put in order whoever stays away: the least days between them, over all chains."""
        least: dict[tuple[str, str], int] = {}
        above: dict[str, set[str]] = {}
        for job_id in order:
            above[job_id] = set()
            for band in self.before[job_id]:
                if band.earlier in self.fixed or self.can_lapse(band):
                    continue
                chains = [(band.earlier, 0), *((a, least[a, band.earlier]) for a in above[band.earlier])]
                for own in self._kept_by_guest(band):
                    days = max(0, own.min_days)
                    chains += [(own.earlier, days), *((a, least[a, own.earlier] + days) for a in above[own.earlier])]
                for ancestor, days in chains:
                    above[job_id].add(ancestor)
                    key = (ancestor, job_id)
                    least[key] = max(least.get(key, 0), days + max(0, band.min_days))
        return least

    def reach(self, instance: Instance, days: Mapping[str, list[date]]) -> dict[str, list[date]]:
        """The open days of each job that its earlier jobs' open days can reach; the later ones say nothing, because
        an earlier job may be placed without them. Jobs on a cycle of bands have none.
        """
        lasts = {j.id: j.days - 1 for j in instance.jobs}
        reached: dict[str, list[date]] = {j.id: [] for j in instance.jobs}
        for job_id in self.order(instance):
            reached[job_id] = list(days[job_id])
            for band in self.before[job_id]:
                if band.earlier in self.fixed or self.can_lapse(band):
                    continue
                earlier = reached[band.earlier]
                if not earlier:
                    reached[job_id] = []
                    break
                lo = earlier[0] + timedelta(days=lasts[band.earlier] + band.min_days)
                hi = (
                    earlier[-1] + timedelta(days=lasts[band.earlier] + band.max_days)
                    if band.max_days is not None
                    else None
                )
                reached[job_id] = [d for d in reached[job_id] if d >= lo and (hi is None or d <= hi)]
        return reached
