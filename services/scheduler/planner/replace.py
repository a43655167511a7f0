"""Who can step in when a trainer declines, falls silent or falls ill: the next best for the same visit."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from services.scheduler.planner.diagnosis import reason
from services.scheduler.planner.instance import Instance, Job, Trainer
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Candidate, Placement
from services.scheduler.planner.seats import seats
from services.scheduler.planner.timetable import minute


def rank_replacements(
    instance: Instance,
    job_id: str,
    placement: Placement,
    *,
    excluding: frozenset[str],
    limit: int = 5,
    others: Iterable[Placement] = (),
    ledger: Ledger | None = None,
    replacing: str | None = None,
) -> tuple[Candidate, ...]:
    """At most `limit` trainers who can take over, cheapest first, then everybody who cannot, with reasons.

    Tried are the placement's own day (its own hour first, then the others); only when nobody can on that day, the
    other days of the window, nearest first. Each keeps every hard rule next to what is booked and to `others` (the
    other placements of the same plan). `cost_difference` is in points against `placement`. `replacing`: who of a pair is
    replaced, the lead unless named; the other one stays, and leads where nobody else can lead on that day and she may:
    then whoever steps in goes along.

    `ledger`: the whole plan as a book, `placement` in it, where somebody has one already; it is as before afterwards.
    """
    book = ledger or Ledger(instance, (*(o for o in others if o.job_id != job_id), placement))
    book.take(job_id)
    role = 1 if replacing in placement.co_trainers else 0
    try:
        return _ranked(book, replace(book.jobs[job_id], pinned=None), placement, excluding, limit, role)
    finally:
        book.put(placement)


def _ranked(
    book: Ledger, job: Job, placement: Placement, excluding: frozenset[str], limit: int, role: int
) -> tuple[Candidate, ...]:
    out = excluding | {placement.trainer_id, *placement.co_trainers}
    trainers = [t for t in book.instance.trainers if t.id not in out]
    before = sum(book.price(placement).values())

    def offers(days: list[date], stands: Placement, role: int) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        for day in days:
            free = [t for t in trainers if t.id not in found]
            for who, seat in _seats(book, job, stands, free, day, role):
                more = sum(book.price(seat).values()) - before
                found.setdefault(who, Candidate(who, seat, more, seat.day == placement.day))
        return sorted(found.values(), key=lambda c: (c.cost_difference, c.trainer_id))[:limit]

    ways = [(placement, role)]
    if role == 0 and placement.co_trainers:
        (second,) = placement.co_trainers
        ways.append((replace(placement, trainer_id=second, co_trainers=(placement.trainer_id,)), 1))
    window = [d for d in book.eligibility.window_days(job) if d != placement.day]
    nearest = sorted(window, key=lambda d: (abs((d - placement.day).days), d))
    tries = (offers(days, *way) for days in ([placement.day], nearest) for way in ways)
    eligible = next((found for found in tries if found), [])
    listed = {c.trainer_id for c in eligible} | {placement.trainer_id, *placement.co_trainers}
    refused = []
    for trainer in book.instance.trainers:
        if trainer.id in listed:
            continue
        code = "declined" if trainer.id in excluding else why_not(book, job, trainer, placement, role)
        if code is not None:
            why = reason(code, job, trainer=trainer.id, day=placement.day)
            refused.append(Candidate(trainer.id, None, 0.0, same_day=True, reasons=(why,)))
    return (*eligible, *refused)


def _seats(
    book: Ledger, job: Job, placement: Placement, free: list[Trainer], day: date, role: int
) -> Iterator[tuple[str, Placement]]:
    """Places on one day for each who could take over the role, beside whoever stays."""
    near = minute(placement.start)
    if role == 0:
        stays = placement.co_trainers or None
        for seat in seats(book, job, trainers=free, days=[day], near=near, seconds=stays):
            yield seat.trainer_id, seat
        return
    lead = [t for t in book.instance.trainers if t.id == placement.trainer_id]
    for trainer in free:
        for seat in seats(book, job, trainers=lead, days=[day], near=near, seconds=(trainer.id,)):
            yield trainer.id, seat


def why_not(book: Ledger, job: Job, trainer: Trainer, placement: Placement, role: int = 0) -> str | None:
    """Code of the first rule against a trainer in this very place, which is not in the book; None when there is none."""
    day = placement.day
    if day not in book.eligibility.window_days(job):
        return "window_outside_horizon"
    stop = book.stop_of(placement)
    code = book.eligibility.trainer_refusal(job, trainer, role, day, placement.absent)
    code = code or book.eligibility.day_refusal(job, day, placement.absent)
    code = code or book.table.enterprise_refusal(stop)
    if code is None and book.broken_bands(stop):
        return "gap_band"
    if role == 0:
        code = code or book.lead_refusal(job, trainer)
    return code or book.table.trainer_refusal(stop, trainer)
