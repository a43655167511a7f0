"""An instance as the search's tables, and the search's answer as placements.

Confirmed visits that can stay are put in first, by the greedy book, and are then as fixed as what is booked. The tables are
never bolder than the rules: what they cannot say exactly (see `search.day`, `units.has_its_days`) they forbid.
"""

from collections import Counter

import numpy as np

from services.scheduler.planner.bands import Band
from services.scheduler.planner.calendars import Calendars
from services.scheduler.planner.compact_roads import Places, fixed_rows
from services.scheduler.planner.compact_tables import problem_of
from services.scheduler.planner.eligibility import certificate_refusal
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.instance import (
    Continuity,
    Instance,
    Job,
    JobKind,
    Trainer,
)
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.search.problem import Reals
from services.scheduler.planner.search.run import Found, Search
from services.scheduler.planner.search.state import DAY, LEAD, SECOND
from services.scheduler.planner.timetable import day_of, minute, minutes_of, time_of
from services.scheduler.planner.units import has_its_days, units_of
from services.scheduler.planner.valuation import nights, round_trips

_NEVER = np.float32(np.inf)


class Compact:
    """One instance as tables."""

    def __init__(self, instance: Instance, *, careful: bool = True) -> None:
        """Settle the confirmed visits, then state everything else. Not `careful`, the tables allow all that the rules do and
        more: for a bound, not for plans.
        """
        self.instance, self.careful = instance, careful
        self.book = Greedy(instance)
        self._settle_pins()
        self.bands = self.book.bands
        waiting = [j for j in instance.jobs if j.pinned is None]
        self.units = units_of(instance, self.bands, waiting)
        self.jobs = [job for unit in self.units for job in unit]
        self.number = {job.id: n for n, job in enumerate(self.jobs)}
        self.calendars = Calendars(instance, careful=careful)
        self.places = Places(
            instance, self.book.table, [self.book.table.place_of(j) for j in self.jobs], careful=careful
        )
        self.fixed = fixed_rows(self.book, self.calendars, self.places)
        self._consultancies = Counter(j.enterprise_ids[0] for j in self.jobs if j.kind is JobKind.CONSULTANCY)
        self._pairs: list[Job] = [j for j in self.jobs if j.crew > 1]
        self._suits: dict[tuple[object, ...], list[bool]] = {}
        self._in_conflict = frozenset(c for t in instance.trainers for c in t.conflicts)
        self._people = {e.id: (e.manager_languages, e.worker_languages) for e in instance.enterprises}
        self.guests = {e.id: n for n, e in enumerate(instance.enterprises)}
        self.extra = self._extra()
        self.problem = problem_of(self)

    def _settle_pins(self) -> None:
        pinned = [j for j in self.instance.jobs if j.pinned is not None]
        for job in sorted(pinned, key=lambda j: (j.pinned.day, j.pinned.start, j.id) if j.pinned else ()):
            best = min(self.book.options(job), key=lambda o: o[0], default=None)
            if best is not None:
                self.book.put(best[1])

    def least_days(self, band: Band) -> int:
        """Days from the last day of the earlier to the first of the later; carefully at least one, so hours do not matter."""
        return max(1, band.min_days) if self.careful else band.min_days

    def search(self, seed: int) -> Search:
        """A search over these tables, with nothing placed yet but what is booked or confirmed."""
        most = max((t.max_visits_per_day for t in self.instance.trainers), default=1)
        busiest = (
            int(np.bincount(self.fixed[:, 0] * 100_000 + self.fixed[:, 1]).max(initial=0)) if len(self.fixed) else 0
        )
        return Search(self.problem, slots=most + busiest + 1, enterprises=len(self.guests), seed=seed)

    def placements(self, search: Search, found: Found) -> tuple[Placement, ...]:
        """The plan that was found, confirmed visits first, without what lost something it waits for."""
        begins = search.start_times(found)
        opening = minute(self.instance.working_day.start)
        done = {p.job_id: p for p in self.book.placements}
        for n, job in enumerate(self.jobs):
            lead, second, day = (int(found.placed[n, c]) for c in (LEAD, SECOND, DAY))
            if day >= 0:
                wall = opening + int(begins[n])
                crew = tuple(self.instance.trainers[t].id for t in (lead, second) if t >= 0)
                done[job.id] = Placement(
                    job.id, crew[0], day_of(self.calendars.first + day), time_of(wall),
                    time_of(wall + minutes_of(job)), job.days, crew[1:],
                )  # fmt: skip
        ordered = self.bands.order(self.instance)
        for job_id in ordered:
            if any(i not in done for i in self.bands.waits_for(job_id)):
                done.pop(job_id, None)
        return tuple(done[j.id] for j in self.instance.jobs if j.id in done)

    def _suiting(self, job: Job, role: int) -> list[bool]:
        """Who may take a role at all, remembered by what it depends on."""
        key = (
            role, job.crew, job.module, job.needs_level, job.skills, job.forbidden_trainers,
            frozenset(self._people[e] for e in job.enterprise_ids), self._in_conflict.intersection(job.enterprise_ids),
        )  # fmt: skip
        if key not in self._suits:
            self._suits[key] = [
                self.book.eligibility.person_refusal(job, t, role) is None
                and certificate_refusal(job, t, role, ()) is None
                for t in self.instance.trainers
            ]
        return self._suits[key]

    def _extra(self) -> Reals:
        """Points beside the road by visit and trainer; for visits with days of their own, the road too."""
        table = np.full((len(self.jobs) + len(self._pairs), max(1, len(self.instance.trainers))), _NEVER, np.float32)
        for n, job in enumerate(self.jobs):
            self._fill_extra(table[n], job, 0)
        for n, job in enumerate(self._pairs):
            self._fill_extra(table[len(self.jobs) + n], job, 1)
        return table

    def _fill_extra(self, row: Reals, job: Job, role: int) -> None:
        weights, known = self.instance.weights, self._known_leads(job)
        for t, suits in enumerate(self._suiting(job, role)):
            trainer = self.instance.trainers[t]
            if not suits or (role == 0 and known and self._hard and trainer.id not in known):
                continue
            row[t] = self._away(job, trainer)
            if role == 0:
                row[t] += weights.per_not_preferred if self._is_strange(job, trainer) else 0.0
                if known and trainer.id not in known:
                    row[t] += weights.per_trainer_changed / self._consultancies[job.enterprise_ids[0]]

    @property
    def _hard(self) -> bool:
        return self.instance.continuity is Continuity.HARD

    @staticmethod
    def _is_strange(job: Job, trainer: Trainer) -> bool:
        return bool(job.prefer_trainers) and trainer.id not in job.prefer_trainers

    def _known_leads(self, job: Job) -> set[str]:
        """Leads of confirmed consultancy visits of the same enterprise."""
        if job.kind is not JobKind.CONSULTANCY:
            return set()
        same = {
            j.id
            for j in self.instance.jobs
            if j.pinned and j.kind is job.kind and j.enterprise_ids[0] == job.enterprise_ids[0]
        }
        return {p.trainer_id for p in self.book.placements if p.job_id in same} if same else set()

    def _away(self, job: Job, trainer: Trainer) -> float:
        site, table, weights = self.book.table.place_of(job), self.book.table, self.instance.weights
        if site is None:
            return 0.0
        out = nights(job, trainer, site, table.roads, self.book.valuation.longest_day)
        cost = out * weights.per_night_away
        if has_its_days(job) and (self.careful or job.days > 1):
            cost += table.roads.there_and_back_km(trainer.home, site) * round_trips(job, out) * weights.per_km
        return cost
