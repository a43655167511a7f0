"""Plan all of a cohort's visits: read the question, let the planner answer, store the answer as a proposal."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.assumptions import Assumptions
from services.scheduler.domain.plan_weights import in_force
from services.scheduler.domain.visit import VisitState
from services.scheduler.domain.wall_time import today_in
from services.scheduler.domain.world import Proposal, Wish, World
from services.scheduler.planning import tasks
from services.scheduler.storage import catalogue, cohorts, plan_weights, planning_jobs, plans, visits
from services.scheduler.use_cases.read_world import read_world, wish_of
from shared.contracts.cohort import CohortPlanned
from shared.db import Connection, Record, transaction
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.logging import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CohortQuestion:
    """All drafts of a cohort, in the world as it was read."""

    cohort_id: UUID
    world: World
    wishes: tuple[Wish, ...]
    zones: dict[UUID, str]
    weights: dict[str, float]


async def read_cohort_question(
    conn: Connection,
    cohort: Record,
    *,
    now: datetime,
    notice_days: int,
    supposing: Assumptions | None = None,
) -> CohortQuestion:
    """What the planner is asked for a cohort that is not published yet; `supposing` that some things were otherwise."""
    rows = await visits.list_of_cohort(conn, cohort["cohort_id"])
    stages = {one.stage: one for one in await catalogue.list_stages(conn, cohort["delivery_plan_id"])}
    not_before = today_in(cohort["zone"], now) + timedelta(days=notice_days)
    drafts = [row for row in rows if row["state"] == VisitState.DRAFT]
    wishes = tuple(wish_of(row, rows, stages, not_before=not_before) for row in drafts)
    world = await read_world(
        conn,
        cohort["country"],
        cohort["zone"],
        wishes,
        trainer_keys=cohort["trainer_keys"],
        cohort_id=cohort["cohort_id"],
    )
    of_country, of_cohort = await plan_weights.get_weights(conn, cohort["country"], cohort["cohort_id"])
    weights = in_force(of_country, of_cohort, supposing.weights if supposing else None)
    if supposing is not None:
        wishes, world = supposing.applied_to(wishes, world)
    world = replace(world, weights=weights)
    zones = {row["visit_id"]: row["zone"] for row in drafts}
    return CohortQuestion(cohort["cohort_id"], world, wishes, zones, weights)


async def plan_cohort(job: Record, holder: str, *, deps: Deps) -> None:
    """One planning job of a cohort. A cohort that is no longer waiting for a plan needs none."""
    async with transaction(deps.pool) as conn:
        cohort = await cohorts.get_cohort(conn, job["cohort_id"])
        assert cohort is not None
        if not _wanted(job, cohort):
            await planning_jobs.mark_done(conn, job["job_id"])
            return
        supposing = Assumptions.read(job["assumptions"]) if job["assumptions"] is not None else None
        question = await read_cohort_question(
            conn, cohort, now=deps.clock.now(), notice_days=deps.settings.notice_days, supposing=supposing
        )
    proposal = await deps.planner(
        tasks.PLAN_COHORT, question.world, question.wishes, deps.settings.planner_work, str(job["job_id"])
    )
    await _store(job, holder, question, proposal, deps)


def _wanted(job: Record, cohort: Record) -> bool:
    """A proposal is for a cohort that waits for one, a what-if copy for one that has one and is not published."""
    states = {"planning"} if job["assumptions"] is None else {"planned", "infeasible"}
    return cohort["state"] in states


async def _store(job: Record, holder: str, question: CohortQuestion, proposal: Proposal, deps: Deps) -> None:
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        cohort = await cohorts.lock_cohort(conn, question.cohort_id)
        assert cohort is not None
        if not await planning_jobs.lock_held(conn, job["job_id"], holder):
            return
        if not _wanted(job, cohort):
            await planning_jobs.mark_done(conn, job["job_id"])
            return
        if proposal.clashes:
            told = "; ".join(f"{one.rule}: {one.text}" for one in proposal.clashes[:5])
            _log.error("planner.plan_refused", cohort_id=str(question.cohort_id), clashes=told)
            trouble = "The checker refused the planner's own plan; nothing was stored."
            if job["assumptions"] is None:
                await fail_cohort(conn, job, trouble)
            else:
                await planning_jobs.mark_failed(conn, job["job_id"], trouble)
            return
        plan_id = new_id()
        times = [
            (visits.times_of(seat, cohort["zone"], question.zones[seat.visit_id]), question.zones[seat.visit_id])
            for seat in proposal.seats
        ]
        await plans.insert_plan(
            conn,
            plan_id,
            question.cohort_id,
            proposal,
            times,
            world_version=question.world.version,
            now=now,
            weights=question.weights,
            assumptions=job["assumptions"],
        )
        await planning_jobs.save_result(conn, job["job_id"], plan_id)
        if job["assumptions"] is not None:
            await planning_jobs.mark_done(conn, job["job_id"])
            return
        await cohorts.mark_planned(conn, question.cohort_id, plan_id, complete=not (proposal.left or proposal.absences))
        await planning_jobs.mark_done(conn, job["job_id"])
        planned = CohortPlanned(
            cohort_id=question.cohort_id,
            country=cohort["country"],
            plan_id=plan_id,
            placed=len(proposal.seats),
            unplaced=len(proposal.left),
        )
        await emit(conn, planned, now=now)


async def fail_cohort(conn: Connection, job: Record, trouble: str) -> None:
    """Planning went wrong by a fault of ours: the coordinator sees it, nothing was stored. The cohort is locked."""
    await planning_jobs.mark_failed(conn, job["job_id"], trouble)
    await cohorts.mark_state(conn, job["cohort_id"], "failed", trouble)
