"""An instance in which some things have given way: the steps of a relaxation, taken literally and no further."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from services.scheduler.planner.instance import (
    Certificate,
    Continuity,
    DateSpan,
    Enterprise,
    Gap,
    Instance,
    Job,
    Level,
    Trainer,
)
from services.scheduler.planner.plan import Step


def relaxed(instance: Instance, job_id: str, steps: Iterable[Step]) -> Instance:
    """The instance after these steps; windows, gaps and pins are those of the one job."""
    for step in steps:
        instance = _after(instance, job_id, step)
    return instance


def _after(instance: Instance, job_id: str, step: Step) -> Instance:
    if step.code in {"window_widened", "gap_widened", "pin_released", "quorum_lowered"}:
        instance = _with_job(instance, job_id, step)
    elif step.code == "held_without":
        instance = replace(
            instance, jobs=tuple(_smaller(j, step, instance) if j.id == job_id else j for j in instance.jobs)
        )
    elif step.code in {"closed_ignored", "site_day_off"}:
        sites = tuple(_site(e, step) if e.id == step.enterprise_id else e for e in instance.enterprises)
        instance = replace(instance, enterprises=sites)
    elif step.code in {"site_holiday", "works_holiday"}:
        given = set(_span(step))
        instance = replace(instance, holidays={r: frozenset(d - given) for r, d in instance.holidays.items()})
    elif step.code == "another_trainer":
        instance = replace(instance, continuity=Continuity.SOFT)
    else:
        job = next(j for j in instance.jobs if j.id == job_id)
        sites_of_job = tuple(e for e in instance.enterprises if e.id in job.enterprise_ids)
        people = tuple(
            _person(t, step, job, sites_of_job) if step.trainer_id in (None, t.id) else t for t in instance.trainers
        )
        instance = replace(instance, trainers=people)
    return instance


def _with_job(instance: Instance, job_id: str, step: Step) -> Instance:
    jobs = tuple(_job(j, step) if j.id == job_id else j for j in instance.jobs)
    wide = max((j.window.last for j in jobs if j.id == job_id), default=instance.horizon.last)
    last = max(instance.horizon.last, wide) if step.code == "window_widened" else instance.horizon.last
    return replace(instance, jobs=jobs, horizon=DateSpan(instance.horizon.first, last))


def _job(job: Job, step: Step) -> Job:
    more = step.amount
    if step.code == "pin_released":
        return replace(job, pinned=None)
    if step.code == "quorum_lowered":
        return replace(job, quorum=job.quorum - more)
    if step.code == "window_widened":
        wide = timedelta(days=more)
        return replace(job, window=DateSpan(job.window.first - wide, job.window.last + wide))

    def wider(gap: Gap) -> Gap:
        return Gap(gap.visit, max(0, gap.min_days - more), None if gap.max_days is None else gap.max_days + more)

    return replace(job, after=tuple(map(wider, job.after)), before=tuple(map(wider, job.before)))


def _smaller(job: Job, step: Step, instance: Instance) -> Job:
    """A classroom without one enterprise, which then has not to wait for that enterprise's own visits."""
    left = tuple(e for e in job.enterprise_ids if e != step.enterprise_id)
    theirs = {j.id for j in instance.jobs if left and set(j.enterprise_ids).isdisjoint(left)}
    theirs |= {b.id for b in instance.booked if b.enterprise_ids and b.enterprise_ids.isdisjoint(left)}
    return replace(
        job,
        enterprise_ids=left,
        after=tuple(g for g in job.after if g.visit not in theirs),
        before=tuple(g for g in job.before if g.visit not in theirs),
    )


def _site(site: Enterprise, step: Step) -> Enterprise:
    if step.code == "closed_ignored":
        return replace(site, closed=_without(site.closed, step))
    return replace(site, working_weekdays=site.working_weekdays | {d.isoweekday() for d in _span(step)})


def _person(trainer: Trainer, step: Step, job: Job, sites: tuple[Enterprise, ...]) -> Trainer:
    match step.code:
        case "any_trainer_certified":
            held = Certificate(job.module or "", Level.EXPERT, date.min)
            return replace(trainer, certificates=(*trainer.certificates, held))
        case "leave_ignored":
            return replace(trainer, leave=_without(trainer.leave, step))
        case "any_language":
            spoken = frozenset().union(*(s.manager_languages | s.worker_languages for s in sites))
            return replace(trainer, languages=trainer.languages | spoken)
        case "one_visit_more":
            return replace(
                trainer,
                max_visits_per_day=trainer.max_visits_per_day + 1,
                max_visits_per_week=trainer.max_visits_per_week + 1,
            )
        case "works_day_off":
            return replace(trainer, working_weekdays=trainer.working_weekdays | {d.isoweekday() for d in _span(step)})
    raise AssertionError(step.code)


def _span(step: Step) -> list[date]:
    """The days that a step is about; none where it is about no days."""
    if step.first is None or step.last is None:
        return []
    return [step.first + timedelta(days=n) for n in range((step.last - step.first).days + 1)]


def _without(spans: tuple[DateSpan, ...], step: Step) -> tuple[DateSpan, ...]:
    """The spans without the step's days; all of them go where the step names no days."""
    if step.first is None or step.last is None:
        return ()
    left = []
    for span in spans:
        if span.first < step.first:
            left.append(DateSpan(span.first, min(span.last, step.first - timedelta(days=1))))
        if span.last > step.last:
            left.append(DateSpan(max(span.first, step.last + timedelta(days=1)), span.last))
    return tuple(left)
