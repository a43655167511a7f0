"""Pages about cohorts: the list, one cohort with its timetable, publishing it with what that will cause, its end."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.http.asking import Planner, SchedulerDeps, idempotency
from services.scheduler.http.board import COHORT_STATES, board_of, told_of
from services.scheduler.http.pages_plans import reach_query
from services.scheduler.storage import lists
from services.scheduler.storage.lists import booking_json, ids_in
from services.scheduler.use_cases.publish_plan import PublishPlan, publish_plan
from services.scheduler.use_cases.replan_cohort import ReplanCohort, replan_cohort
from services.scheduler.use_cases.review_plan import foresee_publishing
from services.scheduler.use_cases.show_cohort import show_cohort
from services.scheduler.use_cases.show_plan import show_newest_plan
from services.scheduler.use_cases.withdraw_visits import CancelCohort, cancel_cohort
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, KeyForm, read_form
from shared.web.pages import render

_LIST = 100
_Key = Annotated[str, Field(min_length=8, max_length=200)]


class PublishForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    plan_id: UUID
    accept_unplaced: bool = False
    idempotency_key: _Key


class CancelForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: Annotated[str, Field(min_length=3, max_length=500)]
    idempotency_key: _Key


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/cohorts")
    async def list_cohorts(
        request: Request,
        who: Planner,
        deps: SchedulerDeps,
        state: Annotated[str | None, Query(max_length=20)] = None,
    ) -> Response:
        async with transaction(deps.pool) as conn:
            rows = await lists.list_cohorts(
                conn, sorted(who.countries), state=state or None, before=None, limit=_LIST
            )
            figures = await lists.list_figures(conn, [row["cohort_id"] for row in rows])
        shown = [dict(row) | {"figures": figures[row["cohort_id"]]} for row in rows]
        return render(request, "cohorts.html", cohorts=shown, states=COHORT_STATES, state=state or "")

    @routes.get("/cohorts/{cohort_id}")
    async def show_one(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        return await _page(request, "cohort.html", cohort_id, who.countries, deps)

    @routes.get("/cohorts/{cohort_id}/board")
    async def show_board(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        """Polled while a cohort is being planned: the part of the page below its head."""
        return await _page(request, "cohort_board.html", cohort_id, who.countries, deps)

    @routes.get("/cohorts/{cohort_id}/publish")
    async def ask_publish(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        return await _page(request, "cohort_publish.html", cohort_id, who.countries, deps)

    @routes.post("/cohorts/{cohort_id}/publish")
    async def publish(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, PublishForm)
        if body is not None:
            asked = [str(body.plan_id), body.accept_unplaced]
            command = idempotency(body.idempotency_key, who, "publish_plan", asked)
            try:
                wanted = PublishPlan(body.plan_id, who.countries, body.accept_unplaced)
                published = await publish_plan(wanted, command, deps=deps)
                return RedirectResponse(f"/scheduler/cohorts/{published}", 303)
            except Rejected as refused:
                if refused.status == 404:
                    raise
                form.errors[refused.field or ""] = refused.message
                for detail in refused.details:
                    form.errors[f"clash-{len(form.errors)}"] = f"{detail.get('field')}: {detail.get('message')}"
        return await _page(request, "cohort_publish.html", cohort_id, who.countries, deps, form=form, status=422)

    @routes.get("/cohorts/{cohort_id}/cancel")
    async def ask_cancel(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        return await _page(request, "cohort_cancel.html", cohort_id, who.countries, deps)

    @routes.post("/cohorts/{cohort_id}/cancel")
    async def cancel(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, CancelForm)
        if body is not None:
            command = idempotency(body.idempotency_key, who, "cancel_cohort", [str(cohort_id), body.reason])
            with form.refusals():
                await cancel_cohort(CancelCohort(cohort_id, who.countries, body.reason), command, deps=deps)
                return RedirectResponse(f"/scheduler/cohorts/{cohort_id}", 303)
        return await _page(request, "cohort_cancel.html", cohort_id, who.countries, deps, form=form, status=422)

    @routes.post("/cohorts/{cohort_id}/replan")
    async def replan(request: Request, cohort_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, KeyForm)
        if body is not None:
            command = idempotency(body.idempotency_key, who, "replan_cohort", str(cohort_id))
            with form.refusals():
                await replan_cohort(ReplanCohort(cohort_id, who.countries), command, deps=deps)
                return RedirectResponse(f"/scheduler/cohorts/{cohort_id}", 303)
        return await _page(request, "cohort.html", cohort_id, who.countries, deps, form=form, status=422)

    return routes


async def _page(
    request: Request,
    template: str,
    cohort_id: UUID,
    countries: frozenset[str],
    deps: Any,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    async with transaction(deps.pool) as conn:
        cohort = await show_cohort(conn, cohort_id, countries)
        plan = await show_newest_plan(conn, cohort_id, countries) if cohort["plan_id"] else None
        rows = await lists.list_bookings(conn, sorted(countries), cohort_id=cohort_id, limit=500)
        names = await lists.get_names(conn, ids_in(rows))
        effects = None
        if plan and template == "cohort_publish.html":
            effects = await foresee_publishing(conn, UUID(plan["plan_id"]), countries)
    bookings = [booking_json(row, names) for row in rows]
    stages = plan["stages"] if plan else []
    return render(
        request,
        template,
        status=status,
        cohort=cohort,
        word=COHORT_STATES[cohort["state"]],
        window=[date.fromisoformat(cohort[name]) for name in ("first_day", "last_day")],
        plan=plan,
        stages=stages,
        board=board_of(cohort, plan, bookings),
        told=told_of(plan) if plan else [],
        effects=effects,
        reach=reach_query(effects) if effects else "",
        form=form or Form(),
        key=str(new_id()),
    )
