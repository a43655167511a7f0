"""The CP-SAT model: who does what on which day, and from which minute.

One literal per (job, role, trainer, day) that people, calendar, bookings and pins leave open; the start minute is an
integer of its own. Two visits of one trainer are ordered by literals (`routes.py`). Leaving a job out is always
possible and dear, so every instance has a solution. Days are ordinals relative to the horizon, times wall minutes.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

from ortools.sat.python import cp_model

from services.scheduler.planner.bands import Bands
from services.scheduler.planner.eligibility import Eligibility
from services.scheduler.planner.greedy import starts
from services.scheduler.planner.guests import Guests
from services.scheduler.planner.instance import (
    Continuity,
    Instance,
    Job,
    JobKind,
    Trainer,
)
from services.scheduler.planner.model_attendance import attendance
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.timetable import (
    DAY,
    Stop,
    Timetable,
    day_of,
    iso_week,
    minute,
    minutes_of,
    time_of,
)
from services.scheduler.planner.valuation import Valuation, nights, round_trips

SCALE = 6_000
"""Integer units per point: one point per hour stays whole per minute down to weights of 0.01."""

Literal = cp_model.IntVar
Key = tuple[str, int, str, int]
"""Job, role (0 leads), trainer, day ordinal."""


@dataclass(frozen=True, slots=True)
class JobVars:
    """One job in the model. All are 0 while it is not placed."""

    job: Job
    placed: Literal
    day: cp_model.IntVar
    start: cp_model.IntVar
    on_day: dict[int, Literal]
    lead: dict[str, Literal]
    at: dict[str, Literal]
    attends: dict[str, Literal]
    """for every enterprise that may stay away from a classroom, whether it is there; see `Guests`"""

    def there(self, enterprise: str | None) -> Literal:
        """Whether it takes place with this enterprise."""
        return self.placed if enterprise is None else self.attends.get(enterprise, self.placed)

    @property
    def minutes(self) -> int:
        """From the start to the end of the whole block."""
        return (self.job.days - 1) * DAY + minutes_of(self.job)


class Model:
    """Variables, rules and the objective of one instance."""

    def __init__(self, instance: Instance) -> None:
        """State everything but the routes of shared days."""
        self.instance = instance
        self.cp = cp_model.CpModel()
        self.base = instance.horizon.first.toordinal()
        self.valuation = Valuation(instance)
        self.table: Timetable = self.valuation.table
        self.trainers = {t.id: t for t in instance.trainers}
        self.bands = Bands(instance)
        self.x: dict[Key, Literal] = {}
        self.cost: list[cp_model.LinearExpr | int] = []
        self._eligibility = Eligibility.of(instance)
        self.guests = Guests(self.table, self.bands, self._eligibility, instance.weights.unplaced)
        self._windows = self.bands.reach(instance, {j.id: self._eligibility.job_days(j) for j in instance.jobs})
        self._begins: dict[str, cp_model.IntVar] = {}
        self.jobs = {j.id: self._job(j) for j in instance.jobs}
        self._order_by_bands()
        self._one_at_a_time()
        self._limits()
        self._continuity()
        self._load()

    def points(self, weight: float) -> int:
        """Points in integer units."""
        return round(weight * SCALE)

    def _job(self, job: Job) -> JobVars:
        cp, grid = self.cp, starts(self.instance, job)
        placed = cp.new_bool_var(f"placed {job.id}")
        domain = cp_model.Domain.from_values([0, *grid])
        start = cp.new_int_var_from_domain(domain, f"start {job.id}")
        at: dict[str, list[Literal]] = defaultdict(list)
        lead: dict[str, list[Literal]] = defaultdict(list)
        by_day: dict[int, list[list[Literal]]] = defaultdict(lambda: [[] for _ in range(job.crew)])
        optional = self.guests.optional(job)
        attends = {e: cp.new_bool_var(f"{e} at {job.id}") for e in optional}
        for day in self._windows[job.id] if grid else ():
            stops = [s for m in grid if self._site_is_free(s := self.table.stop(job, day.toordinal(), m, optional))]
            for role in range(job.crew):
                for trainer in self.instance.trainers:
                    literal = self._choice(job, role, trainer, stops, start) if stops else None
                    if literal is not None:
                        at[trainer.id].append(literal)
                        by_day[day.toordinal() - self.base][role].append(literal)
                        if role == 0:
                            lead[trainer.id].append(literal)
        on_day = {}
        for offset, roles in by_day.items():
            on_day[offset] = cp.new_bool_var("")
            for literals in roles:
                cp.add(sum(literals) == on_day[offset])
        cp.add(sum(on_day.values()) == placed)
        first = minute(self.instance.working_day.start)
        cp.add(start == 0).only_enforce_if(~placed)
        cp.add(start >= first).only_enforce_if(placed)
        day_var = cp.new_int_var(0, max(on_day, default=0), f"day {job.id}")
        cp.add(day_var == cp_model.LinearExpr.weighted_sum(list(on_day.values()), list(on_day)))
        self._job_cost(job, placed, start, first, on_day)
        at_vars = {t: self.any_of(literals) for t, literals in at.items()}
        attendance(self, job, placed, start, on_day, at_vars, attends)
        lead_vars = at_vars if job.crew == 1 else {t: self.any_of(literals) for t, literals in lead.items()}
        return JobVars(job, placed, day_var, start, on_day, lead_vars, at_vars, attends)

    def any_of(self, literals: list[Literal]) -> Literal:
        """A literal that is true when one of the literals is; at most one of them can be."""
        either = self.cp.new_bool_var("")
        self.cp.add(sum(literals) == either)
        return either

    def _site_is_free(self, stop: Stop) -> bool:
        return self.table.enterprise_refusal(stop) is None and self.bands.allow(stop, {})

    def _choice(
        self, job: Job, role: int, trainer: Trainer, stops: list[Stop], start: cp_model.IntVar
    ) -> Literal | None:
        """The literal for one trainer on one day, its open start minutes and its cost; None when nothing is open."""
        ordinal = stops[0].days[0]
        absent = self.guests.optional(job)
        if self._eligibility.trainer_refusal(job, trainer, role, day_of(ordinal), absent) is not None:
            return None
        free = [s.start % DAY for s in stops if self.table.trainer_refusal(s, trainer) is None]
        if not free:
            return None
        literal = self.cp.new_bool_var("")
        if len(free) < len(starts(self.instance, job)):
            domain = cp_model.Domain.from_values(free)
            self.cp.add_linear_expression_in_domain(start, domain).only_enforce_if(literal)
        self.x[job.id, role, trainer.id, ordinal] = literal
        weights, site = self.instance.weights, self.table.place_of(job)
        cost = 0.0
        if site is not None:
            out = nights(job, trainer, site, self.table.roads, self.valuation.longest_day)
            km = self.table.roads.there_and_back_km(trainer.home, site) * round_trips(job, out)
            cost = km * weights.per_km + out * weights.per_night_away
        if role == 0 and job.prefer_trainers and trainer.id not in job.prefer_trainers:
            cost += weights.per_not_preferred
        if cost:
            self.cost.append(literal * self.points(cost))
        return literal

    def _job_cost(
        self, job: Job, placed: Literal, start: cp_model.IntVar, first: int, on_day: dict[int, Literal]
    ) -> None:
        weights = self.instance.weights
        self.cost.append((1 - placed) * self.points(weights.unplaced))
        per_minute = self.points(weights.per_hour_after_opening / 60)
        self.cost.append(start * per_minute - placed * (first * per_minute))
        if job.target is not None:
            target = job.target.toordinal() - self.base
            for offset, literal in on_day.items():
                self.cost.append(literal * self.points(abs(offset - target) * weights.per_day_off_target))

    def _order_by_bands(self) -> None:
        """Later visits keep their bands, and are not placed without the earlier ones. Cycles cannot be placed."""
        for band in self.bands.all:
            if band.earlier in self.bands.fixed or band.later in self.bands.fixed:
                continue
            early, late = self.jobs[band.earlier], self.jobs[band.later]
            holds = late.there(band.guest)
            self.cp.add_implication(holds, early.placed)
            for enterprise in sorted(band.shared & early.attends.keys()):
                self.cp.add_implication(late.there(enterprise), early.attends[enterprise])
            days = late.day - early.day - (early.job.days - 1)
            self.cp.add(days >= band.min_days).only_enforce_if(holds)
            if band.max_days is not None:
                self.cp.add(days <= band.max_days).only_enforce_if(holds)
            if band.min_days < 1:
                self.cp.add(self.begin(late) >= self.begin(early) + early.minutes).only_enforce_if(holds)

    def begin(self, job: JobVars) -> cp_model.IntVar:
        """Absolute minutes from the first day of the horizon; made when first asked for, since few visits need it."""
        known = self._begins.get(job.job.id)
        if known is None:
            known = self.cp.new_int_var(0, (max(job.on_day, default=0) + 1) * DAY, "")
            self.cp.add(known == job.day * DAY + job.start)
            self._begins[job.job.id] = known
        return known

    def _one_at_a_time(self) -> None:
        """No enterprise is in two jobs at once; where bands already put days between them there is nothing to say."""
        least = self.bands.least_days(self.bands.order(self.instance))
        by_enterprise: dict[str, list[JobVars]] = defaultdict(list)
        for job in self.jobs.values():
            for enterprise in job.job.enterprise_ids:
                by_enterprise[enterprise].append(job)
        for enterprise, jobs in by_enterprise.items():
            pairs = combinations((j.job.id for j in jobs), 2)
            if all(max(least.get((a, b), 0), least.get((b, a), 0)) > 0 for a, b in pairs):
                continue
            self.cp.add_no_overlap(
                self.cp.new_optional_fixed_size_interval_var(self.begin(j), j.minutes, j.there(enterprise), "")
                for j in jobs
            )

    def _limits(self) -> None:
        """Visits per trainer, per day and per ISO week, booked ones included."""
        by_day: dict[tuple[str, int], list[Literal]] = defaultdict(list)
        by_week: dict[tuple[str, int], list[Literal]] = defaultdict(list)
        for (job_id, _, trainer, first), literal in self.x.items():
            for day in range(first, first + self.jobs[job_id].job.days):
                by_day[trainer, day].append(literal)
                by_week[trainer, iso_week(day)].append(literal)
        for (trainer, day), literals in by_day.items():
            room = self.trainers[trainer].max_visits_per_day - self.table.visits_on(trainer, day)
            self.cp.add(sum(literals) <= room)
        for (trainer, week), literals in by_week.items():
            room = self.trainers[trainer].max_visits_per_week - self.table.visits_in_week(trainer, week)
            self.cp.add(sum(literals) <= room)

    def _continuity(self) -> None:
        """Trainers beyond the first in the consultancy visits of one enterprise cost, or are ruled out."""
        by_enterprise: dict[str, list[JobVars]] = defaultdict(list)
        for job in self.jobs.values():
            if job.job.kind is JobKind.CONSULTANCY:
                by_enterprise[job.job.enterprise_ids[0]].append(job)
        for jobs in by_enterprise.values():
            used = {t: self.cp.new_bool_var("") for t in sorted({t for j in jobs for t in j.lead})}
            for job in jobs:
                for trainer, literal in job.lead.items():
                    self.cp.add_implication(literal, used[trainer])
            if self.instance.continuity is Continuity.HARD:
                self.cp.add_at_most_one(used.values())
            elif len(used) > 1:
                changes = self.cp.new_int_var(0, len(used), "")
                self.cp.add(changes >= sum(used.values()) - 1)
                self.cost.append(changes * self.points(self.instance.weights.per_trainer_changed))

    def _load(self) -> None:
        """Visits above the fair share, beyond what the bookings exceed it by already."""
        for trainer in self.trainers:
            literals = [j.at[trainer] for j in self.jobs.values() if trainer in j.at]
            booked, share = self.valuation.load[trainer], self.valuation.share
            if literals and booked + len(literals) > share:
                over = self.cp.new_int_var(0, len(literals), "")
                self.cp.add(over >= sum(literals) - max(0, share - booked))
                self.cost.append(over * self.points(self.instance.weights.per_visit_over_share))

    def read(self, value: cp_model.CpSolver) -> tuple[Placement, ...]:
        """The placements of the solver's best solution, in the order of the jobs."""
        chosen: dict[str, dict[int, tuple[str, int]]] = defaultdict(dict)
        for (job_id, role, trainer, day), literal in self.x.items():
            if value.boolean_value(literal):
                chosen[job_id][role] = (trainer, day)
        placements = []
        for job in self.jobs.values():
            roles = chosen.get(job.job.id)
            if roles:
                wall = value.value(job.start)
                end = time_of(wall + minutes_of(job.job))
                seconds = (roles[1][0],) if 1 in roles else ()
                lead, day = roles[0]
                absent = tuple(e for e, here in job.attends.items() if not value.boolean_value(here))
                placements.append(
                    Placement(job.job.id, lead, day_of(day), time_of(wall), end, job.job.days, seconds, absent)
                )
        return tuple(placements)
