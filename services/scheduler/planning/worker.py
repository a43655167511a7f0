"""What runs in the planner's own process: pure functions of a world and wishes. Everything they take and give pickles.

Invariant: nothing comes out of here that the independent checker did not pass, except with its clashes beside it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.scheduler.domain.explanation import Explanation, Mended
from services.scheduler.domain.world import Clash, Left, Proposal, Seat, Why, Wish, World
from services.scheduler.planner import (
    Instance,
    Ledger,
    Pin,
    Placement,
    Plan,
    PlanStatus,
    Progress,
    Reason,
    Unplaced,
    as_plan,
    check,
    explain_choice,
    explain_unplaced,
    fairness,
    place_one,
    rank_replacements,
    repair,
    solve,
)
from services.scheduler.planning import progress
from services.scheduler.planning.instance_of import (
    absences_of,
    alternative_of,
    clash_of,
    explanation_of,
    instance_of,
    left_of,
    loads_of,
    placement_of,
    seat_of,
    why_of,
)

SEED = 1
_ALTERNATIVES = 3
_RELIEF_WORK = 0.5
_OF_THE_BOOKS = frozenset({"cost", "bound", "status", "unplaced_has_reason", "absent_has_reason", "accounted_for"})
"""What the checker says about a plan's sums: they belong to the world in which the plan was made."""


def plan_cohort(world: World, wishes: Sequence[Wish], work: float, key: str = "") -> Proposal:
    """A plan for all of a cohort's visits, checked, with the next best trainers and what would place the rest.

    What the search finds on its way is told under `key`.
    """
    late = tuple(_window_passed(wish) for wish in wishes if wish.last < wish.first)
    possible = [wish for wish in wishes if wish.last >= wish.first]
    if not possible:
        return Proposal((), late, {}, 0.0, 0.0, 0.0, {}, PlanStatus.EMPTY.value)
    instance = instance_of(world, possible)
    progress.begin(key)

    def tell(found: Progress) -> None:
        progress.tell(key, found.cost, found.bound, found.unplaced)

    plan = solve(instance, seed=SEED, max_work=work, progress=tell)
    progress.tell(key, plan.cost, plan.bound, len(plan.unplaced))
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
        loads=loads_of(fairness(instance, plan.placements)),
        trace=tuple(map(tuple, progress.trace_of(key))),
        absences=absences_of(plan),
    )


def _alternatives(instance: Instance, plan: Plan) -> dict[UUID, tuple]:  # type: ignore[type-arg]
    found = {}
    book = Ledger(instance, plan.placements)
    for placement in plan.placements:
        ranked = rank_replacements(
            instance, placement.job_id, placement, excluding=frozenset(), limit=_ALTERNATIVES, ledger=book
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

    `world` is without the visit, `wish.forbidden` names everybody who is out of the question, the former trainer too. Of a pair
    the one who can stay stays; where neither can, the visit is placed anew.
    """
    if wish.last < wish.first:
        return _window_passed(wish)
    if not wish.first <= former.day <= wish.last - timedelta(days=wish.days - 1):
        return place(world, wish, work)
    gone = wish.forbidden & {former.trainer_id, *former.co_trainer_ids}
    if len(gone) != 1:
        return place(world, wish, work)
    instance = instance_of(world, [wish])
    ranked = rank_replacements(
        instance,
        str(wish.visit_id),
        placement_of(former),
        excluding=frozenset(map(str, wish.forbidden)),
        replacing=str(next(iter(gone))),
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


def explain(
    world: World, wishes: Sequence[Wish], seats: Sequence[Seat], visit_id: UUID, asked: frozenset[UUID]
) -> Explanation:
    """Why one visit of a plan is where it is and why not the next three; or what would place it, if it is nowhere."""
    possible = [wish for wish in wishes if wish.last >= wish.first]
    late = next((wish for wish in wishes if wish.visit_id == visit_id and wish.last < wish.first), None)
    if late is not None:
        return Explanation(visit_id, left=_window_passed(late))
    instance = instance_of(world, possible)
    known = {job.id for job in instance.jobs}
    placements = tuple(placement_of(seat) for seat in seats if str(seat.visit_id) in known)
    if any(one.job_id == str(visit_id) for one in placements):
        choice = explain_choice(
            Ledger(instance, placements), str(visit_id), asked=frozenset(map(str, asked)), seed=SEED
        )
        return explanation_of(choice)
    plan = as_plan(instance, placements)
    found = explain_unplaced(instance, plan, seed=SEED, max_work=_RELIEF_WORK, only=frozenset({str(visit_id)}))
    return Explanation(visit_id, left=next(left_of(one) for one in found if one.job_id == str(visit_id)))


def mend(
    world: World, wishes: Sequence[Wish], seats: Sequence[Seat], pinned: frozenset[UUID], most_moved: int | None
) -> Mended:
    """Published visits in a world that has changed: the fewest moves that make them right again, checked."""
    possible = [wish for wish in wishes if wish.last >= wish.first]
    instance = instance_of(world, possible)
    stands = {str(seat.visit_id): placement_of(seat) for seat in seats}
    jobs = tuple(
        replace(job, pinned=_pin(stands[job.id])) if UUID(job.id) in pinned and job.id in stands else job
        for job in instance.jobs
    )
    instance = replace(instance, jobs=jobs)
    known = {job.id for job in jobs}
    done = repair(instance, [one for one in stands.values() if one.job_id in known], most_moved=most_moved)
    plan = as_plan(done.instance, done.placements)
    clashes = tuple(clash_of(one) for one in check(done.instance, plan))
    left = explain_unplaced(done.instance, plan, seed=SEED, max_work=0) if plan.unplaced else ()
    return Mended(
        tuple(seat_of(one) for one in done.placements),
        frozenset(map(UUID, done.hit)),
        frozenset(map(UUID, done.moved)),
        tuple(left_of(one) for one in left),
        done.cost_difference,
        clashes,
    )


def _pin(one: Placement) -> Pin:
    return Pin(one.trainer_id, one.day, one.start, one.co_trainers)


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
