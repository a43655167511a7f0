"""What if? A copy of a cohort's plan under other assumptions: it is compared, and adopted or forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.assumptions import Assumptions
from services.scheduler.domain.plan_weights import check_weights
from services.scheduler.storage import cohorts, lists, planning_jobs, plans, worlds
from services.scheduler.use_cases.show_plan import get_visible_plan
from shared.commands import Idempotency, command
from shared.db import Connection, Record
from shared.errors import Rejected, not_found

LONGEST = 120
"""Days by which a window may be supposed to be longer."""


@dataclass(frozen=True, slots=True)
class SupposePlan:
    """`without`: keys of trainers who are left out; `until`: every visit may be as late as that."""

    cohort_id: UUID
    countries: frozenset[str]
    weights: Mapping[str, float]
    without: tuple[str, ...] = ()
    until: date | None = None


async def suppose_plan(wanted: SupposePlan, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Queue the copy; returns the id of its job. Nothing of the cohort changes."""
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        cohort = await cohorts.lock_cohort(conn, wanted.cohort_id)
        if cohort is None or cohort["country"] not in wanted.countries:
            raise not_found("cohort")
        if cohort["state"] not in {"planned", "infeasible"}:
            raise Rejected(
                "cohort_not_open",
                409,
                f"This cohort is {cohort['state']}; a copy can be made of a plan that is proposed and not published.",
            )
        if wanted.until and not cohort["last_day"] < wanted.until <= cohort["last_day"] + timedelta(days=LONGEST):
            raise Rejected(
                "until_out_of_range",
                422,
                f"{wanted.until} is not a day after the cohort's last ({cohort['last_day']}), at most {LONGEST} days.",
                field="until",
            )
        supposed = Assumptions(check_weights(wanted.weights), await _people(conn, cohort, wanted.without), wanted.until)
        job_id = await planning_jobs.insert_job(
            conn,
            "cohort",
            cohort["country"],
            cohort_id=wanted.cohort_id,
            reason="what_if",
            assumptions=supposed.as_json(),
        )
        return await cmd.done(job_id)


async def _people(conn: Connection, cohort: Record, keys: tuple[str, ...]) -> frozenset[UUID]:
    found = set()
    for key in keys:
        person = await lists.find_trainer(conn, key, [cohort["country"]])
        if person is None:
            raise Rejected(
                "unknown_trainer", 422, f"There is no trainer {key} in {cohort['country']}.", field="without"
            )
        found.add(person)
    return frozenset(found)


async def show_job(conn: Connection, job_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """How far a planning job of a cohort is, and which plan came of it."""
    job = await planning_jobs.get_job(conn, job_id)
    if job is None or job["country"] not in countries or job["kind"] != "cohort":
        raise not_found("planning job")
    progress = dict(job["progress"] or {})
    return {
        "job_id": str(job_id),
        "cohort_id": str(job["cohort_id"]),
        "state": job["state"],
        "trouble": job["trouble"],
        "assumptions": job["assumptions"],
        "plan_id": progress.pop("plan_id", None),
        "progress": progress or None,
    }


@dataclass(frozen=True, slots=True)
class AdoptPlan:
    """A what-if copy is taken for the proposal."""

    plan_id: UUID
    countries: frozenset[str]


async def adopt_plan(wanted: AdoptPlan, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """The copy becomes the cohort's proposal; returns the cohort's id. Publishing checks it against the world as it is."""
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        plan = await get_visible_plan(conn, wanted.plan_id, wanted.countries)
        cohort_id: UUID = plan["cohort_id"]
        await worlds.lock_world(conn, plan["country"])
        await cohorts.lock_cohort(conn, cohort_id)
        plan = await get_visible_plan(conn, wanted.plan_id, wanted.countries)
        if plan["state"] == "proposed":
            return await cmd.done(cohort_id)
        if plan["state"] != "what_if" or plan["cohort_state"] not in {"planned", "infeasible"}:
            raise Rejected(
                "plan_not_adoptable",
                409,
                f"This plan is {plan['state']} and its cohort {plan['cohort_state']}; a what-if copy of a cohort that "
                "is not published can be adopted.",
            )
        left = await plans.list_unplaced(conn, wanted.plan_id)
        await plans.mark_adopted(conn, cohort_id, wanted.plan_id)
        await cohorts.mark_planned(conn, cohort_id, wanted.plan_id, complete=not left)
        return await cmd.done(cohort_id)
