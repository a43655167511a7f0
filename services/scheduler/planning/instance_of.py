"""The one translation between the scheduler's world and the planner's instance, both ways.

The planner knows strings and naive wall times of one zone; the scheduler knows UUIDs and instants. The zone is the
world's: where a country has several, a visit elsewhere is planned on that clock and shown on its own.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from services.scheduler.domain.explanation import Explanation, Rival
from services.scheduler.domain.load import TrainerLoad
from services.scheduler.domain.wall_time import local
from services.scheduler.domain.world import (
    Absence,
    Alternative,
    Booking,
    Clash,
    Left,
    Relief,
    ReliefStep,
    Seat,
    Site,
    TrainerKnown,
    Why,
    Wish,
    World,
)
from services.scheduler.planner import (
    Booked,
    Candidate,
    Certificate,
    Choice,
    DateSpan,
    Enterprise,
    Fairness,
    Gap,
    Instance,
    Job,
    JobKind,
    Level,
    Placement,
    Plan,
    Position,
    Reason,
    Trainer,
    Travel,
    Unplaced,
    Violation,
    Weights,
)
from services.scheduler.planner import Rival as PlannerRival
from services.scheduler.planning.roads import matrix_from

_UNTOLD = frozenset({"excluded"})
"""Who must not take a visit can tell who found a case: such reasons about a person are left out for every visit."""
_PLAIN = {
    "nobody_allowed": "No certified trainer may be sent to this enterprise for this visit.",
}


def instance_of(world: World, wishes: Sequence[Wish]) -> Instance:
    """What the planner is asked. Distances to visits without a place in this world are left out."""
    ids = {wish.visit_id for wish in wishes} | {booking.visit_id for booking in world.bookings}
    needed = {one for wish in wishes for one in wish.enterprise_ids}
    return Instance(
        horizon=DateSpan(min(wish.first for wish in wishes), max(wish.last for wish in wishes)),
        country_zone=world.zone,
        trainers=tuple(_trainer(one) for one in world.trainers),
        enterprises=tuple(_enterprise(site) for site in world.sites if site.enterprise_id in needed),
        jobs=tuple(_job(wish, ids) for wish in wishes),
        booked=tuple(_booked(one, world.zone) for one in world.bookings),
        holidays=dict(world.holidays),
        weights=Weights(**world.weights),
        travel=Travel(matrix=matrix_from(world.roads) if world.roads else None),
    )


def _trainer(one: TrainerKnown) -> Trainer:
    return Trainer(
        id=str(one.trainer_id),
        home=Position(one.latitude, one.longitude),
        languages=one.languages,
        certificates=tuple(
            Certificate(held.module, Level(held.level), held.valid_from, held.valid_to) for held in one.certificates
        ),
        region=one.region,
        leave=_spans(one.leave),
        max_visits_per_day=one.max_visits_per_day,
        max_visits_per_week=one.max_visits_per_week,
        conflicts=frozenset(map(str, one.conflicts)),
        working_weekdays=one.working_weekdays,
    )


def _enterprise(site: Site) -> Enterprise:
    return Enterprise(
        id=str(site.enterprise_id),
        position=Position(site.latitude, site.longitude),
        region=site.region,
        manager_languages=site.manager_languages,
        worker_languages=site.worker_languages,
        working_weekdays=site.working_weekdays,
        closed=_spans(site.closed),
    )


def _spans(spans: Iterable[tuple[object, object]]) -> tuple[DateSpan, ...]:
    return tuple(DateSpan(first, last) for first, last in spans)  # type: ignore[arg-type]


def _job(wish: Wish, ids: set[UUID]) -> Job:
    return Job(
        id=str(wish.visit_id),
        stage=wish.stage,
        kind=JobKind(wish.kind),
        module=wish.module,
        enterprise_ids=tuple(map(str, wish.enterprise_ids)),
        duration=timedelta(minutes=wish.minutes),
        window=DateSpan(wish.first, wish.last),
        target=wish.target,
        days=wish.days,
        online=wish.online,
        after=tuple(Gap(str(d.visit_id), d.min_days, d.max_days) for d in wish.after if d.visit_id in ids),
        before=tuple(Gap(str(d.visit_id), d.min_days, d.max_days) for d in wish.before if d.visit_id in ids),
        forbidden_trainers=frozenset(map(str, wish.forbidden)),
        prefer_trainers=frozenset(map(str, wish.prefer)),
        quorum=wish.quorum,
        announced=wish.announced,
        crew=wish.crew,
    )


def _booked(one: Booking, zone: str) -> Booked:
    return Booked(
        id=str(one.visit_id),
        trainer_ids=frozenset(map(str, one.trainer_ids)),
        enterprise_ids=frozenset(map(str, one.enterprise_ids)),
        start=local(one.starts_at, zone),
        end=local(one.ends_at, zone),
        position=Position(*one.position) if one.position else None,
    )


def placement_of(seat: Seat) -> Placement:
    """A seat in the planner's terms."""
    return Placement(
        job_id=str(seat.visit_id),
        trainer_id=str(seat.trainer_id),
        day=seat.day,
        start=seat.start,
        end=seat.end,
        days=seat.days,
        co_trainers=tuple(map(str, seat.co_trainer_ids)),
        absent=tuple(map(str, seat.absent_ids)),
    )


def seat_of(placement: Placement) -> Seat:
    """A placement in the scheduler's terms."""
    return Seat(
        visit_id=UUID(placement.job_id),
        trainer_id=UUID(placement.trainer_id),
        day=placement.day,
        start=placement.start,
        end=placement.end,
        days=placement.days,
        co_trainer_ids=tuple(map(UUID, placement.co_trainers)),
        absent_ids=tuple(map(UUID, placement.absent)),
    )


def absences_of(plan: Plan) -> dict[UUID, tuple[Absence, ...]]:
    """Who stays away from which classroom, and why."""
    found: dict[UUID, tuple[Absence, ...]] = {}
    for one in plan.absences:
        absence = Absence(UUID(one.enterprise_id), why_of(one.reasons))
        found[UUID(one.job_id)] = (*found.get(UUID(one.job_id), ()), absence)
    return found


def left_of(unplaced: Unplaced) -> Left:
    """An unplaced job with what may be told about it."""
    relief = tuple(
        Relief(
            one.code,
            one.text,
            UUID(one.placement.trainer_id),
            one.placement.day,
            tuple(
                ReliefStep(
                    step.code,
                    step.text,
                    step.amount,
                    UUID(step.trainer_id) if step.trainer_id else None,
                    UUID(step.enterprise_id) if step.enterprise_id else None,
                    step.first,
                    step.last,
                )
                for step in one.steps
            ),
            one.everything_else_held,
        )
        for one in unplaced.relaxations
    )
    return Left(UUID(unplaced.job_id), why_of(unplaced.reasons), relief)


def why_of(reasons: Iterable[Reason]) -> tuple[Why, ...]:
    """Reasons that may be told; see `_UNTOLD`."""
    return tuple(
        Why(
            code=one.code,
            text=_PLAIN.get(one.code, one.text),
            enterprise_id=UUID(one.enterprise_id),
            stage=one.stage,
            trainer_id=UUID(one.trainer_id) if one.trainer_id else None,
            day=one.day,
        )
        for one in reasons
        if one.code not in _UNTOLD
    )


def alternative_of(candidate: Candidate) -> Alternative | None:
    """A candidate as an alternative; None when why not may not be told."""
    trainer_id = UUID(candidate.trainer_id)
    if candidate.placement is not None:
        return Alternative(trainer_id, candidate.placement.day, candidate.cost_difference)
    told = why_of(candidate.reasons)
    return Alternative(trainer_id, None, None, told[0]) if told else None


def explanation_of(choice: Choice) -> Explanation:
    """Why a visit is where it is, without what may not be told (see `_UNTOLD`)."""
    rivals = (_rival_of(one) for one in choice.trainers)
    return Explanation(
        UUID(choice.job_id),
        dict(choice.parts),
        tuple(one for one in rivals if one.reasons or one.extra_cost is not None),
        tuple(_rival_of(one) for one in choice.days),
    )


def _rival_of(rival: PlannerRival) -> Rival:
    seat = rival.placement
    return Rival(
        UUID(rival.trainer_id),
        seat.day if seat else None,
        seat.start if seat else None,
        rival.cost_difference if seat else None,
        dict(rival.difference),
        why_of(rival.reasons),
        tuple(UUID(one.job_id) for one in rival.moved),
        rival.same_day,
    )


def loads_of(found: Fairness) -> tuple[TrainerLoad, ...]:
    """Everybody's load, the most loaded first."""
    return tuple(
        TrainerLoad(UUID(one.trainer_id), one.visits, one.booked, one.km, one.nights, found.share)
        for one in found.loads
    )


def clash_of(violation: Violation) -> Clash:
    """What the checker found, in the scheduler's terms."""
    return Clash(
        rule=violation.constraint,
        text=violation.text,
        visit_ids=tuple(UUID(one) for one in violation.job_ids if _is_uuid(one)),
        trainer_id=UUID(violation.trainer_id) if violation.trainer_id else None,
        enterprise_id=UUID(violation.enterprise_id) if violation.enterprise_id else None,
        day=violation.day,
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
