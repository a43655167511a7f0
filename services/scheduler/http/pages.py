"""The coordinator's Today, and one visit with what can be done about it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduler.domain.wall_time import today_in
from services.scheduler.http import pages_cohorts, pages_new_cohort, pages_plans, pages_repairs
from services.scheduler.http.asking import Planner, SchedulerDeps, idempotency
from services.scheduler.http.board import COHORT_STATES, STATES
from services.scheduler.storage import lists
from services.scheduler.storage.lists import booking_json, ids_in
from services.scheduler.use_cases.move_visit import ReplanVisit, replan_visit
from services.scheduler.use_cases.show_visit import show_visit
from services.scheduler.use_cases.withdraw_visits import WithdrawVisit, withdraw_visit
from shared.db import transaction
from shared.ids import new_id
from shared.web.forms import Form, KeyForm, read_form
from shared.web.pages import render

_WEEK = timedelta(days=7)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Today:
    """What needs a coordinator, the most pressing first."""

    without_place: list[dict[str, Any]]
    absent: list[dict[str, Any]]
    late: list[dict[str, Any]]
    cohorts: list[dict[str, Any]]
    unanswered: list[dict[str, Any]]
    upcoming: list[dict[str, Any]]
    placing: int

    @property
    def calm(self) -> bool:
        """Nothing needs anybody."""
        return not (self.without_place or self.absent or self.late or self.cohorts)


class ReplanForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    want: Literal["another_trainer", "another_day", "any_place"]
    until: date | None = None
    ask_again: bool = False
    idempotency_key: Annotated[str, Field(min_length=8, max_length=200)]


def router() -> APIRouter:
    """Today, visits, and the pages about cohorts."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(pages_new_cohort.router())
    routes.include_router(pages_cohorts.router())
    routes.include_router(pages_plans.router())
    routes.include_router(pages_repairs.router())

    @routes.get("/")
    async def show_today(request: Request, who: Planner, deps: SchedulerDeps) -> Response:
        today = await _today(sorted(who.countries), deps)
        return render(request, "today.html", today=today, states=STATES, cohort_states=COHORT_STATES)

    @routes.get("/visits/{visit_id}")
    async def show_one(request: Request, visit_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        return await _visit_page(request, visit_id, who.countries, deps, Form())

    @routes.post("/visits/{visit_id}/replan")
    async def replan(request: Request, visit_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, ReplanForm)
        if body is not None:
            asked = body.model_dump(mode="json", exclude={"idempotency_key"})
            command = idempotency(body.idempotency_key, who, "replan_visit", [str(visit_id), asked])
            wanted = ReplanVisit(visit_id, who.countries, body.want, body.until, body.ask_again)
            with form.refusals():
                await replan_visit(wanted, command, deps=deps)
                return RedirectResponse(f"/scheduler/visits/{visit_id}", 303)
        return await _visit_page(request, visit_id, who.countries, deps, form, status=422)

    @routes.post("/visits/{visit_id}/withdraw")
    async def withdraw(request: Request, visit_id: UUID, who: Planner, deps: SchedulerDeps) -> Response:
        body, form = await read_form(request, KeyForm)
        if body is not None:
            command = idempotency(body.idempotency_key, who, "withdraw_visit", str(visit_id))
            with form.refusals():
                await withdraw_visit(WithdrawVisit(visit_id, who.countries), command, deps=deps)
                return RedirectResponse(f"/scheduler/visits/{visit_id}", 303)
        return await _visit_page(request, visit_id, who.countries, deps, form, status=422)

    return routes


async def _visit_page(
    request: Request,
    visit_id: UUID,
    countries: frozenset[str],
    deps: Any,
    form: Form,
    *,
    status: int = 200,
) -> Response:
    async with transaction(deps.pool) as conn:
        visit = await show_visit(conn, visit_id, countries)
    visit["steps"] = [step | {"at": datetime.fromisoformat(step["at"])} for step in visit["steps"]]
    return render(
        request,
        "visit.html",
        status=status,
        visit=visit,
        word=STATES[visit["state"]],
        day_of=_day_of(visit),
        window_last=date.fromisoformat(visit["window_last"]),
        zone=visit["zone"],
        form=form,
        key=str(new_id()),
        today=today_in(visit["zone"], deps.clock.now()),
    )


def _day_of(visit: dict[str, Any]) -> date | None:
    return date.fromisoformat(visit["day"]) if visit["day"] else None


async def _today(countries: list[str], deps: Any) -> Today:
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        without_place = await lists.list_bookings(conn, countries, states=["unplaceable"], limit=_MOST)
        absent = await lists.list_without_trainer(conn, countries, now)
        ahead = await lists.list_bookings(
            conn,
            countries,
            states=["booked", "confirmed", "placing"],
            last=(now + _WEEK).date(),
            limit=3 * _MOST,
        )
        names = await lists.get_names(conn, ids_in([*without_place, *absent, *ahead]))
        rows = await lists.list_waiting_cohorts(conn, countries, _MOST)
        figures = await lists.list_figures(conn, [row["cohort_id"] for row in rows])

    def shown(found: list[Any]) -> list[dict[str, Any]]:
        return [
            booking_json(row, names) | {"day": row["day"], "starts": row["starts_at"], "changed": row["changed_at"]}
            for row in found
        ]

    upcoming = [row for row in ahead if row["starts_at"] and row["starts_at"] >= now]
    return Today(
        without_place=shown(without_place),
        absent=shown(absent),
        late=shown([row for row in ahead if row["ends_at"] and row["ends_at"] < now]),
        cohorts=[dict(row) | {"figures": figures[row["cohort_id"]]} for row in rows],
        unanswered=shown([row for row in upcoming if row["state"] == "booked"]),
        upcoming=shown(upcoming),
        placing=sum(row["state"] == "placing" for row in ahead),
    )
