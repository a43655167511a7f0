"""What happens to a plan after it was made, as a change of the instance it was made for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from services.scheduler.planner.instance import DateSpan, Gap, Instance, Job


@dataclass(frozen=True, slots=True)
class Refused:
    """A trainer declines a visit or lets its offer lapse: they are not asked again for it."""

    job_id: str
    trainer_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A trainer is ill, takes leave, or leaves for good (until the end of the horizon)."""

    trainer_id: str
    span: DateSpan


@dataclass(frozen=True, slots=True)
class Closed:
    """An enterprise takes no visits for some days."""

    enterprise_id: str
    span: DateSpan


@dataclass(frozen=True, slots=True)
class NewHoliday:
    """A public holiday that was not known, in these regions."""

    regions: frozenset[str]
    day: date


@dataclass(frozen=True, slots=True)
class Wanted:
    """Visits that are added: a follow-up with its window, or a cohort."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Visits that will not take place: a cohort is cancelled, an enterprise drops out."""

    job_ids: frozenset[str]


Disruption = Refused | Absent | Closed | NewHoliday | Wanted | Cancelled


def disrupted(instance: Instance, what: Disruption) -> Instance:
    """The instance after it. Raises `ValueError` when it is about somebody or something that the instance has not."""
    match what:
        case Refused(job_id, trainer_id):
            _known("visit", {job_id}, (j.id for j in instance.jobs))
            jobs = tuple(_without(j, trainer_id) if j.id == job_id else j for j in instance.jobs)
            return replace(instance, jobs=jobs)
        case Absent(trainer_id, span):
            _known("trainer", {trainer_id}, (t.id for t in instance.trainers))
            people = tuple(replace(t, leave=(*t.leave, span)) if t.id == trainer_id else t for t in instance.trainers)
            return replace(instance, trainers=people)
        case Closed(enterprise_id, span):
            _known("enterprise", {enterprise_id}, (e.id for e in instance.enterprises))
            sites = tuple(
                replace(e, closed=(*e.closed, span)) if e.id == enterprise_id else e for e in instance.enterprises
            )
            return replace(instance, enterprises=sites)
        case NewHoliday(regions, day):
            more = {region: instance.holidays.get(region, frozenset()) | {day} for region in regions}
            return replace(instance, holidays={**instance.holidays, **more})
        case Wanted(new):
            return replace(instance, jobs=(*instance.jobs, *new))
        case Cancelled(gone):
            _known("visit", gone, (j.id for j in instance.jobs))
            return replace(instance, jobs=tuple(_kept(j, gone) for j in instance.jobs if j.id not in gone))


def _without(job: Job, trainer_id: str) -> Job:
    pin = job.pinned
    refused = pin is not None and trainer_id in (pin.trainer, *pin.co_trainers)
    return replace(
        job, forbidden_trainers=job.forbidden_trainers | {trainer_id}, pinned=None if refused else pin,
        prefer_trainers=job.prefer_trainers - {trainer_id},
    )  # fmt: skip


def _kept(job: Job, gone: frozenset[str]) -> Job:
    def still(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
        return tuple(g for g in gaps if g.visit not in gone)

    if not any(g.visit in gone for g in (*job.after, *job.before)):
        return job
    return replace(job, after=still(job.after), before=still(job.before))


def _known(what: str, asked: Iterable[str], known: Iterable[str]) -> None:
    missing = set(asked) - set(known)
    if missing:
        msg = f"no {what} {', '.join(sorted(missing))} is in this instance"
        raise ValueError(msg)
