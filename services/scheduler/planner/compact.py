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
from services.scheduler.planner.eligibility import certificate_refusal, most_absent, person_refusal
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.instance import (
    Continuity,
    Instance,
    Job,
    JobKind,
    Trainer,
)
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.search.choose import FEW
from services.scheduler.planner.search.nearness import by_nearness
from services.scheduler.planner.search.problem import MOST_GUESTS, Bools, Reals, Sums
from services.scheduler.planner.search.run import Found, Search
from services.scheduler.planner.search.state import AWAY, DAY, LEAD, SECOND
from services.scheduler.planner.timetable import day_of, minute, minutes_of, time_of
from services.scheduler.planner.travel import Position
from services.scheduler.planner.units import has_its_days, units_of

_NEVER = np.float32(np.inf)


def settled(instance: Instance) -> Greedy:
    """A book of the confirmed visits that can stay."""
    book = Greedy(instance)
    pinned = [j for j in instance.jobs if j.pinned is not None]
    for job in sorted(pinned, key=lambda j: (j.pinned.day, j.pinned.start, j.id) if j.pinned else ()):
        best = min(book.options(job), key=lambda o: o[0], default=None)
        if best is not None:
            book.put(best[1])
    return book


class Compact:
    """One instance as tables."""

    def __init__(self, instance: Instance, *, careful: bool = True) -> None:
        """Settle the confirmed visits, then state everything else. Not `careful`, the tables allow all that the rules do and
        more: for a bound, not for plans.
        """
        self.instance, self.careful = instance, careful
        self.book = settled(instance)
        self.bands = self.book.bands
        waiting = [j for j in instance.jobs if j.pinned is None]
        self.units = self._by_nearness(units_of(instance, self.bands, waiting))
        self.jobs = [job for unit in self.units for job in unit]
        self.number = {job.id: n for n, job in enumerate(self.jobs)}
        self.calendars = Calendars(instance, careful=careful)
        self.places = Places(
            instance, self.book.table, [self.book.table.place_of(j) for j in self.jobs], careful=careful
        )
        self.fixed = fixed_rows(self.book, self.calendars, self.places)
        self._consultancies = Counter(j.enterprise_ids[0] for j in self.jobs if j.kind is JobKind.CONSULTANCY)
        self._pairs: list[Job] = [j for j in self.jobs if j.crew > 1]
        self._suits: dict[tuple[object, ...], Bools] = {}
        self._aways: dict[tuple[object, ...], Reals] = {}
        self._in_conflict = frozenset(c for t in instance.trainers for c in t.conflicts)
        self._people = {e.id: (e.manager_languages, e.worker_languages) for e in instance.enterprises}
        self.guests = {e.id: n for n, e in enumerate(instance.enterprises)}
        self._optional = {j.id: self._may_stay_away(j) for j in self.jobs}
        self.extra = self._extra()
        self.problem = problem_of(self)

    def _by_nearness(self, units: list[list[Job]]) -> list[list[Job]]:
        """The units of a country by where they are; the few of anything smaller in the order of their bands."""
        if len(units) <= FEW:
            return units
        sites = [self.book.table.place_of(unit[0]) for unit in units]
        return [units[n] for n in by_nearness(np.array([(p.lat, p.lon) if p else (0.0, 0.0) for p in sites]))]

    def optional(self, job: Job) -> tuple[str, ...]:
        """Enterprises that the tables let stay away from a classroom."""
        return self._optional[job.id]

    def _may_stay_away(self, job: Job) -> tuple[str, ...]:
        """None of them, carefully, where another visit of several is for a part of the same group, or where they are too many."""
        optional = self.book.guests.optional(job)
        if self.careful and len(job.enterprise_ids) > MOST_GUESTS:
            return ()
        if optional and self.careful:
            for band in (*self.bands.before[job.id], *self.bands.after[job.id]):
                other = self.book.jobs.get(band.earlier if band.later == job.id else band.later)
                several = other is not None and len(set(other.enterprise_ids)) > 1
                if several and other is not None and other.enterprise_ids != job.enterprise_ids:
                    return ()
        return optional

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
                away = int(found.placed[n, AWAY])
                done[job.id] = Placement(
                    job.id, crew[0], day_of(self.calendars.first + day), time_of(wall),
                    time_of(wall + minutes_of(job)), job.days, crew[1:],
                    tuple(e for i, e in enumerate(job.enterprise_ids) if away >> i & 1),
                )  # fmt: skip
        ordered = self.bands.order(self.instance)
        for job_id in ordered:
            if job_id in done and self._lacks_something(done, job_id):
                done.pop(job_id)
        self._invite(done)
        return tuple(done[j.id] for j in self.instance.jobs if j.id in done)

    def _lacks_something(self, done: dict[str, Placement], job_id: str) -> bool:
        """Whether something that has to come before it, for somebody who takes part, is not in the plan."""
        absent = done[job_id].absent
        if any(i not in done for i in self.bands.needs(job_id, absent)):
            return True
        before = ((b, done[b.earlier]) for b in self.bands.before[job_id] if b.earlier in done)
        return any(band.shared.difference(absent).intersection(one.absent) for band, one in before)

    def _invite(self, done: dict[str, Placement]) -> None:
        """Who stays away because the tables are careful, though no rule keeps them, comes after all."""
        if any(p.absent for p in done.values()):
            book = Ledger(self.instance, done.values())
            for job_id in [p.job_id for p in done.values() if p.absent]:
                was = book.take(job_id)
                crew = (was.trainer_id, *was.co_trainers)
                held = book.held(book.jobs[job_id], crew, was.day, minute(was.start))
                done[job_id] = held if held is not None and len(held.absent) <= len(was.absent) else was
                book.put(done[job_id])

    def _suiting(self, job: Job, role: int) -> Bools:
        """Who may take a role at all, remembered by what it depends on."""
        optional = self._optional[job.id]
        key = (
            role, optional, job.quorum if optional else 0, job.crew, job.module, job.needs_level, job.skills, job.forbidden_trainers,
            frozenset(self._people[e] for e in job.enterprise_ids), self._in_conflict.intersection(job.enterprise_ids),
        )  # fmt: skip
        if key not in self._suits:
            self._suits[key] = np.array([
                self.book.eligibility.person_refusal(job, t, role, optional) is None
                and certificate_refusal(job, t, role, ()) is None
                and (not optional or len(self.strangers_to(job, t)) <= most_absent(job))
                for t in self.instance.trainers
            ], np.bool_)  # fmt: skip
        return self._suits[key]

    def strangers_to(self, job: Job, trainer: Trainer) -> list[str]:
        """Those who may stay away from a classroom and would have to if this trainer went: a language, a conflict."""
        sites = self.book.eligibility.enterprises
        return [e for e in self._optional[job.id] if person_refusal(job, trainer, (sites[e],)) is not None]

    def _extra(self) -> Reals:
        """Points beside the road by visit and trainer; for visits with days of their own, the road too."""
        table = np.full((len(self.jobs) + len(self._pairs), max(1, len(self.instance.trainers))), _NEVER, np.float32)
        for n, job in enumerate(self.jobs):
            self._fill_extra(table[n], job, 0)
        for n, job in enumerate(self._pairs):
            self._fill_extra(table[len(self.jobs) + n], job, 1)
        return table

    def _fill_extra(self, row: Reals, job: Job, role: int) -> None:
        weights, known = self.instance.weights, self._known_leads(job) if role == 0 else set()
        suits, away = self._suiting(job, role), self._away(job)
        row[suits] = away[suits]
        if role == 0 and job.prefer_trainers:
            row += [0.0 if t.id in job.prefer_trainers else weights.per_not_preferred for t in self.instance.trainers]
        if known:
            change = weights.per_trainer_changed / self._consultancies[job.enterprise_ids[0]]
            dearer = float("inf") if self.instance.continuity is Continuity.HARD else change
            row += [0.0 if t.id in known else dearer for t in self.instance.trainers]

    def _known_leads(self, job: Job) -> set[str]:
        """Leads of confirmed consultancy visits of the same enterprise."""
        if job.kind is not JobKind.CONSULTANCY:
            return set()
        return self.book.leads[job.enterprise_ids[0]]

    def _away(self, job: Job) -> Reals:
        """Points of nights by trainer; for visits with days of their own, of the road too. Remembered by what they depend on."""
        site, alone = self.book.table.place_of(job), has_its_days(job) and (self.careful or job.days > 1)
        key = (site, minutes_of(job), job.days, alone)
        known = self._aways.get(key)
        if known is None:
            weights, km, minutes = self.instance.weights, *self._round_trips(site)
            out = np.where(minutes + minutes_of(job) > self.book.valuation.longest_day, job.days, 0)
            drives = np.where(out > 0, 1, job.days) * km * weights.per_km if alone else np.zeros_like(km)
            known = self._aways[key] = (out * weights.per_night_away + drives).astype(np.float32)
        return known if site is not None else np.zeros_like(known)

    def _round_trips(self, site: Position | None) -> tuple[Sums, Sums]:
        """Kilometres there and back and minutes, each way rounded up, from every trainer's home."""
        roads, homes = self.book.table.roads, [t.home for t in self.instance.trainers]
        if site is None:
            return np.zeros(len(homes)), np.zeros(len(homes))
        if roads.symmetric:
            km = roads.estimated_km(homes, [site])[:, 0]
            return 2 * km, 2 * np.ceil(km / self.instance.travel.speed_kmh * 60)
        return (
            np.array([roads.there_and_back_km(home, site) for home in homes]),
            np.array([roads.there_and_back_minutes(home, site) for home in homes], float),
        )
