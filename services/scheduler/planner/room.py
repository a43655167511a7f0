"""Room for one visit: a free place, or one that another visit gives up by moving itself.

Fewest changes first: a place that is free is never passed over for one that moves somebody else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.scheduler.planner.instance import Job, Trainer
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.plan import Placement
from services.scheduler.planner.seats import seats, walls
from services.scheduler.planner.timetable import Stop, iso_week, minute

MOST_TRIED = 40
"""Places of the visit that another one blocks which are looked at closely, the cheapest first, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where the visit goes, what that adds to the plan in points, and where the visits go that make room."""

    placement: Placement
    price: float
    moved: tuple[Placement, ...] = ()


def free_room(
    ledger: Ledger, job: Job, *, former: Placement | None = None, trainers: Iterable[Trainer] | None = None
) -> Room | None:
    """The cheapest place that is free. With `former` nearness to it counts: its own day and hour first among equals."""
    near = minute(former.start) if former is not None else None
    best = min(
        ((_with_change(ledger, seat, former), seat) for seat in seats(ledger, job, trainers=trainers, near=near)),
        key=lambda o: (o[0], o[1].day, o[1].trainer_id),
        default=None,
    )  # fmt: skip
    return None if best is None else Room(best[1], sum(ledger.price(best[1]).values()))


def _with_change(ledger: Ledger, seat: Placement, former: Placement | None) -> float:
    """The price of a seat and of the change: days from where it was count like days off its target."""
    price = sum(ledger.price(seat).values())
    if former is None:
        return price
    weights = ledger.instance.weights
    price += abs((seat.day - former.day).days) * weights.per_day_off_target
    return price + (seat.trainer_id != former.trainer_id) * weights.per_not_preferred


def made_room(
    ledger: Ledger,
    job: Job,
    *,
    held: frozenset[str] = frozenset(),
    trainers: Iterable[Trainer] | None = None,
    most_tried: int = MOST_TRIED,
) -> Room | None:
    """The cheapest place that one other visit gives up which finds another place for itself; the book is unchanged.

    Pinned visits and those in `held` do not move, nor does anything booked.
    """
    blocked = _blocked(ledger, job, held, trainers)
    best: Room | None = None
    for at_least, seat, blocker in sorted(blocked, key=lambda b: (b[0], b[1].day, b[1].trainer_id, b[2]))[:most_tried]:
        if best is not None and at_least >= best.price:
            break
        former = ledger.take(blocker)
        before = sum(ledger.price(former).values())
        if not ledger.refusals(seat, job):
            price = sum(ledger.price(seat).values())
            ledger.put(seat)
            other = free_room(ledger, ledger.jobs[blocker], former=former)
            ledger.take(job.id)
            if other is not None and (best is None or price + other.price - before < best.price):
                best = Room(seat, price + other.price - before, (other.placement,))
        ledger.put(former)
    return best


def _blocked(
    ledger: Ledger, job: Job, held: frozenset[str], trainers: Iterable[Trainer] | None
) -> Iterator[tuple[float, Placement, str]]:
    """Places that exactly one movable visit stands in the way of, with their price while it stays."""
    if job.crew > 1 or ledger.waits(job.id):
        return
    people = [
        t
        for t in (ledger.instance.trainers if trainers is None else trainers)
        if ledger.eligibility.person_refusal(job, t, 0) is None and ledger.lead_refusal(job, t) is None
    ]
    for day in ledger.eligibility.job_days(job):
        able = [t for t in people if ledger.eligibility.trainer_refusal(job, t, 0, day) is None]
        told: set[tuple[str, str]] = set()
        for wall in walls(ledger.instance, job):
            stop = ledger.table.stop(job, day.toordinal(), wall)
            common = {s.id for e in job.enterprise_ids for s in ledger.table.visitors(e, stop)}
            common |= {b.earlier if b.later == job.id else b.later for b in ledger.broken_bands(stop)}
            if len(common) > 1:
                continue
            for trainer in able:
                for blocker in _blockers(ledger, stop, trainer, common):
                    if (trainer.id, blocker) in told or blocker in held or blocker not in ledger.placements:
                        continue
                    told.add((trainer.id, blocker))
                    if not ledger.jobs[blocker].pinned:
                        seat = ledger.placement(job, (trainer.id,), day, wall)
                        yield sum(ledger.price(seat).values()), seat, blocker


def _blockers(ledger: Ledger, stop: Stop, trainer: Trainer, common: set[str]) -> list[str]:
    """Each visit whose moving away alone could make room with this trainer."""
    found = common | {other.id for _, other in ledger.table.clashes(stop, trainer)}
    if len(found) > 1:
        return []
    limit = ledger.table.limit_refusal(stop, trainer)
    if limit is None or found:
        return list(found)
    days = set(stop.days)
    if limit == "week_limit":
        weeks = {iso_week(d) for d in stop.days}
        days = {d for w in weeks for d in range(w * 7 + 1, w * 7 + 8)}
    return sorted({s.id for d in days for s in ledger.table.stops_on(trainer.id, d)})
