"""Publish a proposal: its visits stand in the timetable, everybody concerned hears of it. All of it or nothing.

If the world changed since the plan was made, the independent checker looks again at the present one first.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.scheduler.deps import Deps
from services.scheduler.domain.wall_time import today_in
from services.scheduler.domain.world import Clash, Why
from services.scheduler.planning import tasks
from services.scheduler.storage import cohorts, plans, visits, worlds
from services.scheduler.use_cases.check_plan import clash_details
from services.scheduler.use_cases.place_visit import book, give_up
from services.scheduler.use_cases.plan_cohort import CohortQuestion, read_cohort_question
from shared.commands import Command, Idempotency, command
from shared.contracts.cohort import CohortPublished
from shared.db import Connection, Record, transaction
from shared.errors import Rejected, Transient, not_found
from shared.kafka.outbox import emit

_TRIES = 5


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """`accept_unplaced`: publish although visits are left out, which are then shown as unplaceable, or enterprises stay away from
    a classroom, to which they are then not invited.
    """

    plan_id: UUID
    countries: frozenset[str]
    accept_unplaced: bool = False


class _WorldMoved(Exception):
    """Something was booked while the checker looked."""


async def publish_plan(wanted: PublishPlan, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Returns the cohort's id; publishing a plan that is published is the same answer again.

    Raises `Rejected` 409 `plan_clashes` with what stands against it now.
    """
    for _ in range(_TRIES):
        version = await _checked_version(wanted, deps)
        try:
            async with command(deps.pool, idempotency) as cmd:
                if cmd.repeated:
                    return cmd.earlier_result
                return await _publish(cmd, wanted, version, deps)
        except _WorldMoved:
            continue
        except asyncpg.ExclusionViolationError as clash:
            raise Rejected(
                "plan_clashes",
                409,
                "Somebody in this plan has been booked elsewhere at the same time. Plan the cohort again.",
            ) from clash
    raise Transient("The timetable keeps changing under this plan.")


async def _visible_plan(conn: Connection, wanted: PublishPlan) -> Record:
    plan = await plans.get_plan(conn, wanted.plan_id)
    if plan is None or plan["country"] not in wanted.countries:
        raise not_found("plan")
    return plan


async def _checked_version(wanted: PublishPlan, deps: Deps) -> int | None:
    """The version of the world in which the plan holds; None when it is published already."""
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        seen = await _visible_plan(conn, wanted)
        cohort = await cohorts.lock_cohort(conn, seen["cohort_id"])  # what a first click does is done, or not begun
        assert cohort is not None
        plan = await _visible_plan(conn, wanted)
        if plan["state"] == "published":
            return None
        refuse_unpublishable(plan)
        rows = await plans.list_placements(conn, wanted.plan_id)
        notice = deps.settings.hurried_notice_days
        question = await read_cohort_question(conn, cohort, now=now, notice_days=notice)
        today = today_in(cohort["zone"], now)
    seats = [plans.seat_of(row) for row in rows]
    if question.world.version == plan["world_version"] and all((seat.day - today).days >= notice for seat in seats):
        return question.world.version
    clashes = await deps.planner(tasks.RECHECK, question.world, question.wishes, seats)
    if clashes:
        raise _refusal_of(clashes, question)
    return question.world.version


def refuse_unpublishable(plan: Record) -> None:
    """Only the newest proposal of a cohort that is neither published nor over."""
    if plan["state"] == "what_if":
        raise Rejected("plan_only_supposed", 409, "This plan is a what-if copy. Adopt it first, then publish it.")
    if plan["state"] == "superseded" or plan["cohort_state"] not in {"planned", "infeasible"}:
        raise Rejected(
            "plan_superseded",
            409,
            "This plan is no longer the cohort's proposal: it was planned again, published or cancelled. "
            "Open the cohort and publish its newest plan.",
        )


def _refusal_of(clashes: tuple[Clash, ...], question: CohortQuestion) -> Rejected:
    return Rejected(
        "plan_clashes",
        409,
        "What was booked or entered since this plan was made stands against it. Plan the cohort again.",
        details=clash_details(clashes, question),
    )


async def _publish(cmd: Command, wanted: PublishPlan, version: int | None, deps: Deps) -> UUID:
    now, conn = deps.clock.now(), cmd.conn
    plan = await _visible_plan(conn, wanted)
    cohort_id: UUID = plan["cohort_id"]
    world = await worlds.lock_world(conn, plan["country"])
    await cohorts.lock_cohort(conn, cohort_id)
    plan = await _visible_plan(conn, wanted)
    if plan["state"] == "published":
        return await cmd.done(cohort_id)
    refuse_unpublishable(plan)
    if world != version:
        raise _WorldMoved
    rows, left = await plans.list_placements(conn, wanted.plan_id), await plans.list_unplaced(conn, wanted.plan_id)
    absent = sum(len(row["absences"]) for row in rows)
    if (left or absent) and not wanted.accept_unplaced:
        raise Rejected(
            "plan_incomplete",
            409,
            f"{len(left)} visit(s) of this plan have no place"
            f"{f', and {absent} enterprise(s) stay away from a classroom' if absent else ''}. Look at the reasons and plan "
            "again, or publish with accept_unplaced and place them by hand later.",
            field="accept_unplaced",
        )
    by_id = {row["visit_id"]: row for row in await visits.lock_of_cohort(conn, cohort_id)}
    for row in rows:
        await book(conn, by_id[row["visit_id"]], plans.seat_of(row), plan["planned_in"], reason="published", now=now)
    for row in left:
        reasons = tuple(Why(one["code"], one["text"]) for one in row["reasons"])
        await give_up(conn, by_id[row["visit_id"]], reasons, now=now)
    await plans.mark_published(conn, wanted.plan_id, now)
    await cohorts.mark_published(conn, cohort_id, now)
    await worlds.save_world_change(conn, plan["country"])
    published = CohortPublished(
        cohort_id=cohort_id,
        country=plan["country"],
        plan_id=wanted.plan_id,
        visit_ids=tuple(row["visit_id"] for row in rows),
    )
    await emit(conn, published, now=now)
    return await cmd.done(cohort_id)
