"""Why this trainer and this day, and why not the next ones: each rival is given the visit and planned again.

The next three are those who would come next if only price counted, whether or not a rule stands against them: they are
the people a coordinator asks about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.scheduler.planner.checker import check
from services.scheduler.planner.diagnosis import reason
from services.scheduler.planner.instance import Job, Trainer
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.part import part
from services.scheduler.planner.plan import Placement, Reason
from services.scheduler.planner.room import Room, free_room, made_room
from services.scheduler.planner.seats import seats
from services.scheduler.planner.solve import solve

_WORK = 0.1
_TRIED = 3
"""Visits that are asked to make room for one rival: somebody waits for the answer."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Somebody else, or another day, for the same visit. Without a placement it cannot be, for the reasons given.

    `cost_difference` in points against the plan, `difference` by part. `reasons`: what stands against the very place
    that was planned. `moved`: other visits that would have to move. `same_day` with the planned one.
    """

    trainer_id: str
    placement: Placement | None
    cost_difference: float
    difference: Mapping[str, float]
    reasons: tuple[Reason, ...]
    moved: tuple[Placement, ...] = ()
    same_day: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A placement with what it adds to the plan by part, the next trainers and the next days."""

    job_id: str
    placement: Placement
    parts: Mapping[str, float]
    trainers: tuple[Rival, ...]
    days: tuple[Rival, ...]


def explain_choice(
    ledger: Ledger, job_id: str, *, rivals: int = 3, asked: frozenset[str] = frozenset(), seed: int = 1
) -> Choice:
    """Why a visit is where it is. The book is as before afterwards.

    `asked`: trainers who are told about in any case. Raises `KeyError` for a visit without a place.
    """
    placement = ledger.take(job_id)
    job = replace(ledger.jobs[job_id], pinned=None)
    try:
        parts = ledger.price(placement)
        people = _next_people(ledger, job, placement, rivals, asked)
        told = tuple(_rival(ledger, job, placement, parts, one, seed) for one in people)
        days = _other_days(ledger, job, placement, parts, rivals)
    finally:
        ledger.put(placement)
    return Choice(job_id, placement, parts, told, days)


def _next_people(ledger: Ledger, job: Job, placement: Placement, count: int, asked: frozenset[str]) -> list[Trainer]:
    """Everybody asked about, and the cheapest in this very place; those who could never come last."""

    def rank(trainer: Trainer) -> tuple[bool, bool, float, str]:
        seat = replace(placement, trainer_id=trainer.id)
        never = ledger.eligibility.person_refusal(job, trainer, 0) is not None
        return trainer.id not in asked, never, sum(ledger.price(seat).values()), trainer.id

    others = [t for t in ledger.instance.trainers if t.id not in {placement.trainer_id, *placement.co_trainers}]
    return sorted(others, key=rank)[: max(count, len(asked & {t.id for t in others}))]


def _rival(
    ledger: Ledger, job: Job, placement: Placement, parts: Mapping[str, float], trainer: Trainer, seed: int
) -> Rival:
    codes = ledger.refusals(replace(placement, trainer_id=trainer.id), job)
    rooms = [free_room(ledger, job, trainers=[trainer])]
    best = _planned_again(ledger, job, trainer, seed)
    if best is not None and not ledger.refusals(best, job):
        rooms.append(Room(best, sum(ledger.price(best).values())))
    room = min((r for r in rooms if r), key=lambda r: r.price, default=None)
    if room is None and ledger.eligibility.person_refusal(job, trainer, 0) is None:
        room = made_room(ledger, job, trainers=[trainer], most_tried=_TRIED)
    why = tuple(reason(code, job, trainer=trainer.id, day=placement.day) for code in codes)
    if room is None:
        return Rival(trainer.id, None, 0.0, {}, why)
    price = ledger.price(room.placement)
    difference = {part: price[part] - parts[part] for part in parts}
    return Rival(
        trainer.id,
        room.placement,
        room.price - sum(parts.values()),
        difference,
        why,
        room.moved,
        room.placement.day == placement.day,
    )


def _planned_again(ledger: Ledger, job: Job, trainer: Trainer, seed: int) -> Placement | None:
    """The best place of this visit when only this trainer may come, by the solver; None when it finds none."""
    if job.crew > 1:
        return None
    question = part(ledger.instance, ledger.placements.values(), [job], trainers=frozenset({trainer.id}))
    answer = solve(question, seed=seed, max_work=_WORK)
    if not answer.placements or check(question, answer):
        return None
    return answer.placements[0]


def _other_days(
    ledger: Ledger, job: Job, placement: Placement, parts: Mapping[str, float], count: int
) -> tuple[Rival, ...]:
    """The cheapest other days with the same trainer."""
    trainer = [t for t in ledger.instance.trainers if t.id == placement.trainer_id]
    seconds = placement.co_trainers or None
    found: dict[object, tuple[float, Placement]] = {}
    for seat in seats(ledger, job, trainers=trainer, seconds=seconds):
        price = sum(ledger.price(seat).values())
        if seat.day != placement.day and (seat.day not in found or price < found[seat.day][0]):
            found[seat.day] = price, seat
    cheapest = sorted(found.values(), key=lambda f: (f[0], f[1].day))[:count]
    told = []
    for price, seat in cheapest:
        by_part = ledger.price(seat)
        difference = {part: by_part[part] - parts[part] for part in parts}
        told.append(Rival(placement.trainer_id, seat, price - sum(parts.values()), difference, ()))
    return tuple(told)
