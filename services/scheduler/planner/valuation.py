"""What a set of placements costs, by part, exactly as `Weights` defines it.

The model states the same sum in integers; the checker counts it once more in its own way. `PARTS` names them all.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.scheduler.planner.geography import Roads
from services.scheduler.planner.instance import Instance, Job, JobKind, Trainer
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.timetable import (
    DAY,
    Stop,
    Timetable,
    booked_stop,
    minute,
    minutes_of,
)
from services.scheduler.planner.travel import Position

PARTS = ("km", "off_target", "continuity", "not_preferred", "load", "nights", "start", "unplaced")


def placement_stop(placement: Placement, job: Job, table: Timetable) -> Stop:
    """The stop that a placement occupies."""
    return table.stop(job, placement.day.toordinal(), minute(placement.start), placement.absent)


def absent_share(job: Job) -> float:
    """What one enterprise that stays away is of a visit not placed: when all stayed away it would be the whole."""
    return 1.0 / len(set(job.enterprise_ids))


def people(placement: Placement) -> frozenset[str]:
    """Everybody who goes."""
    return frozenset((placement.trainer_id, *placement.co_trainers))


def fair_share(instance: Instance) -> int:
    """Visits per trainer when all jobs and all booked visits of the horizon are spread evenly, rounded up."""
    total = sum(j.crew for j in instance.jobs) + sum(booked_load(instance).values())
    return -(-total // max(1, len(instance.trainers)))


def booked_load(instance: Instance) -> Counter[str]:
    """Booked visits per trainer that begin within the horizon."""
    known = {t.id for t in instance.trainers}
    load: Counter[str] = Counter()
    for item in instance.booked:
        if item.enterprise_ids and instance.horizon.first <= item.start.date() <= instance.horizon.last:
            load.update(item.trainer_ids & known)
    return load


def nights(job: Job, trainer: Trainer, site: Position | None, roads: Roads, longest_day: int) -> int:
    """Nights away: one per day of the job when going there and back does not fit into the longest day (minutes)."""
    if site is None:
        return 0
    return job.days if roads.there_and_back_minutes(trainer.home, site) + minutes_of(job) > longest_day else 0


def round_trips(job: Job, away: int) -> int:
    """How often the trainer drives out and back: every day of a block, or once when staying the nights."""
    return 1 if away else job.days


def route_km(stops: Sequence[Stop], home: Position, roads: Roads) -> float:
    """Home, the routed stops in the order of time, home."""
    ordered = [s.position for s in sorted(stops, key=lambda s: (s.start, s.end)) if s.position is not None]
    if not ordered:
        return 0.0
    legs = sum(roads.km(a, b) for a, b in itertools.pairwise(ordered))
    return roads.km(home, ordered[0]) + legs + roads.km(ordered[-1], home)


class Valuation:
    """Costs of placements in one instance."""

    def __init__(self, instance: Instance, table: Timetable | None = None) -> None:
        """Index what does not change. `table`: roads and places of this instance, where somebody has them already."""
        self.instance = instance
        self.jobs = {j.id: j for j in instance.jobs}
        self.trainers = {t.id: t for t in instance.trainers}
        self.table = table or Timetable(instance)
        self.share = fair_share(instance)
        self.load = booked_load(instance)
        self.longest_day = int(instance.travel.longest_day.total_seconds() // 60)
        self.routed: dict[tuple[str, int], list[Stop]] = defaultdict(list)
        for item in instance.booked:
            stop = booked_stop(item)
            if stop.routed:
                for trainer in item.trainer_ids:
                    self.routed[trainer, stop.start // DAY].append(stop)

    def cost(self, placements: Iterable[Placement]) -> float:
        """Sum of the parts."""
        return sum(self.parts(placements).values())

    def parts(self, placements: Iterable[Placement]) -> Mapping[str, float]:
        """Points by name; every job without a placement counts as unplaced, and whoever is absent as their share."""
        placements = tuple(placements)
        weights = self.instance.weights
        km, away = self._driving(placements)
        first = minute(self.instance.working_day.start)
        late = days = strangers = 0
        absent = 0.0
        leads: dict[str, set[str]] = defaultdict(set)
        load = Counter(self.load)
        for p in placements:
            job = self.jobs[p.job_id]
            late += minute(p.start) - first
            days += abs((p.day - job.target).days) if job.target else 0
            strangers += bool(job.prefer_trainers) and p.trainer_id not in job.prefer_trainers
            load.update(people(p))
            absent += len(p.absent) * absent_share(job)
            if job.kind is JobKind.CONSULTANCY:
                leads[job.enterprise_ids[0]].add(p.trainer_id)
        over = sum(max(0, n - self.share) for n in load.values())
        changes = sum(len(who) - 1 for who in leads.values())
        values = (
            km * weights.per_km,
            days * weights.per_day_off_target,
            changes * weights.per_trainer_changed,
            strangers * weights.per_not_preferred,
            (over - self._booked_over()) * weights.per_visit_over_share,
            away * weights.per_night_away,
            late / 60 * weights.per_hour_after_opening,
            (len(self.jobs) - len(placements) + absent) * weights.unplaced,
        )
        return dict(zip(PARTS, values, strict=True))

    def _booked_over(self) -> int:
        return sum(max(0, n - self.share) for n in self.load.values())

    def _driving(self, placements: Sequence[Placement]) -> tuple[float, int]:
        """Kilometres beyond the booked routes, and nights away."""
        km, away = 0.0, 0
        added: dict[tuple[str, int], list[Stop]] = defaultdict(list)
        for p in placements:
            job = self.jobs[p.job_id]
            stop = placement_stop(p, job, self.table)
            for who in people(p):
                out = nights(job, self.trainers[who], stop.position, self.table.roads, self.longest_day)
                away += out
                if stop.routed:
                    added[who, p.day.toordinal()].append(stop)
                elif stop.position is not None:
                    trip = self.table.roads.there_and_back_km(self.trainers[who].home, stop.position)
                    km += trip * round_trips(job, out)
        for (who, day), stops in added.items():
            home = self.trainers[who].home
            booked = self.routed.get((who, day), [])
            km += route_km([*booked, *stops], home, self.table.roads) - route_km(booked, home, self.table.roads)
        return km, away
