"""Pages for looking at a plan before anybody is told: how good and how even it is, why, what if, and whom it reaches."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.domain.plan_weights import WISHES, in_force
from services.scheduler.http.asking import Planner, SchedulerDeps, idempotency
from services.scheduler.http.board import COHORT_STATES
from services.scheduler.use_cases.explain_visit import explain_visit
from services.scheduler.use_cases.review_plan import compare_plans, foresee_publishing, list_plans
from services.scheduler.use_cases.show_cohort import show_cohort
from services.scheduler.use_cases.show_plan import show_plan
from services.scheduler.use_cases.suppose_plan import AdoptPlan, SupposePlan, adopt_plan, suppose_plan
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, KeyForm, read_form
from shared.web.pages import render

PARTS = {
    "km": "Kilometres",
    "off_target": "Days away from the best day",
    "continuity": "Several trainers at one enterprise",
    "not_preferred": "Not the preferred trainer",
    "load": "Visits above an even share",
    "nights": "Nights away from home",
    "start": "Later in the day",
    "unplaced": "Visits without a place, enterprises without a classroom",
}
"""What a plan's points are called on pages."""

WEIGHT_OF = {
    "km": "per_km",
    "off_target": "per_day_off_target",
    "continuity": "per_trainer_changed",
    "not_preferred": "per_not_preferred",
    "load": "per_visit_over_share",
    "nights": "per_night_away",
}
"""Which weight decides about which part."""

CHANGES = {
    "placed": "New",
    "moved": "Moved",
    "reassigned": "Other trainer",
    "moved_and_reassigned": "Moved, other trainer",
    "dropped": "No place",
}
PLAN_STATES = {
    "proposed": ("Proposal", "info"),
    "published": ("Published", "good"),
    "superseded": ("Earlier", "neutral"),
    "what_if": ("What if?", "warn"),
}


class SupposeForm(BaseModel):
    model_config = ConfigDict(extra="allow")

    without: list[str] = []
    until: date | None = None
    idempotency_key: Annotated[str, Field(min_length=8, max_length=200)]


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/plans/{plan_id}")
    async def show_review(
        request: Request,
        plan_id: UUID,
        who: Planner,
        deps: SchedulerDeps,
        against: Annotated[UUID | None, Query()] = None,
    ) -> Response:
        return await _review(request, plan_id, who.countries, deps, against=against)

    @routes.get("/plans/{plan_id}/visits/{visit_id}/why")
    async def show_why(
        request: Request,
        plan_id: UUID,
        visit_id: UUID,
        who: Planner,
        deps: SchedulerDeps,
        trainer: Annotated[str | None, Query(max_length=60)] = None,
    ) -> Response:
        """Worked out while the reader waits: at most a few seconds."""
        why = await explain_visit(plan_id, visit_id, who.countries, asked=trainer or None, deps=deps)
        async with transaction(deps.pool) as conn:
            plan = await show_plan(conn, plan_id, who.countries)
            cohort = await show_cohort(conn, UUID(plan["cohort_id"]), who.countries)
        visit = next(one for one in (*plan["placements"], *plan["unplaced"]) if one["visit_id"] == str(visit_id))
        return render(request, "plan_why.html", plan=plan, cohort=cohort, visit=visit, why=why, parts=PARTS)

    @routes.post("/plans/{plan_id}/what-if")
    async def suppose(request: Request, plan_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        async with transaction(deps.pool) as conn:
            plan = await show_plan(conn, plan_id, who.countries)
        body, form = await read_form(request, SupposeForm)
        if body is not None:
            cohort_id = UUID(plan["cohort_id"])
            with form.refusals():
                weights = _weights(body.model_extra or {}, plan["weights"])
                asked = [str(cohort_id), weights, sorted(body.without), str(body.until)]
                command = idempotency(body.idempotency_key, who, "suppose_plan", asked)
                wanted = SupposePlan(cohort_id, who.countries, weights, tuple(body.without), body.until)
                await suppose_plan(wanted, command, deps=deps)
                return RedirectResponse(f"/scheduler/plans/{plan_id}#history", 303)
        return await _review(request, plan_id, who.countries, deps, form=form, status=422)

    @routes.post("/plans/{plan_id}/adopt")
    async def adopt(request: Request, plan_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, KeyForm)
        if body is not None:
            command = idempotency(body.idempotency_key, who, "adopt_plan", str(plan_id))
            with form.refusals():
                cohort_id = await adopt_plan(AdoptPlan(plan_id, who.countries), command, deps=deps)
                return RedirectResponse(f"/scheduler/cohorts/{cohort_id}", 303)
        return await _review(request, plan_id, who.countries, deps, form=form, status=422)

    return routes


def _weights(given: Mapping[str, Any], known: Mapping[str, float]) -> dict[str, float]:
    """Those that differ from what the plan was made with. Raises `Rejected` 422 for one that is no number."""
    found = {}
    for name in WISHES:
        text = str(given.get(name) or "").strip()
        if not text:  # left empty: as it is
            continue
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            raise Rejected("not_a_number", 422, f"“{text}” is no number of points.", field=name) from None
        if value != in_force(known)[name]:
            found[name] = value
    return found


def reach_query(effects: Mapping[str, Any]) -> str:
    """The query that asks notifications how these people would be told; at most so many as it answers for."""
    people = [("person", one["who"]["id"]) for one in effects["trainers"] if one["who"]]
    sites = [("enterprise", one["who"]["id"]) for one in effects["enterprises"] if one["who"]]
    return urlencode([*people[:100], *sites[:100]])


async def _review(
    request: Request,
    plan_id: UUID,
    countries: frozenset[str],
    deps: Any,
    *,
    against: UUID | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    async with transaction(deps.pool) as conn:
        plan = await show_plan(conn, plan_id, countries)
        cohort = await show_cohort(conn, UUID(plan["cohort_id"]), countries)
        history = await list_plans(conn, UUID(plan["cohort_id"]), countries)
        effects = await foresee_publishing(conn, plan_id, countries)
        if against is None and plan["state"] == "what_if" and cohort["plan_id"]:
            against = UUID(cohort["plan_id"])
        differs = await compare_plans(conn, plan_id, against, countries) if against else None
    weights = in_force(plan["weights"])
    return render(
        request,
        "plan_review.html",
        status=status,
        plan=plan,
        cohort=cohort,
        word=COHORT_STATES[cohort["state"]],
        state=PLAN_STATES[plan["state"]],
        states=PLAN_STATES,
        history=history,
        effects=effects,
        reach=reach_query(effects),
        differs=differs,
        changes=CHANGES,
        parts=PARTS,
        wishes=WISHES,
        weights={part: weights[name] for part, name in WEIGHT_OF.items()},
        people=[(one["trainer"]["key"], one["trainer"]["name"]) for one in plan["loads"] if one["trainer"]["key"]],
        form=form or Form(values={name: f"{value:g}" for name, value in weights.items()}),
        key=str(new_id()),
    )
