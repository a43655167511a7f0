"""The checker's rules about one placement's people: who may go, and whether they work then. Shares no code with the
planner's own `eligibility`.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from services.scheduler.planner.instance import Enterprise, Instance, Job, Level, Trainer
from services.scheduler.planner.plan import Placement, Violation

LADDER = ("candidate", "certified", "expert")


def people_violations(instance: Instance, job: Job, p: Placement) -> Iterator[Violation]:
    """Crew, certificates, languages, conflicts, skills and absence of everybody in a placement."""
    who = [p.trainer_id, *p.co_trainers]
    if len(who) != job.crew or len(set(who)) != len(who):
        yield Violation("crew", f"{len(set(who))} people for {job.crew} places", (job.id,), p.trainer_id)
    span = [p.day + timedelta(days=n) for n in range(max(1, p.days))]
    by_id = {t.id: t for t in instance.trainers}
    sites = [e for e in instance.enterprises if e.id in job.enterprise_ids and e.id not in p.absent]
    if job.module is not None:
        yield from _levels(job, [by_id[i] for i in who], span)
    for trainer_id in who:
        trainer = by_id[trainer_id]
        yield from _suits(job, trainer, sites)
        for day in span:
            yield from _works(instance, job, trainer, day)


def _holds(trainer: Trainer, module: str, span: list[date]) -> int:
    """The highest rung held on every one of the days; -1 for none."""

    def rung(day: date) -> int:
        held = [LADDER.index(c.level.value) for c in trainer.certificates
                if c.module == module and c.valid_from <= day and not (c.valid_to and c.valid_to < day)]  # fmt: skip
        return max(held, default=-1)

    return min(rung(day) for day in span)


def _levels(job: Job, crew: list[Trainer], span: list[date]) -> Iterator[Violation]:
    module = job.module or ""
    rungs = [_holds(t, module, span) for t in crew]
    if len(crew) == 1:
        needed = max(1, LADDER.index(job.needs_level.value))
        if rungs[0] == 0 and job.needs_level is not Level.EXPERT:
            text = "a candidate delivers without an expert"
            yield Violation("candidate_with_expert", text, (job.id,), crew[0].id, day=span[0])
        elif rungs[0] < needed:
            text = f"not {LADDER[needed]} for {module} on every day"
            yield Violation("certificate", text, (job.id,), crew[0].id, day=span[0])
        return
    for trainer, rung in zip(crew[1:], rungs[1:], strict=True):
        if rung < 0:
            text = f"not even a candidate for {module} on every day"
            yield Violation("certificate", text, (job.id,), trainer.id, day=span[0])
    if rungs[0] < LADDER.index("expert"):
        text = "the lead of a pair is not an expert"
        yield Violation("candidate_with_expert", text, (job.id,), crew[0].id, day=span[0])


def _suits(job: Job, trainer: Trainer, sites: list[Enterprise]) -> Iterator[Violation]:
    if trainer.id in job.forbidden_trainers:
        yield Violation("forbidden_trainer", "must be somebody else", (job.id,), trainer.id)
    if job.skills - trainer.skills:
        yield Violation("skill", f"lacks {sorted(job.skills - trainer.skills)}", (job.id,), trainer.id)
    for site in sites:
        if site.id in trainer.conflicts:
            yield Violation("conflict_of_interest", "conflict of interest", (job.id,), trainer.id, site.id)
        if site.manager_languages and trainer.languages.isdisjoint(site.manager_languages):
            yield Violation("manager_language", "no language with the managers", (job.id,), trainer.id, site.id)
        if site.worker_languages and trainer.languages.isdisjoint(site.worker_languages):
            yield Violation("worker_language", "no language with the workers", (job.id,), trainer.id, site.id)


def _works(instance: Instance, job: Job, trainer: Trainer, day: date) -> Iterator[Violation]:
    if [s for s in trainer.leave if not (day < s.first or day > s.last)]:
        yield Violation("leave", "is on leave", (job.id,), trainer.id, day=day)
    if day.weekday() + 1 not in trainer.working_weekdays:
        yield Violation("trainer_weekday", "does not work on that weekday", (job.id,), trainer.id, day=day)
    if trainer.region in instance.holidays and day in instance.holidays[trainer.region]:
        yield Violation("trainer_holiday", "public holiday at home", (job.id,), trainer.id, day=day)
