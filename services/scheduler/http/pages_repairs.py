"""Pages for what happens after publishing: say what it is, see what would change and whom it reaches, do it in one act."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.http.asking import Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.http.pages_plans import CHANGES, reach_query
from services.scheduler.use_cases.apply_repair import ApplyRepair, apply_repair
from services.scheduler.use_cases.propose_repair import ProposeRepair, propose_repair
from services.scheduler.use_cases.show_repair import show_repair
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, read_form
from shared.web.pages import render

KINDS = (
    ("leaves", "A trainer leaves: hand over all their visits"),
    ("ill", "A trainer is ill or away for some days"),
    ("closed", "A factory takes no visits for some days"),
    ("holiday", "A public holiday that was not known"),
)
CAUSES = {
    "leaves": "leaves",
    "ill": "is ill or away",
    "closed": "takes no visits",
    "holiday": "has a public holiday",
}
_Key = Annotated[str, Field(min_length=8, max_length=200)]


class RepairForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kind: Literal["ill", "leaves", "closed", "holiday"]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    first: date
    last: date | None = None
    who: Annotated[str, Field(max_length=60)] = ""
    region: Annotated[str, Field(max_length=60)] = ""
    most_moved: Annotated[int, Field(ge=0, le=200)] = 0
    idempotency_key: _Key


class ApplyForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accept_unplaced: bool = False
    idempotency_key: _Key


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/repairs/new")
    async def ask(request: Request, who: Planner, kind: str = "leaves", person: str = "") -> Response:
        only = next(iter(who.countries)) if len(who.countries) == 1 else ""
        known = {"kind": kind, "who": person, "country": only, "most_moved": "0"}
        return _form(request, who.countries, Form(values=known))

    @routes.post("/repairs/new")
    async def propose(request: Request, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, RepairForm)
        if body is not None:
            asked = body.model_dump(mode="json", exclude={"idempotency_key"})
            command = idempotency(body.idempotency_key, who, "propose_repair", asked)
            wanted = ProposeRepair(
                kind=body.kind,
                country=body.country,
                countries=who.countries,
                first=body.first,
                last=body.last,
                who=body.who.strip() or None,
                region=body.region.strip(),
                most_moved=body.most_moved,
                by=person_of(who),
            )
            try:
                repair_id = await propose_repair(wanted, command, deps=deps)
                return RedirectResponse(f"/scheduler/repairs/{repair_id}", 303)
            except Rejected as refused:
                form.errors["who" if refused.status == 404 else refused.field or ""] = refused.message
        return _form(request, who.countries, form, status=422)

    @routes.get("/repairs/{repair_id}")
    async def show(request: Request, repair_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        return await _page(request, repair_id, who.countries, deps, Form())

    @routes.post("/repairs/{repair_id}/apply")
    async def apply(request: Request, repair_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, ApplyForm)
        if body is not None:
            command = idempotency(body.idempotency_key, who, "apply_repair", [str(repair_id), body.accept_unplaced])
            with form.refusals():
                wanted = ApplyRepair(repair_id, who.countries, body.accept_unplaced)
                await apply_repair(wanted, command, deps=deps)
                return RedirectResponse(f"/scheduler/repairs/{repair_id}", 303)
        return await _page(request, repair_id, who.countries, deps, form, status=422)

    return routes


def _form(request: Request, countries: frozenset[str], form: Form, *, status: int = 200) -> Response:
    return render(
        request,
        "repair_new.html",
        status=status,
        form=form,
        kinds=KINDS,
        countries=[(one, one) for one in sorted(countries)],
        key=str(new_id()),
    )


async def _page(
    request: Request, repair_id: UUID, countries: frozenset[str], deps: Any, form: Form, *, status: int = 200
) -> Response:
    async with transaction(deps.pool) as conn:
        repair = await show_repair(conn, repair_id, countries)
    return render(
        request,
        "repair.html",
        status=status,
        repair=repair,
        because=CAUSES[repair["cause"]["kind"]],
        changes=CHANGES,
        reach=reach_query(repair),
        form=form,
        key=str(new_id()),
    )
