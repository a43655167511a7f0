"""Who can step in when a trainer declines, falls silent or falls ill: the next best for the same visit."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from services.scheduler.planner.diagnosis import reason
from services.scheduler.planner.greedy import Greedy, starts
from services.scheduler.planner.instance import Instance, Job, Trainer
from services.scheduler.planner.plan import Candidate, Placement
from services.scheduler.planner.timetable import minute, minutes_of, time_of
from services.scheduler.planner.valuation import Valuation


def rank_replacements(
    instance: Instance,
    job_id: str,
    placement: Placement,
    *,
    excluding: frozenset[str],
    limit: int = 5,
    others: Iterable[Placement] = (),
) -> tuple[Candidate, ...]:
    """At most `limit` trainers who can take over the lead, cheapest first, then everybody who cannot, with reasons.

    Tried are the placement's own day (its own hour first, then the others); only when nobody can on that day, the
    other days of the window, nearest first. Each keeps every hard rule next to what is booked and to `others` (the
    other placements of the same plan). `cost_difference` is in points against `placement`. A second trainer stays.
    """
    jobs = {j.id: replace(j, pinned=None) for j in instance.jobs}
    job = jobs[job_id]
    instance = replace(instance, jobs=tuple(jobs.values()))
    book = Greedy(instance)
    others = tuple(o for o in others if o.job_id != job_id)
    for other in others:
        book.put(other)
    out = excluding | {placement.trainer_id}
    trainers = [t for t in instance.trainers if t.id not in out and t.id not in placement.co_trainers]
    before = Valuation(instance).cost((*others, placement))

    def offers(days: list[date]) -> list[Candidate]:
        found = []
        for trainer in trainers:
            seat = _first_seat(book, job, trainer, placement, days)
            if seat is not None:
                more = book.valuation.cost((*others, seat)) - before
                found.append(Candidate(trainer.id, seat, more, seat.day == placement.day))
        return sorted(found, key=lambda c: (c.cost_difference, c.trainer_id))[:limit]

    eligible = offers([placement.day])
    if not eligible:
        window = [d for d in book.eligibility.window_days(job) if d != placement.day]
        eligible = offers(sorted(window, key=lambda d: (abs((d - placement.day).days), d)))
    taken = {c.trainer_id for c in eligible if c.same_day}
    refused = []
    for trainer in instance.trainers:
        if trainer.id in placement.co_trainers or trainer.id in taken or trainer.id == placement.trainer_id:
            continue
        code = "declined" if trainer.id in excluding else _refusal(book, job, trainer, placement)
        if code is not None and trainer.id not in {c.trainer_id for c in eligible}:
            why = reason(code, job, trainer=trainer.id, day=placement.day)
            refused.append(Candidate(trainer.id, None, 0.0, same_day=True, reasons=(why,)))
    return (*eligible, *refused)


def _first_seat(book: Greedy, job: Job, trainer: Trainer, placement: Placement, days: list[date]) -> Placement | None:
    """The first free place of one trainer over the days in their order, the old hour first on each."""
    old = minute(placement.start)
    walls = sorted(starts(book.instance, job), key=lambda m: (abs(m - old), m))
    if old not in walls and walls and walls[0] <= old:
        walls = [old, *walls] if _within(book, job, old) else walls
    seconds = [t for t in book.instance.trainers if t.id in placement.co_trainers]
    for day in days:
        if book.eligibility.day_refusal(job, day) is not None or day not in book.eligibility.window_days(job):
            continue
        if book.eligibility.trainer_refusal(job, trainer, 0, day) is not None:
            continue
        for wall in walls:
            stop = book.table.stop(job, day.toordinal(), wall)
            if book.table.enterprise_refusal(stop) is not None or not book.bands.allow(stop, book.placed):
                continue
            crew_free = all(book.refusal(job, s, 1, day, stop) is None for s in seconds)
            if crew_free and book.refusal(job, trainer, 0, day, stop) is None:
                end = time_of(wall + minutes_of(job))
                return Placement(job.id, trainer.id, day, time_of(wall), end, job.days, placement.co_trainers)
    return None


def _within(book: Greedy, job: Job, wall: int) -> bool:
    hours = book.instance.working_day
    return minute(hours.start) <= wall and wall + minutes_of(job) <= minute(hours.end)


def _refusal(book: Greedy, job: Job, trainer: Trainer, placement: Placement) -> str | None:
    """Code why a trainer cannot simply take the placement as it is."""
    day = placement.day
    if day not in book.eligibility.window_days(job):
        return "window_outside_horizon"
    stop = book.table.stop(job, day.toordinal(), minute(placement.start))
    code = book.eligibility.trainer_refusal(job, trainer, 0, day) or book.eligibility.day_refusal(job, day)
    code = code or book.table.enterprise_refusal(stop)
    if code is None and not book.bands.allow(stop, book.placed):
        return "gap_band"
    return code or book.refusal(job, trainer, 0, day, stop)
