"""`/scheduler/api/cohorts` and `/scheduler/api/plans`: a cohort from its creation to its end."""

import base64
import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.scheduler.http.asking import Body, CountryCode, Key, Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.storage import lists
from services.scheduler.use_cases.check_cohort import CohortRequest
from services.scheduler.use_cases.create_cohort import create_cohort
from services.scheduler.use_cases.publish_plan import PublishPlan, publish_plan
from services.scheduler.use_cases.replan_cohort import ReplanCohort, replan_cohort
from services.scheduler.use_cases.show_cohort import cohort_json, show_cohort
from services.scheduler.use_cases.show_plan import show_newest_plan
from services.scheduler.use_cases.withdraw_visits import CancelCohort, cancel_cohort
from shared.db import transaction
from shared.errors import Rejected

_Name = Annotated[str, Field(min_length=1, max_length=60)]


class CohortBody(Body):
    """A wish for a cohort; enterprises by key or by id, trainers by key (none: all of the country)."""

    name: Annotated[str, Field(max_length=120)] = ""
    country: CountryCode
    module: _Name
    enterprise_keys: list[_Name] = Field([], max_length=100)
    enterprise_ids: list[UUID] = Field([], max_length=100)
    trainer_keys: Annotated[list[_Name], Field(max_length=500)] | None = None
    first_day: date
    last_day: date


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class PublishBody(Body):
    accept_unplaced: bool = False


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api", tags=["cohorts"])

    @routes.post("/cohorts", status_code=201)
    async def post_cohort(body: CohortBody, who: Planner, deps: SchedulerDeps, key: Key = None) -> dict[str, Any]:
        wanted = CohortRequest(
            country=body.country,
            module=body.module,
            enterprise_keys=tuple(body.enterprise_keys),
            enterprise_ids=tuple(body.enterprise_ids),
            trainer_keys=tuple(body.trainer_keys) if body.trainer_keys else None,
            first_day=body.first_day,
            last_day=body.last_day,
            name=body.name,
            countries=who.countries,
            created_by=person_of(who),
        )
        command = idempotency(key, who, "create_cohort", body.model_dump(mode="json"))
        cohort_id = await create_cohort(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    @routes.get("/cohorts")
    async def get_cohorts(
        who: Planner,
        deps: SchedulerDeps,
        state: Annotated[str | None, Query(max_length=20)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> dict[str, Any]:
        before = _read_cursor(cursor)
        async with transaction(deps.pool) as conn:
            rows = await lists.list_cohorts(
                conn, sorted(who.countries), state=state, before=before, limit=limit + 1
            )
            figures = await lists.list_figures(conn, [row["cohort_id"] for row in rows])
        shown = rows[:limit]
        return {
            "items": [cohort_json(row, figures[row["cohort_id"]]) for row in shown],
            "next": _cursor(shown[-1]["created_at"], shown[-1]["cohort_id"]) if len(rows) > limit else None,
        }

    @routes.get("/cohorts/{cohort_id}")
    async def get_cohort(cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    @routes.get("/cohorts/{cohort_id}/plan")
    async def get_plan(cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await show_newest_plan(conn, cohort_id, who.countries)

    @routes.post("/cohorts/{cohort_id}/cancel")
    async def post_cancel(
        cohort_id: UUID, body: CancelBody, who: Planner, deps: SchedulerDeps, key: Key = None
    ) -> dict[str, Any]:
        command = idempotency(key, who, "cancel_cohort", [str(cohort_id), body.reason])
        await cancel_cohort(CancelCohort(cohort_id, who.countries, body.reason), command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    @routes.post("/cohorts/{cohort_id}/replan", status_code=202)
    async def post_replan(
        cohort_id: UUID, who: Planner, deps: SchedulerDeps, response: Response, key: Key = None
    ) -> dict[str, Any]:
        command = idempotency(key, who, "replan_cohort", str(cohort_id))
        await replan_cohort(ReplanCohort(cohort_id, who.countries), command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    @routes.post("/plans/{plan_id}/publish")
    async def post_publish(
        plan_id: UUID,
        who: Planner,
        deps: SchedulerDeps,
        body: PublishBody | None = None,
        key: Key = None,
    ) -> dict[str, Any]:
        accept = body.accept_unplaced if body else False
        command = idempotency(key, who, "publish_plan", [str(plan_id), accept])
        wanted = PublishPlan(plan_id, who.countries, accept)
        cohort_id = await publish_plan(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_cohort(conn, cohort_id, who.countries)

    return routes


def _cursor(at: datetime, last_id: UUID) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(last_id)]).encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        at, last_id = json.loads(base64.urlsafe_b64decode(cursor))
        read = datetime.fromisoformat(at), UUID(last_id)
        if read[0].tzinfo is None:
            raise ValueError("no zone")
    except (ValueError, TypeError, AttributeError) as wrong:
        raise Rejected("bad_cursor", 400, "Pass the cursor as it was given in next.", field="cursor") from wrong
    return read
