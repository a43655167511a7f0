"""What would have to give way for a visit to have a place: for every trainer and day near its window all rules that
stand against it, and of those the fewest, then the smallest.

Exact while the other visits stay where they are: every day, trainer and hour is looked at. What can never give way
(a conflict of interest, the finder of a case, a missing skill, an order of stages) is not offered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.scheduler.planner.eligibility import block, certificate_refusal, inside, lacking, person_refusal
from services.scheduler.planner.instance import Enterprise, Job, Level, Trainer
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement, Step
from services.scheduler.planner.seats import walls
from services.scheduler.planner.timetable import DAY, Stop

WIDEST = 28
"""Calendar days by which a window or a gap is widened at most."""

_Kind = frozenset[tuple[str, str | None]]
"""What has to give way, at which enterprise; which trainer it is does not make another kind of way."""


@dataclass(frozen=True, slots=True)
class Way:
    """A place for the visit, with the steps that would open it."""

    steps: tuple[Step, ...]
    placement: Placement
    price: float

    @property
    def amount(self) -> int:
        """Days, visits or certificates given way on, together."""
        return sum(step.amount for step in self.steps)


class Obstacles:
    """The search for the smallest ways to place one job that is not in the book."""

    def __init__(self, ledger: Ledger, job: Job, *, most: int = 2) -> None:
        """`most`: steps that may be combined."""
        self._ledger = ledger
        self._pin = job.pinned
        self._job = replace(job, pinned=None)
        self._most = most
        self._ways: dict[_Kind, Way] = {}

    def smallest(self) -> list[Way]:
        """The best way of each kind with the fewest steps there are, the smallest first; empty when none was found."""
        leads = [(t, self._of_person(t)) for t in self._ledger.instance.trainers]
        able = [(t, steps) for t, steps in leads if steps is not None and len(steps) <= self._most]
        base = (Step("pin_released", 1, "the confirmed appointment given up"),) if self._pin else ()
        fewer = lacking(self._job)
        if fewer:
            text = f"a classroom held although {_enterprises(fewer)} too few take part"
            base = (*base, Step("quorum_lowered", fewer, text))
        for day, at_site in self._days():
            steps = (*base, *at_site)
            if len(steps) > self._most:
                continue
            stops = self._stops(day)
            for trainer, own in able:
                self._try(trainer, day, stops, (*steps, *own))
        fewest = min(map(len, self._ways), default=0)
        best = [way for codes, way in self._ways.items() if len(codes) == fewest]
        return sorted(best, key=lambda w: (w.amount, w.price, [s.code for s in w.steps]))

    def _days(self) -> Iterator[tuple[date, tuple[Step, ...]]]:
        job, horizon = self._job, self._ledger.instance.horizon
        day = max(horizon.first, job.window.first - timedelta(days=WIDEST))
        end = job.window.last + timedelta(days=WIDEST - job.days + 1)
        while day <= end:
            steps = [*self._of_window(day), *self._of_gaps(day)]
            for site in self._ledger.eligibility.sites(job):
                steps += self._of_site(site, day)
            if None not in steps:
                yield day, tuple(s for s in steps if s is not None)
            day += timedelta(days=1)

    def _of_window(self, day: date) -> Iterator[Step]:
        job, horizon = self._job, self._ledger.instance.horizon
        early = (max(job.window.first, horizon.first) - day).days
        late = (day + timedelta(days=job.days - 1) - min(job.window.last, horizon.last)).days
        if early > 0:
            yield Step("window_widened", early, f"the first day {_days(early)} earlier")
        if late > 0:
            yield Step("window_widened", late, f"the last day {_days(late)} later")

    def _of_gaps(self, day: date) -> Iterator[Step | None]:
        """One step for all gaps that would have to be wider; None where an order of stages stands against the day."""
        bands, job = self._ledger.bands, self._job
        first, last = day.toordinal(), day.toordinal() + job.days - 1
        most = 0
        for band in (*bands.before[job.id], *bands.after[job.id]):
            comes_after = band.later == job.id
            other_id = band.earlier if comes_after else band.later
            other = bands.fixed.get(other_id) or self._ledger.stops.get(other_id)
            if other is None:
                continue
            days = first - (other.end - 1) // DAY if comes_after else other.start // DAY - last
            if days < 0:
                yield None
            most = max(most, band.min_days - days, 0 if band.max_days is None else days - band.max_days)
        if most > WIDEST:
            yield None
        elif most:
            yield Step("gap_widened", most, f"{_days(most)} more or less between it and the visits around it")

    def _of_site(self, site: Enterprise, day: date) -> Iterator[Step]:
        days = block(self._job, day)
        holidays = self._ledger.instance.holidays.get(site.region, frozenset())
        shut = [d for d in days if inside(d, site.closed)]
        off = [d for d in days if d.isoweekday() not in site.working_weekdays]
        free = [d for d in days if d in holidays]
        if shut:
            text = f"a visit although the enterprise is closed ({_dates(shut)})"
            yield Step("closed_ignored", len(shut), text, enterprise_id=site.id, first=shut[0], last=shut[-1])
        if off:
            text = f"a visit on a day on which the enterprise does not work ({_dates(off)})"
            yield Step("site_day_off", len(off), text, enterprise_id=site.id, first=off[0], last=off[-1])
        if free:
            text = f"a visit on a public holiday ({_dates(free)})"
            yield Step("site_holiday", len(free), text, enterprise_id=site.id, first=free[0], last=free[-1])

    def _of_person(self, trainer: Trainer) -> tuple[Step, ...] | None:
        """What stands against the person whatever the day; None when that can never give way."""
        job, sites = self._job, self._ledger.eligibility.sites(self._job)
        quiet = tuple(replace(s, manager_languages=frozenset[str](), worker_languages=frozenset[str]()) for s in sites)
        if person_refusal(job, trainer, quiet) is not None:
            return None
        steps = []
        if person_refusal(job, trainer, sites) is not None:
            steps.append(Step("any_language", 1, "an interpreter", trainer_id=trainer.id))
        if certificate_refusal(job, trainer, 0, ()) is not None:
            steps.append(_certificate(job, trainer))
        if self._ledger.lead_refusal(job, trainer) is not None:
            steps.append(Step("another_trainer", 1, "a second trainer for this enterprise", trainer_id=trainer.id))
        return tuple(steps)

    def _of_person_on(self, trainer: Trainer, day: date, own: tuple[Step, ...]) -> Iterator[Step]:
        days = block(self._job, day)
        holidays = self._ledger.instance.holidays.get(trainer.region, frozenset())
        away = [d for d in days if inside(d, trainer.leave)]
        off = [d for d in days if d.isoweekday() not in trainer.working_weekdays]
        free = [d for d in days if d in holidays]
        who = trainer.id
        if away:
            text = f"{_days(len(away))} of leave moved ({_dates(away)})"
            yield Step("leave_ignored", len(away), text, who, None, away[0], away[-1])
        if off:
            yield Step("works_day_off", len(off), f"working on a day off ({_dates(off)})", who, None, off[0], off[-1])
        if free:
            text = f"working on a public holiday ({_dates(free)})"
            yield Step("works_holiday", len(free), text, who, None, free[0], free[-1])
        certified = any(step.code == "any_trainer_certified" for step in own)
        if not certified and certificate_refusal(self._job, trainer, 0, days) is not None:
            yield _certificate(self._job, trainer)

    def _stops(self, day: date) -> list[Stop]:
        table, job = self._ledger.table, self._job
        stops = [table.stop(job, day.toordinal(), wall) for wall in walls(self._ledger.instance, job)]
        return [s for s in stops if table.enterprise_refusal(s) is None and self._in_order(s)]

    def _in_order(self, stop: Stop) -> bool:
        """On the day of another stage the hours decide which one is first."""
        bands = self._ledger.bands
        for band in self._ledger.broken_bands(stop):
            other_id = band.earlier if band.later == stop.id else band.later
            other = bands.fixed.get(other_id) or self._ledger.stops[other_id]
            first, second = (other, stop) if band.later == stop.id else (stop, other)
            if second.start < first.end:
                return False
        return True

    def _try(self, trainer: Trainer, day: date, stops: list[Stop], steps: tuple[Step, ...]) -> None:
        steps = (*steps, *self._of_person_on(trainer, day, steps))
        if len(steps) > self._most or not self._worth(steps):
            return
        table = self._ledger.table
        for stop in stops:
            found = steps
            limit = table.limit_refusal(stop, trainer)
            if limit is not None:
                found = (*steps, Step("one_visit_more", 1, _LIMITS[limit], trainer.id, None, day, day))
                if len(found) > self._most or not self._worth(found) or table.limit_refusal(stop, _busier(trainer)):
                    continue
            if next(table.clashes(stop, trainer), None) is not None:
                continue
            crew = self._crew(trainer, day, stop)
            if crew is not None:
                self._keep(Way(found, self._ledger.placement(self._job, crew, day, stop.start % DAY), 0.0))
                return

    def _crew(self, lead: Trainer, day: date, stop: Stop) -> tuple[str, ...] | None:
        """The lead, with the first second who can; None when there is none."""
        if self._job.crew == 1:
            return (lead.id,)
        ledger = self._ledger
        for second in ledger.instance.trainers:
            if second.id == lead.id or ledger.eligibility.trainer_refusal(self._job, second, 1, day) is not None:
                continue
            if ledger.table.trainer_refusal(stop, second) is None:
                return lead.id, second.id
        return None

    def _worth(self, steps: tuple[Step, ...]) -> bool:
        """Whether such steps could be better than what is known: not more of the same, and no known part of them."""
        codes = _kind(steps)
        if len(codes) != len(steps) or any(known < codes for known in self._ways):
            return False
        known = self._ways.get(codes)
        return known is None or sum(s.amount for s in steps) <= known.amount

    def _keep(self, way: Way) -> None:
        if not way.steps:
            return
        codes = _kind(way.steps)
        way = replace(way, price=sum(self._ledger.price(way.placement).values()))
        known = self._ways.get(codes)
        if known is None or (way.amount, way.price) < (known.amount, known.price):
            self._ways[codes] = way


_LIMITS = {"day_limit": "one visit more on that day", "week_limit": "one visit more in that week"}


def _kind(steps: Iterable[Step]) -> _Kind:
    return frozenset((s.code, s.enterprise_id) for s in steps)


def _busier(trainer: Trainer) -> Trainer:
    return replace(
        trainer,
        max_visits_per_day=trainer.max_visits_per_day + 1,
        max_visits_per_week=trainer.max_visits_per_week + 1,
    )


def _certificate(job: Job, trainer: Trainer) -> Step:
    level = Level.EXPERT if job.crew > 1 else max(job.needs_level, Level.CERTIFIED, key=list(Level).index)
    return Step("any_trainer_certified", 1, f"a valid certificate for this module ({level.value})", trainer.id)


def _enterprises(count: int) -> str:
    return "1 enterprise" if count == 1 else f"{count} enterprises"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _dates(days: list[date]) -> str:
    first, last = days[0], days[-1]
    if first == last:
        return f"{first.day} {first:%B}"
    if first.month == last.month:
        return f"{first.day}–{last.day} {last:%B}"
    return f"{first.day} {first:%B} – {last.day} {last:%B}"
