"""A quick first plan: job by job in the order of their bands, each in its cheapest free place. It is the model's hint,
and the plan when the budget runs out before the model has one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

from services.scheduler.planner.bands import Bands
from services.scheduler.planner.eligibility import Eligibility
from services.scheduler.planner.guests import Guests
from services.scheduler.planner.instance import (
    Continuity,
    Instance,
    Job,
    JobKind,
    Trainer,
)
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.timetable import (
    Stop,
    Timetable,
    minute,
    minutes_of,
    time_of,
)
from services.scheduler.planner.valuation import (
    Valuation,
    nights,
    people,
    placement_stop,
    round_trips,
)


def starts(instance: Instance, job: Job) -> range | tuple[int, ...]:
    """Wall minutes at which a job may begin: the grid of the working day, or its pin."""
    first, last = minute(instance.working_day.start), minute(instance.working_day.end) - minutes_of(job)
    if job.pinned is not None:
        pinned = minute(job.pinned.start)
        return (pinned,) if first <= pinned <= last else ()
    return range(first, last + 1, int(instance.grid.total_seconds() // 60))


class Greedy:
    """A plan under construction; also the tester of single placements for replacements and explanations."""

    def __init__(self, instance: Instance) -> None:
        """Start from what is booked."""
        self.instance = instance
        self.jobs = {j.id: j for j in instance.jobs}
        self.table = Timetable(instance)
        self.bands = Bands(instance)
        self.eligibility = Eligibility.of(instance)
        self.valuation = Valuation(instance)
        self.placed: dict[str, Stop] = {}
        self.placements: list[Placement] = []
        self.guests = Guests(self.table, self.bands, self.eligibility, instance.weights.unplaced)
        self._load: Counter[str] = Counter(self.valuation.load)
        self.leads: dict[str, set[str]] = defaultdict(set)

    def run(self) -> tuple[Placement, ...]:
        """Place what can be placed, confirmed visits first."""
        for job_id in self.bands.order(self.instance):
            if all(i in self.placed for i in self.bands.needs(job_id)):
                best = min(self.options(self.jobs[job_id]), key=lambda o: o[0], default=None)
                if best is not None:
                    self.put(best[1])
        return tuple(self.placements)

    def put(self, placement: Placement) -> None:
        """Take a placement into the plan."""
        job = self.jobs[placement.job_id]
        stop = placement_stop(placement, job, self.table)
        self.table.add(stop, people(placement))
        self.placed[job.id] = stop
        self.placements.append(placement)
        self._load.update(people(placement))
        if job.kind is JobKind.CONSULTANCY:
            self.leads[job.enterprise_ids[0]].add(placement.trainer_id)

    def options(self, job: Job, days: list[date] | None = None) -> Iterator[tuple[float, Placement]]:
        """Every trainer and day that would do, each at its earliest start, with a marginal cost in points.

        The cost leaves out savings on shared days that are not next to each other: it ranks, it does not settle.
        """
        optional = self.guests.optional(job)
        for day in self.eligibility.job_days(job) if days is None else days:
            for wall in starts(self.instance, job):
                stop = self.table.stop(job, day.toordinal(), wall, optional)
                if self.table.enterprise_refusal(stop) is not None or not self.bands.allow(stop, self.placed):
                    continue
                leads = [t for t in self.instance.trainers if self.refusal(job, t, 0, day, stop) is None]
                seconds = self._seconds(job, day, stop)
                found = False
                for lead in leads:
                    for crew in self._crews(job, lead, seconds):
                        option = self._priced(job, crew, day, wall, stop)
                        if option is not None:
                            found = found or not option[1].absent
                            yield option
                if found:
                    break

    def refusal(self, job: Job, trainer: Trainer, role: int, day: date, stop: Stop) -> str | None:
        """Code why a trainer cannot take a role in a job at a stop, next to everything placed so far."""
        absent = [e for e in self.guests.optional(job) if e not in stop.enterprises]
        code = self.eligibility.trainer_refusal(job, trainer, role, day, absent)
        if code is not None:
            return code
        if role == 0 and job.kind is JobKind.CONSULTANCY and self.instance.continuity is Continuity.HARD:
            others = self.leads[job.enterprise_ids[0]]
            if others and trainer.id not in others:
                return "continuity"
        return self.table.trainer_refusal(stop, trainer)

    def _seconds(self, job: Job, day: date, stop: Stop) -> list[Trainer]:
        if job.crew == 1:
            return []
        return [t for t in self.instance.trainers if self.refusal(job, t, 1, day, stop) is None]

    @staticmethod
    def _crews(job: Job, lead: Trainer, seconds: list[Trainer]) -> Iterator[tuple[Trainer, ...]]:
        if job.crew == 1:
            yield (lead,)
        for second in seconds:
            if second.id != lead.id:
                yield lead, second

    def _priced(
        self, job: Job, crew: tuple[Trainer, ...], day: date, wall: int, stop: Stop
    ) -> tuple[float, Placement] | None:
        """None when too few of its enterprises can come then to a classroom with this crew."""
        absent = self.guests.away(job, day, wall, self.placed, crew)
        if absent is None or not self._lets_go(job, day, wall, absent):
            return None
        weights = self.instance.weights
        cost = self.guests.points_and_lost(job, absent)
        cost += abs((day - job.target).days) * weights.per_day_off_target if job.target else 0.0
        cost += (wall - minute(self.instance.working_day.start)) / 60 * weights.per_hour_after_opening
        if job.prefer_trainers and crew[0].id not in job.prefer_trainers:
            cost += weights.per_not_preferred
        others = self.leads[job.enterprise_ids[0]] if job.kind is JobKind.CONSULTANCY else set()
        if others and crew[0].id not in others:
            cost += weights.per_trainer_changed
        for trainer in crew:
            cost += self._driving(job, trainer, stop)
            if self._load[trainer.id] >= self.valuation.share:
                cost += weights.per_visit_over_share
        end = time_of(wall + minutes_of(job))
        seconds = tuple(t.id for t in crew[1:])
        return cost, Placement(job.id, crew[0].id, day, time_of(wall), end, job.days, seconds, absent)

    def _lets_go(self, job: Job, day: date, wall: int, absent: tuple[str, ...]) -> bool:
        """Whether nothing that comes after it is placed already for those who would stay away."""
        if not absent:
            return True
        return self.bands.allow(self.table.stop(job, day.toordinal(), wall, absent), self.placed)

    def _driving(self, job: Job, trainer: Trainer, stop: Stop) -> float:
        if stop.position is None:
            return 0.0
        weights, roads = self.instance.weights, self.table.roads
        away = nights(job, trainer, stop.position, roads, self.valuation.longest_day)
        out, back = roads.km(trainer.home, stop.position), roads.km(stop.position, trainer.home)
        km = (out + back) * round_trips(job, away)
        near = [s.position for s in self.table.stops_on(trainer.id, stop.days[0]) if s.routed and s.position]
        if near and stop.routed:
            before = max(back + roads.km(trainer.home, p) - roads.km(stop.position, p) for p in near)
            after = max(roads.km(p, trainer.home) + out - roads.km(p, stop.position) for p in near)
            km -= max(before, after)
        return km * weights.per_km + away * weights.per_night_away
