"""A plan as a book that is kept: any visit can be taken out, tried elsewhere and priced, without counting all again.

Rules and sums are those of `Eligibility`, `Timetable`, `Bands` and `Valuation`; a test holds the prices against the
difference of two whole valuations. With 10,000 visits booked, a price takes some microseconds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from services.scheduler.planner.bands import Band, Bands
from services.scheduler.planner.eligibility import Eligibility, most_absent
from services.scheduler.planner.guests import Guests
from services.scheduler.planner.instance import Continuity, Instance, Job, JobKind, Trainer
from services.scheduler.planner.pause import no_collecting
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.timetable import Stop, Timetable, minute, minutes_of, time_of
from services.scheduler.planner.valuation import (
    PARTS,
    Valuation,
    nights,
    people,
    placement_stop,
    round_trips,
    route_km,
)


class Ledger:
    """What is placed, by whom and when."""

    def __init__(self, instance: Instance, placements: Iterable[Placement] = ()) -> None:
        """Begin with what is booked and with these placements, which are taken as they are."""
        with no_collecting():
            self._index(instance)
            for placement in placements:
                self.put(placement)

    def _index(self, instance: Instance) -> None:
        self.instance = instance
        self.jobs = {j.id: j for j in instance.jobs}
        self.trainers = {t.id: t for t in instance.trainers}
        self.table = Timetable(instance)
        self.bands = Bands(instance)
        self.eligibility = Eligibility.of(instance)
        self.valuation = Valuation(instance, self.table)
        self.guests = Guests(self.table, self.bands, self.eligibility, instance.weights.unplaced)
        self.placements: dict[str, Placement] = {}
        self.stops: dict[str, Stop] = {}
        self.load: Counter[str] = Counter(self.valuation.load)
        self.leads: dict[str, Counter[str]] = defaultdict(Counter)

    def put(self, placement: Placement) -> None:
        """Take a placement into the book. Rules are not looked at: `refusals` is for that."""
        job = self.jobs[placement.job_id]
        stop = placement_stop(placement, job, self.table)
        who = people(placement)
        self.table.add(stop, who)
        self.stops[job.id] = stop
        self.placements[job.id] = placement
        self.load.update(who)
        if job.kind is JobKind.CONSULTANCY:
            self.leads[job.enterprise_ids[0]][placement.trainer_id] += 1

    def take(self, job_id: str) -> Placement:
        """Out of the book; what it was is given back."""
        job, placement = self.jobs[job_id], self.placements.pop(job_id)
        who = people(placement)
        self.table.remove(self.stops.pop(job_id), who)
        self.load.subtract(who)
        if job.kind is JobKind.CONSULTANCY:
            leads = self.leads[job.enterprise_ids[0]]
            leads[placement.trainer_id] -= 1
            if not leads[placement.trainer_id]:
                del leads[placement.trainer_id]
        return placement

    def stop_of(self, placement: Placement) -> Stop:
        """The time and place that a placement takes."""
        return placement_stop(placement, self.jobs[placement.job_id], self.table)

    def placement(self, job: Job, crew: tuple[str, ...], day: date, wall: int) -> Placement:
        """A placement from the wall minute at which it begins, with everybody who takes part."""
        end = time_of(wall + minutes_of(job))
        return Placement(job.id, crew[0], day, time_of(wall), end, job.days, crew[1:])

    def held(self, job: Job, crew: tuple[str, ...], day: date, wall: int) -> Placement | None:
        """The same without those who cannot come to a classroom then; None when too few can."""
        people = [self.trainers[who] for who in crew]
        absent = self.guests.away(job, day, wall, self.stops, people)
        if absent is None:
            return None
        placement = replace(self.placement(job, crew, day, wall), absent=absent)
        return None if absent and self.broken_bands(self.stop_of(placement)) else placement

    def waits(self, job_id: str, absent: Collection[str] | None = None) -> list[str]:
        """Earlier visits that are not placed, without which this one may not be; None: whoever may stay away from it."""
        return [i for i in self.bands.needs(job_id, absent) if i not in self.stops]

    def broken_bands(self, stop: Stop) -> list[Band]:
        """Gap bands to everything placed or booked that a stop would break."""
        return self.bands.broken(stop, self.stops)

    def lead_refusal(self, job: Job, trainer: Trainer) -> str | None:
        """Code why another lead may not come to this enterprise, where continuity is a rule."""
        if job.kind is not JobKind.CONSULTANCY or self.instance.continuity is not Continuity.HARD:
            return None
        leads = self.leads[job.enterprise_ids[0]]
        return "continuity" if leads and trainer.id not in leads else None

    def refusals(self, placement: Placement, job: Job | None = None) -> list[str]:
        """Codes of every kind of rule that a placement, which is not in the book, breaks; empty when it may be put in.

        `job`: looked at instead of the one in the instance, such as one without its pin.
        """
        job = job or self.jobs[placement.job_id]
        stop = self.stop_of(placement)
        found: list[str | None] = []
        if placement.day not in self.eligibility.window_days(job):
            found.append("pinned_elsewhere" if job.pinned else "window_outside_horizon")
        if job.pinned is not None and minute(placement.start) != minute(job.pinned.start):
            found.append("pinned_elsewhere")
        hours = self.instance.working_day
        if not (minute(hours.start) <= minute(placement.start) and minute(placement.end) <= minute(hours.end)):
            found.append("visit_longer_than_day")
        found.append(self.eligibility.day_refusal(job, placement.day, placement.absent))
        found.append(self.table.enterprise_refusal(stop))
        if self.broken_bands(stop):
            found.append("gap_band")
        if self.waits(job.id, placement.absent):
            found.append("waits_for_earlier")
        if len(placement.absent) > (most_absent(job) if self.guests.optional(job) else len(placement.absent)):
            found.append("below_quorum")
        for role, who in enumerate((placement.trainer_id, *placement.co_trainers)):
            trainer = self.trainers.get(who)
            if trainer is None:
                found.append("left")
                continue
            found.append(self.eligibility.trainer_refusal(job, trainer, role, placement.day, placement.absent))
            found.append(self.lead_refusal(job, trainer) if role == 0 else None)
            found.append(self.table.trainer_refusal(stop, trainer))
        return list(dict.fromkeys(code for code in found if code))

    def price(self, placement: Placement) -> dict[str, float]:
        """Points by part that a placement, which is not in the book, would add. Being placed at all is not counted, who is
        absent is.
        """
        job, weights = self.jobs[placement.job_id], self.instance.weights
        stop = self.stop_of(placement)
        roads, km, away, over = self.table.roads, 0.0, 0, 0
        for who in people(placement):
            trainer = self.trainers[who]
            out = nights(job, trainer, stop.position, roads, self.valuation.longest_day)
            away += out
            over += self.load[who] >= self.valuation.share
            if stop.routed:
                there = [s for s in self.table.stops_on(who, stop.days[0]) if s.routed]
                km += route_km([*there, stop], trainer.home, roads) - route_km(there, trainer.home, roads)
            elif stop.position is not None:
                km += roads.there_and_back_km(trainer.home, stop.position) * round_trips(job, out)
        leads = self.leads[job.enterprise_ids[0]] if job.kind is JobKind.CONSULTANCY else None
        late = minute(placement.start) - minute(self.instance.working_day.start)
        values = (
            km * weights.per_km,
            (abs((placement.day - job.target).days) if job.target else 0) * weights.per_day_off_target,
            bool(leads and placement.trainer_id not in leads) * weights.per_trainer_changed,
            bool(job.prefer_trainers and placement.trainer_id not in job.prefer_trainers) * weights.per_not_preferred,
            over * weights.per_visit_over_share,
            away * weights.per_night_away,
            late / 60 * weights.per_hour_after_opening,
            self.guests.points(job, placement.absent),
        )
        return dict(zip(PARTS, values, strict=True))
