"""`/scheduler/api/plans`: looking at plans before anybody is told, what-if copies, and the weights they are made with."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.scheduler.http.asking import Body, CountryCode, Key, Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.use_cases.check_plan import check_plan
from services.scheduler.use_cases.explain_visit import explain_visit
from services.scheduler.use_cases.review_plan import compare_plans, foresee_publishing, list_plans
from services.scheduler.use_cases.set_weights import SetWeights, set_weights, show_weights
from services.scheduler.use_cases.show_cohort import show_cohort
from services.scheduler.use_cases.show_plan import show_plan
from services.scheduler.use_cases.suppose_plan import AdoptPlan, SupposePlan, adopt_plan, show_job, suppose_plan
from shared.db import transaction

_Points = dict[Annotated[str, Field(max_length=40)], float]


class SupposeBody(Body):
    """What is supposed: other weights, trainers (keys) who are left out, a later last day for every visit."""

    weights: _Points = Field({}, max_length=20)
    without: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field([], max_length=100)
    until: date | None = None


class WeightsBody(Body):
    """Points by name; what is not named counts as the layer below says (country, then defaults)."""

    country: CountryCode
    cohort_id: UUID | None = None
    weights: Annotated[_Points, Field(max_length=20)]


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api", tags=["plans"])

    @routes.get("/cohorts/{cohort_id}/plans")
    async def get_plans(cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        """Every plan that was made for a cohort, the newest first."""
        async with transaction(deps.pool) as conn:
            return {"items": await list_plans(conn, cohort_id, who.countries)}

    @routes.post("/cohorts/{cohort_id}/what-if", status_code=202)
    async def post_what_if(
        cohort_id: UUID, body: SupposeBody, who: Planner, deps: SchedulerDeps, key: Key = None
    ) -> dict[str, Any]:
        """A copy of the plan under other assumptions; its job says when it is there. The cohort does not change."""
        command = idempotency(key, who, "suppose_plan", [str(cohort_id), body.model_dump(mode="json")])
        wanted = SupposePlan(cohort_id, who.countries, body.weights, tuple(body.without), body.until)
        job_id = await suppose_plan(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_job(conn, job_id, who.countries)

    @routes.get("/planning-jobs/{job_id}")
    async def get_job(job_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        """How far a planning job is: seconds, best cost, proven bound, visits without a place; then its plan."""
        async with transaction(deps.pool) as conn:
            return await show_job(conn, job_id, who.countries)

    @routes.get("/plans/{plan_id}")
    async def get_plan(plan_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await show_plan(conn, plan_id, who.countries)

    @routes.get("/plans/{plan_id}/difference")
    async def get_difference(
        plan_id: UUID,
        who: Planner,
        deps: SchedulerDeps,
        against: Annotated[UUID | None, Query(description="An earlier plan; how its visits stand now, without")] = None,
    ) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await compare_plans(conn, plan_id, against, who.countries)

    @routes.get("/plans/{plan_id}/effects")
    async def get_effects(plan_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        """What publishing would do: visits, people told, calendar entries, cost."""
        async with transaction(deps.pool) as conn:
            return await foresee_publishing(conn, plan_id, who.countries)

    @routes.get("/plans/{plan_id}/clashes")
    async def get_clashes(plan_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        """What stands against the plan in the world as it is now, by the independent checker; empty when nothing does."""
        return {"items": await check_plan(plan_id, who.countries, deps=deps)}

    @routes.get("/plans/{plan_id}/visits/{visit_id}/reasons")
    async def get_reasons(
        plan_id: UUID,
        visit_id: UUID,
        who: Planner,
        deps: SchedulerDeps,
        trainer: Annotated[
            str | None, Query(max_length=60, description="A trainer's key, told about in any case")
        ] = None,
    ) -> dict[str, Any]:
        """Why her and then, and why not the next three; or what would place it. Planned again to find out."""
        return await explain_visit(plan_id, visit_id, who.countries, asked=trainer, deps=deps)

    @routes.post("/plans/{plan_id}/adopt")
    async def post_adopt(plan_id: UUID, who: Planner, deps: SchedulerDeps, key: Key = None) -> dict[str, Any]:
        """A what-if copy becomes the cohort's proposal."""
        command = idempotency(key, who, "adopt_plan", str(plan_id))
        cohort_id = await adopt_plan(AdoptPlan(plan_id, who.countries), command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    @routes.get("/weights")
    async def get_weights(
        who: Planner,
        deps: SchedulerDeps,
        country: Annotated[str, Query(pattern="^[A-Z]{2}$")],
        cohort: UUID | None = None,
    ) -> dict[str, Any]:
        """What a point is worth, what it means, and where it was set."""
        async with transaction(deps.pool) as conn:
            return await show_weights(conn, country, cohort, who.countries)

    @routes.put("/weights")
    async def put_weights(body: WeightsBody, who: Planner, deps: SchedulerDeps, key: Key = None) -> dict[str, Any]:
        command = idempotency(key, who, "set_weights", body.model_dump(mode="json"))
        wanted = SetWeights(body.country, body.cohort_id, who.countries, body.weights, person_of(who))
        await set_weights(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_weights(conn, body.country, body.cohort_id, who.countries)

    return routes
