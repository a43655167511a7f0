"""Plan again: all of a cohort that is not published, or the visits without a place of one that is."""

from dataclasses import dataclass
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.visit import VisitState
from services.scheduler.storage import cohorts, planning_jobs, visits
from services.scheduler.use_cases.answer_visit import want_place
from shared.commands import Idempotency, command
from shared.errors import Rejected, not_found


@dataclass(frozen=True, slots=True)
class ReplanCohort:
    """Published visits that have a place keep it."""

    cohort_id: UUID
    countries: frozenset[str]


async def replan_cohort(wanted: ReplanCohort, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Queue it. A cohort that is being planned is not planned twice."""
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        cohort = await cohorts.lock_cohort(conn, wanted.cohort_id)
        if cohort is None or cohort["country"] not in wanted.countries:
            raise not_found("cohort")
        if cohort["state"] in {"planned", "infeasible", "failed"}:
            await cohorts.mark_state(conn, wanted.cohort_id, "planning")
            await planning_jobs.insert_job(
                conn, "cohort", cohort["country"], cohort_id=wanted.cohort_id, reason="replan"
            )
        elif cohort["state"] == "published":
            for visit in await visits.lock_of_cohort(conn, wanted.cohort_id):
                if visit["state"] == VisitState.UNPLACEABLE:
                    await want_place(conn, visit, "place", "any_place", now=now)
        elif cohort["state"] != "planning":
            raise Rejected("cohort_over", 409, f"This cohort is {cohort['state']}; it cannot be planned again.")
        return await cmd.done(wanted.cohort_id)
