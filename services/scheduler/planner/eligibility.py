"""Who may do a job and on which days, looking only at the people, the enterprises and the calendar.

Nothing here depends on what else is booked. Every refusal is a code of `wording.TEXT`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from services.scheduler.planner.instance import (
    DateSpan,
    Enterprise,
    Instance,
    Job,
    Level,
    Trainer,
)

RANK = {Level.CANDIDATE: 0, Level.CERTIFIED: 1, Level.EXPERT: 2}


def block(job: Job, day: date) -> tuple[date, ...]:
    """Every day of a job that begins on `day`."""
    return tuple(day + timedelta(days=n) for n in range(job.days))


def lacking(job: Job) -> int:
    """Enterprises that a classroom lacks to be held."""
    return max(0, job.quorum - len(set(job.enterprise_ids)))


def optional_guests(job: Job) -> tuple[str, ...]:
    """Enterprises each of which may stay away from a classroom, as long as its quorum is there; the host has the room."""
    group = tuple(dict.fromkeys(job.enterprise_ids))
    if job.announced or job.pinned is not None or not 1 < job.quorum < len(group):
        return ()
    return group if job.venue is not None or job.online else group[1:]


def most_absent(job: Job) -> int:
    """How many of them at most."""
    return len(set(job.enterprise_ids)) - job.quorum


def level_needed(job: Job, role: int) -> Level:
    """The lead of a pair is an expert, its second at least a candidate."""
    if job.crew == 1:
        return job.needs_level if job.needs_level is not Level.CANDIDATE else Level.CERTIFIED
    return Level.EXPERT if role == 0 else Level.CANDIDATE


def person_refusal(job: Job, trainer: Trainer, enterprises: Iterable[Enterprise]) -> str | None:
    """Code why this person can never do this job, certificates and dates aside."""
    if trainer.id in job.forbidden_trainers:
        return "excluded"
    if not job.skills <= trainer.skills:
        return "lacks_skill"
    for enterprise in enterprises:
        if enterprise.id in trainer.conflicts:
            return "conflict_of_interest"
        if enterprise.manager_languages and not enterprise.manager_languages & trainer.languages:
            return "no_manager_language"
        if enterprise.worker_languages and not enterprise.worker_languages & trainer.languages:
            return "no_worker_language"
    return None


def certificate_refusal(job: Job, trainer: Trainer, role: int, days: Iterable[date]) -> str | None:
    """Code why the certificates do not cover every one of these days at the level the role needs."""
    if job.module is None:
        return None
    needed = RANK[level_needed(job, role)]
    held = [c for c in trainer.certificates if c.module == job.module]
    enough = [c for c in held if RANK[c.level] >= needed]
    if not enough:
        return "level_too_low" if held else "not_certified"
    for day in days:
        if not any(c.valid_from <= day and (c.valid_to is None or day <= c.valid_to) for c in enough):
            return "certificate_not_valid"
    return None


def inside(day: date, spans: Iterable[DateSpan]) -> bool:
    """Whether a day lies in one of the spans."""
    return any(s.first <= day <= s.last for s in spans)


def trainer_off(trainer: Trainer, day: date, holidays: frozenset[date]) -> str | None:
    """Code why the trainer does not work on a day."""
    if inside(day, trainer.leave):
        return "on_leave"
    if day.isoweekday() not in trainer.working_weekdays:
        return "trainer_day_off"
    return "trainer_holiday" if day in holidays else None


def enterprise_off(enterprise: Enterprise, day: date, holidays: frozenset[date]) -> str | None:
    """Code why the enterprise takes no visit on a day."""
    if inside(day, enterprise.closed):
        return "enterprise_closed"
    if day.isoweekday() not in enterprise.working_weekdays:
        return "enterprise_day_off"
    return "enterprise_holiday" if day in holidays else None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The questions above asked of one instance."""

    instance: Instance
    enterprises: dict[str, Enterprise]

    @staticmethod
    def of(instance: Instance) -> "Eligibility":
        """Index the enterprises once."""
        return Eligibility(instance, {e.id: e for e in instance.enterprises})

    def sites(self, job: Job, absent: Collection[str] = ()) -> tuple[Enterprise, ...]:
        """The enterprises that take part in a job."""
        return tuple(self.enterprises[e] for e in job.enterprise_ids if e not in absent)

    def job_days(self, job: Job) -> list[date]:
        """First days on which window, horizon, pin and the calendars of enough enterprises allow the job."""
        return [d for d in self.window_days(job) if self.day_refusal(job, d) is None]

    def window_days(self, job: Job) -> list[date]:
        """First days on which the whole block lies within window, horizon and pin."""
        first = max(job.window.first, self.instance.horizon.first)
        last = min(job.window.last, self.instance.horizon.last) - timedelta(days=job.days - 1)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return days if job.pinned is None else [d for d in days if d == job.pinned.day]

    def day_refusal(self, job: Job, day: date, absent: Collection[str] | None = None) -> str | None:
        """Code why the enterprises refuse the block that begins on `day`: too few of them, or a calendar.

        `absent` stay away; None: whoever may and cannot come.
        """
        if lacking(job):
            return "below_quorum"
        optional = optional_guests(job) if absent is None else ()
        shut = {e.id: c for e in self.sites(job, absent or ()) if (c := self.site_refusal(e, job, day))}
        missed = set(shut).intersection(optional)
        if len(missed) <= most_absent(job):
            shut = {e: c for e, c in shut.items() if e not in missed}
        return next(iter(shut.values()), None)

    def site_refusal(self, enterprise: Enterprise, job: Job, day: date) -> str | None:
        """Code why one enterprise's calendar refuses the block that begins on `day`."""
        holidays = self.instance.holidays.get(enterprise.region, frozenset())
        return next((c for d in block(job, day) if (c := enterprise_off(enterprise, d, holidays))), None)

    def trainer_refusal(
        self, job: Job, trainer: Trainer, role: int, day: date, absent: Collection[str] = ()
    ) -> str | None:
        """Code why the trainer cannot take this role in the block that begins on `day`, without those absent."""
        code = self.person_refusal(job, trainer, role, absent)
        if code is not None:
            return code
        days = block(job, day)
        code = certificate_refusal(job, trainer, role, days)
        if code is not None:
            return code
        holidays = self.instance.holidays.get(trainer.region, frozenset())
        return next((c for d in days if (c := trainer_off(trainer, d, holidays))), None)

    def person_refusal(self, job: Job, trainer: Trainer, role: int, absent: Collection[str] = ()) -> str | None:
        """Code why the trainer can never take this role, whatever the day, without those absent."""
        if job.pinned is not None and trainer.id != (job.pinned.trainer, *job.pinned.co_trainers)[role]:
            return "pinned_elsewhere"
        code = certificate_refusal(job, trainer, role, ())
        return code if code is not None else person_refusal(job, trainer, self.sites(job, absent))
