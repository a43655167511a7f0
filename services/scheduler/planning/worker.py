"""What runs in the planner's own process: pure functions of a world and wishes. Everything they take and give pickles.

Invariant: nothing comes out of here that the independent checker did not pass, except with its clashes beside it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.scheduler.domain.world import Clash, Left, Proposal, Seat, Why, Wish, World
from services.scheduler.planner import (
    Instance,
    Plan,
    PlanStatus,
    Reason,
    Unplaced,
    check,
    explain_unplaced,
    place_one,
    rank_replacements,
    solve,
)
from services.scheduler.planning.instance_of import (
    alternative_of,
    clash_of,
    instance_of,
    left_of,
    placement_of,
    seat_of,
    why_of,
)

SEED = 1
_ALTERNATIVES = 3
_RELIEF_WORK = 0.5
_OF_THE_BOOKS = frozenset({"cost", "bound", "status", "unplaced_has_reason", "accounted_for"})
"""What the checker says about a plan's sums: they belong to the world in which the plan was made."""


def plan_cohort(world: World, wishes: Sequence[Wish], work: float) -> Proposal:
    """A plan for all of a cohort's visits, checked, with the next best trainers and what would place the rest."""
    late = tuple(_window_passed(wish) for wish in wishes if wish.last < wish.first)
    possible = [wish for wish in wishes if wish.last >= wish.first]
    if not possible:
        return Proposal((), late, {}, 0.0, 0.0, 0.0, {}, PlanStatus.EMPTY.value)
    instance = instance_of(world, possible)
    plan = solve(instance, seed=SEED, max_work=work)
    clashes = tuple(clash_of(one) for one in check(instance, plan))
    unplaced = explain_unplaced(instance, plan, seed=SEED, max_work=_RELIEF_WORK) if plan.unplaced else ()
    return Proposal(
        seats=tuple(seat_of(one) for one in plan.placements),
        left=(*late, *(left_of(one) for one in unplaced)),
        alternatives={} if clashes else _alternatives(instance, plan),
        cost=plan.cost,
        bound=plan.bound,
        gap=plan.gap,
        parts=dict(plan.parts),
        status=PlanStatus.PARTIAL.value if late and plan.placements else plan.status.value,
        clashes=clashes,
    )


def _alternatives(instance: Instance, plan: Plan) -> dict[UUID, tuple]:  # type: ignore[type-arg]
    found = {}
    for placement in plan.placements:
        ranked = rank_replacements(
            instance,
            placement.job_id,
            placement,
            excluding=frozenset(),
            limit=_ALTERNATIVES,
            others=plan.placements,
        )
        told = [alternative for one in ranked if (alternative := alternative_of(one))]
        found[UUID(placement.job_id)] = tuple(told)
    return found


def recheck(world: World, wishes: Sequence[Wish], seats: Sequence[Seat]) -> tuple[Clash, ...]:
    """What stands against these seats in this world; empty when all of them may be taken."""
    late = {wish.visit_id for wish in wishes if wish.last < wish.first}
    passed = tuple(
        Clash("window", "its day is too near or has passed", (seat.visit_id,), day=seat.day)
        for seat in seats
        if seat.visit_id in late
    )
    possible = [wish for wish in wishes if wish.visit_id not in late]
    placements = tuple(placement_of(seat) for seat in seats if seat.visit_id not in late)
    if not possible:
        return passed
    instance = instance_of(world, possible)
    seated = {placement.job_id for placement in placements}
    left = tuple(
        Unplaced(job.id, (Reason("not_reached", "", job.enterprise_ids[0], job.stage),))
        for job in instance.jobs
        if job.id not in seated
    )
    plan = Plan(placements, left, 0.0, 0.0, {}, PlanStatus.FEASIBLE, 0.0)
    found = (one for one in check(instance, plan) if one.constraint not in _OF_THE_BOOKS)
    return passed + tuple(clash_of(one) for one in found)


def replace_trainer(world: World, wish: Wish, former: Seat, work: float) -> Seat | Left:
    """The next best trainer for a visit: on its own day if anybody can, otherwise on the nearest day.

    `world` is without the visit, `wish.forbidden` names everybody who is out of the question, the former trainer too.
    """
    if wish.last < wish.first:
        return _window_passed(wish)
    if not wish.first <= former.day <= wish.last - timedelta(days=wish.days - 1):
        return place(world, wish, work)
    instance = instance_of(world, [wish])
    ranked = rank_replacements(
        instance,
        str(wish.visit_id),
        placement_of(former),
        excluding=frozenset(map(str, wish.forbidden)),
        limit=1,
    )
    best = next((one.placement for one in ranked if one.placement is not None), None)
    if best is None:
        reasons = why_of(reason for one in ranked for reason in one.reasons)
        nobody = Why("pool_dry", "Nobody who could take it is left to ask.", wish.enterprise_ids[0], wish.stage)
        return Left(wish.visit_id, (nobody, *reasons))
    return _checked(world, wish, seat_of(best))


def place(world: World, wish: Wish, work: float) -> Seat | Left:
    """A place for one visit next to everything that is booked."""
    if wish.last < wish.first:
        return _window_passed(wish)
    instance = instance_of(world, [wish])
    plan = place_one(instance, instance.jobs[0], seed=SEED, max_work=work)
    if plan.placements:
        return _checked(world, wish, seat_of(plan.placements[0]))
    explained = explain_unplaced(replace(instance, jobs=instance.jobs[:1]), plan, seed=SEED, max_work=0)
    return left_of(explained[0])


def _checked(world: World, wish: Wish, seat: Seat) -> Seat:
    clashes = recheck(world, [wish], [seat])
    if clashes:
        raise PlanRefused(clashes)
    return seat


def _window_passed(wish: Wish) -> Left:
    why = Why(
        "window_passed", "The days in which it may take place are over.", wish.enterprise_ids[0], wish.stage
    )
    return Left(wish.visit_id, (why,))


class PlanRefused(Exception):
    """The independent checker found something in what the planner proposed: a defect, never to be stored."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        super().__init__("; ".join(f"{one.rule}: {one.text}" for one in clashes[:5]))
