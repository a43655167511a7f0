"""Find a place for one published visit: another trainer, another day, or the first place it ever has.

The answer is stored only if the country's world and the visit are still what the planner was shown; otherwise the job
goes back into the queue and is asked again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.scheduler.deps import Deps
from services.scheduler.domain.plan_difference import crew
from services.scheduler.domain.visit import VisitState
from services.scheduler.domain.wall_time import today_in
from services.scheduler.domain.world import Left, Seat, Why, Wish, World
from services.scheduler.planning import tasks
from services.scheduler.storage import catalogue, cohorts, planning_jobs, visit_history, visits, worlds
from services.scheduler.use_cases.read_world import read_world, seat_now, wish_of
from shared.contracts.booking import BookingMoved, BookingReassigned, BookingUnplaceable, VisitScheduled
from shared.contracts.values import VisitKind
from shared.db import Connection, Record, transaction
from shared.kafka.outbox import emit

_AGAIN_SECONDS = 0.05
_ANOTHER_DAY = frozenset({"reschedule", "another_day"})
"""Reasons for which the day on which it stands is out of the question."""
_QUALIFIED = frozenset({"certified", "expert"})


@dataclass(frozen=True, slots=True)
class VisitQuestion:
    """One visit in the world as it was read. `former` is where it stands, on the plan's clock."""

    revision: int
    planned_in: str
    world: World
    wish: Wish
    former: Seat | None


async def place_visit(job: Record, holder: str, *, deps: Deps) -> None:
    """One planning job of a visit. A visit that no longer waits for a place needs none."""
    async with transaction(deps.pool) as conn:
        visit = await visits.get_visit(conn, job["visit_id"])
        assert visit is not None
        if visit["state"] != VisitState.PLACING:
            await planning_jobs.mark_done(conn, job["job_id"])
            return
        question = await _read_question(conn, job, visit, deps)
    if job["kind"] == "reassign" and question.former is not None:
        answer = await deps.planner(
            tasks.REPLACE_TRAINER,
            question.world,
            question.wish,
            question.former,
            deps.settings.planner_work_single,
        )
    else:
        answer = await deps.planner(
            tasks.PLACE, question.world, question.wish, deps.settings.planner_work_single
        )
    try:
        await _store(job, holder, question, answer, deps)
    except asyncpg.ExclusionViolationError:  # somebody of another country's world: ask again
        async with transaction(deps.pool) as conn:
            await planning_jobs.put_back(conn, job["job_id"], holder, seconds=_AGAIN_SECONDS, counted=True)


async def _read_question(conn: Connection, job: Record, visit: Record, deps: Deps) -> VisitQuestion:
    cohort = await cohorts.get_cohort(conn, visit["cohort_id"]) if visit["cohort_id"] else None
    planned_in = cohort["zone"] if cohort else visit["zone"]
    siblings = await visits.list_of_cohort(conn, visit["cohort_id"]) if cohort else []
    stages = await catalogue.list_stages(conn, cohort["delivery_plan_id"]) if cohort else []
    today = today_in(visit["zone"], deps.clock.now())
    former = seat_now(visit)
    refused = set(await visit_history.list_refused(conn, visit["visit_id"]))
    if job["kind"] == "reassign" and former is not None and refused.isdisjoint(crew(former)):
        refused.add(former.trainer_id)
    wish = wish_of(
        visit,
        siblings,
        {one.stage: one for one in stages},
        not_before=today + timedelta(days=deps.settings.hurried_notice_days),
        forbidden=refused,
        prefer=visit["trainer_id"] or visit["former_trainer_id"],
    )
    world = await read_world(
        conn,
        visit["country"],
        planned_in,
        [wish],
        trainer_keys=cohort["trainer_keys"] if cohort else None,
        cohort_id=visit["cohort_id"],
    )
    if job["reason"] in _ANOTHER_DAY and former is not None:
        world = world.closed_at(wish.enterprise_ids[0], former.day)
    if wish.module is None:
        world = _of_qualified(world)
    return VisitQuestion(visit["revision"], planned_in, world, wish, former)


def _of_qualified(world: World) -> World:
    """A visit without a module needs no certificate for one, but somebody who holds one at all."""
    from dataclasses import replace

    able = tuple(one for one in world.trainers if any(held.level in _QUALIFIED for held in one.certificates))
    return replace(world, trainers=able)


async def _store(job: Record, holder: str, question: VisitQuestion, answer: Seat | Left, deps: Deps) -> None:
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        version = await worlds.lock_world(conn, question.world.country)
        if job["cohort_id"] is not None:
            await cohorts.lock_cohort(conn, job["cohort_id"])
        visit = await visits.lock_visit(conn, job["visit_id"])
        assert visit is not None
        if not await planning_jobs.lock_held(conn, job["job_id"], holder):
            return
        if visit["state"] == VisitState.PLACING and (
            version != question.world.version or visit["revision"] != question.revision
        ):
            await planning_jobs.put_back(conn, job["job_id"], holder, seconds=_AGAIN_SECONDS, counted=False)
            return
        await planning_jobs.mark_done(conn, job["job_id"])
        if visit["state"] != VisitState.PLACING:
            return
        if isinstance(answer, Seat):
            await book(conn, visit, answer, question.planned_in, reason=job["reason"], now=now)
        else:
            await give_up(conn, visit, answer.reasons, now=now)
        await worlds.save_world_change(conn, visit["country"])


async def book(
    conn: Connection, visit: Record, seat: Seat, planned_in: str, *, reason: str, now: datetime
) -> None:
    """Put a locked visit where `seat` says, and say so: scheduled, moved or reassigned, as the case is."""
    times = visits.times_of(seat, planned_in, visit["zone"])
    moved = visit["announced"] and times.starts_at != visit["starts_at"]
    await visits.save_seat(conn, visit, times, moved=moved, now=now)
    former: UUID | None = visit["trainer_id"] or visit["former_trainer_id"]
    fact: VisitScheduled | BookingMoved | BookingReassigned
    who = seat.trainer_id
    if not visit["announced"] or former is None:
        fact, what = _scheduled(visit, times), "scheduled"
    elif former != seat.trainer_id:
        fact, what = _reassigned(visit, times, former, reason), "reassigned"
    elif not moved and set(seat.co_trainer_ids) != set(visit["co_trainer_ids"]):
        fact, what = _moved(visit, times, reason), "reassigned"
        who = next((one for one in seat.co_trainer_ids if one not in visit["co_trainer_ids"]), seat.trainer_id)
    else:
        fact, what = _moved(visit, times, reason), "moved"
    await emit(conn, fact, now=now)
    await visit_history.insert_step(conn, visit["visit_id"], what, now=now, trainer_id=who, detail=reason)


async def give_up(conn: Connection, visit: Record, reasons: tuple[Why, ...], *, now: datetime) -> None:
    """Nobody is left, or no day fits: a coordinator must act, and is told why."""
    await visits.mark_unplaceable(conn, visit["visit_id"], reasons, now)
    fact = BookingUnplaceable(
        visit_id=visit["visit_id"],
        cohort_id=visit["cohort_id"],
        country=visit["country"],
        kind=VisitKind(visit["kind"]),
        enterprise_ids=tuple(visit["enterprise_ids"]),
        codes=tuple(dict.fromkeys(one.code for one in reasons)),
        stage=visit["stage"],
        former_trainer_id=visit["trainer_id"] or visit["former_trainer_id"],
    )
    await emit(conn, fact, now=now)
    await visit_history.insert_step(
        conn, visit["visit_id"], "unplaceable", now=now, detail=reasons[0].code if reasons else ""
    )


def _scheduled(visit: Record, times: visits.Times) -> VisitScheduled:
    return VisitScheduled(
        visit_id=visit["visit_id"],
        cohort_id=visit["cohort_id"],
        country=visit["country"],
        kind=VisitKind(visit["kind"]),
        stage=visit["stage"],
        module=visit["module"] or "",
        enterprise_ids=tuple(visits.attending(visit, times.seat)),
        trainer_id=times.seat.trainer_id,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
        zone=visit["zone"],
        cause_id=visit["cause_id"],
        days=visit["days"],
        co_trainer_ids=times.seat.co_trainer_ids,
        online=visit["online"],
        carried_from=visit["carried_from"],
    )


def _moved(visit: Record, times: visits.Times, reason: str) -> BookingMoved:
    return BookingMoved(
        visit_id=visit["visit_id"],
        country=visit["country"],
        trainer_id=times.seat.trainer_id,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
        zone=visit["zone"],
        reason=reason,
        days=visit["days"],
        co_trainer_ids=times.seat.co_trainer_ids,
    )


def _reassigned(visit: Record, times: visits.Times, former: UUID, reason: str) -> BookingReassigned:
    return BookingReassigned(
        visit_id=visit["visit_id"],
        country=visit["country"],
        former_trainer_id=former,
        trainer_id=times.seat.trainer_id,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
        zone=visit["zone"],
        reason=reason,
        days=visit["days"],
        co_trainer_ids=times.seat.co_trainer_ids,
    )
