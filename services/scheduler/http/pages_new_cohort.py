"""The form that makes a cohort: choose, look whether it can be planned, create. It works without a script."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.domain.classrooms import sizes
from services.scheduler.domain.delivery import CLASSROOM, shortest_span_days
from services.scheduler.domain.wall_time import today_in
from services.scheduler.http.asking import Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.storage import catalogue, copies
from services.scheduler.use_cases.check_cohort import CohortRequest, Looked, check_cohort
from services.scheduler.use_cases.create_cohort import create_cohort
from shared.auth import Identity
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, read_form
from shared.web.pages import render

_SHOWN = 60
_LEAD = timedelta(days=14)
_USUAL = timedelta(days=83)
"""Twelve weeks: a module lasts two to three months."""


class CohortForm(BaseModel):
    """`step`: `search` shows other enterprises, `check` only looks, `create` does it."""

    model_config = ConfigDict(extra="ignore")

    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    module: Annotated[str, Field(max_length=60)]
    enterprises: Annotated[list[UUID], Field(max_length=100)] = []
    first_day: date
    last_day: date
    name: Annotated[str, Field(max_length=120)] = ""
    step: str = "create"
    idempotency_key: Annotated[str, Field(min_length=8, max_length=200)]


def router() -> APIRouter:
    """The routes, without the service's name in front; to be mounted before `/cohorts/{cohort_id}`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/cohorts/new")
    async def show_form(request: Request, who: Planner, deps: SchedulerDeps) -> Response:
        country = min(who.countries, default="")
        today = today_in(who.zone, deps.clock.now())
        first = today + _LEAD
        values = {
            "country": country,
            "first_day": first.isoformat(),
            "last_day": (first + _USUAL).isoformat(),
            "idempotency_key": str(new_id()),
        }
        return await _form(request, Form(values), who, deps)

    @routes.get("/cohorts/new/enterprises")
    async def show_choices(
        request: Request,
        who: Planner,
        deps: SchedulerDeps,
        country: Annotated[str, Query(max_length=2)] = "",
        module: Annotated[str, Query(max_length=60)] = "",
        q: Annotated[str, Query(max_length=80)] = "",
        enterprises: Annotated[list[UUID] | None, Query()] = None,
    ) -> Response:
        """The list of enterprises alone, while somebody types."""
        chosen = [str(one) for one in enterprises or []]
        form = Form({"country": country, "module": module, "q": q, "enterprises": chosen})
        choices = await _choices(form, who, deps)
        return render(request, "cohort_choices.html", form=form, choices=choices)

    @routes.post("/cohorts/new")
    async def post_form(request: Request, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, CohortForm)
        if form.value("step") == "search":
            form.errors.clear()
            return await _form(request, form, who, deps)
        if body is None:
            return await _form(request, form, who, deps, status=422)
        wanted = CohortRequest(
            country=body.country,
            module=body.module,
            enterprise_keys=(),
            enterprise_ids=tuple(body.enterprises),
            trainer_keys=None,
            first_day=body.first_day,
            last_day=body.last_day,
            name=body.name,
            countries=who.countries,
            created_by=person_of(who),
        )
        if body.step == "check":
            return await _looked(request, form, wanted, who, deps)
        asked = body.model_dump(mode="json", exclude={"idempotency_key", "step"})
        command = idempotency(body.idempotency_key, who, "create_cohort", asked)
        try:
            cohort_id = await create_cohort(wanted, command, deps=deps)
        except Rejected as refused:
            return await _form(request, form.refuse(refused), who, deps, status=422)
        return RedirectResponse(f"/scheduler/cohorts/{cohort_id}", 303)

    return routes


async def _looked(request: Request, form: Form, wanted: CohortRequest, who: Identity, deps: Any) -> Response:
    async with transaction(deps.pool) as conn:
        looked = await check_cohort(conn, wanted, now=deps.clock.now())
    for fault in looked.faults:
        form.errors.setdefault(fault.field, f"{fault.message} Right would be: {fault.expected}.")
    found = None if looked.faults else looked
    return await _form(request, form, who, deps, status=422 if looked.faults else 200, looked=found)


async def _choices(form: Form, who: Identity, deps: Any) -> list[Any]:
    country = form.value("country")
    if country not in who.countries:
        return []
    chosen = []
    for one in form.chosen("enterprises"):
        try:
            chosen.append(UUID(one))
        except ValueError:
            continue
    async with transaction(deps.pool) as conn:
        return await copies.search_enterprises(
            conn, country, form.value("q"), form.value("module"), chosen, _SHOWN + len(chosen)
        )


async def _form(
    request: Request,
    form: Form,
    who: Identity,
    deps: Any,
    *,
    status: int = 200,
    looked: Looked | None = None,
) -> Response:
    async with transaction(deps.pool) as conn:
        modules = await catalogue.list_modules(conn)
        plans = await catalogue.list_newest_plans(conn)
    spans: dict[str, int] = {}
    for plan, stages in plans:
        if plan["country"] in ("", form.value("country")):
            spans[plan["module"]] = max(spans.get(plan["module"], 0), shortest_span_days(stages))
    return render(
        request,
        "cohort_new.html",
        status=status,
        form=form,
        countries=[(one, one) for one in sorted(who.countries)],
        modules=[(row["code"], f"{row['title']} ({row['code']})") for row in modules],
        spans=spans,
        choices=await _choices(form, who, deps),
        looked=looked,
        visits=_visits(looked),
    )


def _visits(looked: Looked | None) -> int:
    if looked is None:
        return 0
    count = len(looked.enterprises)
    rooms = {one.stage: len(sizes(count, one.quorum, one.capacity) or [count]) for one in looked.stages}
    return sum(rooms[one.stage] if one.kind == CLASSROOM else count for one in looked.stages)
