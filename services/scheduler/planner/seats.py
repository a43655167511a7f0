"""Every free place of one visit beside everything else in the book: who, on which day, at which hour."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from services.scheduler.planner.eligibility import block, certificate_refusal, trainer_off
from services.scheduler.planner.instance import Instance, Job, Trainer
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.timetable import Stop, minute, minutes_of


def walls(instance: Instance, job: Job, near: int | None = None) -> Sequence[int]:
    """Wall minutes at which a job may begin: the grid of the working day, or its pin.

    With `near` those nearest to that minute first, and that minute itself even when it lies beside the grid.
    """
    first, last = minute(instance.working_day.start), minute(instance.working_day.end) - minutes_of(job)
    if job.pinned is not None:
        pinned = minute(job.pinned.start)
        return (pinned,) if first <= pinned <= last else ()
    grid = range(first, last + 1, int(instance.grid.total_seconds() // 60))
    if near is None:
        return grid
    beside = [near] if near not in grid and first <= near <= last else []
    return sorted([*grid, *beside], key=lambda m: (abs(m - near), m))


def seats(
    ledger: Ledger,
    job: Job,
    *,
    trainers: Iterable[Trainer] | None = None,
    days: Iterable[date] | None = None,
    near: int | None = None,
    seconds: tuple[str, ...] | None = None,
) -> Iterator[Placement]:
    """For each trainer and day the first start that breaks no rule; the job itself is not in the book.

    `near`: the start nearest to this wall minute instead of the earliest. `seconds`: the second trainer stays; without
    it each lead gets every second who can. Nothing while an earlier visit that must come first has no place.
    """
    if ledger.waits(job.id):
        return
    people = ledger.instance.trainers if trainers is None else tuple(trainers)
    leads = [t for t in people if _may(ledger, job, t, 0)]
    others = [t for t in ledger.instance.trainers if _may(ledger, job, t, 1)] if job.crew > 1 else []
    if seconds is not None:
        others = [t for t in others if t.id in seconds]
    starts, optional = walls(ledger.instance, job, near), ledger.guests.optional(job)
    open_days = set(ledger.eligibility.job_days(job))
    for day in sorted(open_days) if days is None else [d for d in days if d in open_days]:
        stops = [ledger.table.stop(job, day.toordinal(), wall, optional) for wall in starts]
        stops = [s for s in stops if ledger.table.enterprise_refusal(s) is None and not ledger.broken_bands(s)]
        if not stops:
            continue
        able = [t for t in leads if _works(ledger, job, t, 0, day)]
        beside = [t for t in others if _works(ledger, job, t, 1, day)]
        for lead in able:
            yield from _of_lead(ledger, job, lead, beside, day, stops)


def _of_lead(
    ledger: Ledger, job: Job, lead: Trainer, beside: list[Trainer], day: date, stops: list[Stop]
) -> Iterator[Placement]:
    if ledger.table.limit_refusal(stops[0], lead) is not None:
        return  # whatever the hour
    for stop in stops:
        if next(ledger.table.clashes(stop, lead), None) is not None:
            continue
        wall = stop.start % 1440
        crews: list[tuple[str, ...]] = [(lead.id,)]
        if job.crew > 1:
            others = (t for t in beside if t.id != lead.id)
            crews = [(lead.id, t.id) for t in others if ledger.table.trainer_refusal(stop, t) is None]
        held = [seat for crew in crews if (seat := ledger.held(job, crew, day, wall)) is not None]
        yield from held
        if any(not seat.absent for seat in held):
            return


def _may(ledger: Ledger, job: Job, trainer: Trainer, role: int) -> bool:
    if ledger.eligibility.person_refusal(job, trainer, role, ledger.guests.optional(job)) is not None:
        return False
    return role == 1 or ledger.lead_refusal(job, trainer) is None


def _works(ledger: Ledger, job: Job, trainer: Trainer, role: int, day: date) -> bool:
    days = block(job, day)
    if certificate_refusal(job, trainer, role, days) is not None:
        return False
    holidays = ledger.instance.holidays.get(trainer.region, frozenset())
    return all(trainer_off(trainer, d, holidays) is None for d in days)
