"""The trainer's visits, on a phone first; a coordinator sees those of their countries on the same page."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, StringConstraints

from services.visits.domain.pack import ITEMS
from services.visits.domain.visit import DECLINE_REASONS, RESCHEDULE_REASONS, Answer
from services.visits.http import words
from services.visits.http.asking import AnyDeps, FieldWorker, Trainer, idempotency
from services.visits.http.shapes import VisitOut
from services.visits.http.views import read_cursor, visit_detail, visits_out, write_cursor
from services.visits.storage.visits import list_visits
from services.visits.use_cases.answer_offer import AnswerOffer, answer_offer
from services.visits.use_cases.want_reschedule import WantReschedule, want_reschedule
from shared.crypto import new_token
from shared.db import transaction
from shared.errors import Rejected
from shared.web.forms import Form, read_form
from shared.web.pages import render

Key = Annotated[str, StringConstraints(min_length=8, max_length=200)]
WORDS = {
    "states": words.VISIT_STATES,
    "kinds": words.VISIT_KINDS,
    "reasons": words.REASONS,
    "action_states": words.ACTION_STATES,
}
_PAGE = 60


class AnswerForm(BaseModel):
    """Accept or decline; `reason` of the latter, `why` of a wish for another date."""

    idempotency_key: Key
    offer: int | None = None
    reason: str = ""
    why: str = ""


def router() -> APIRouter:
    """`/`, `/visits/…`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def my_visits(request: Request, asker: FieldWorker, deps: AnyDeps, cursor: str | None = None) -> Response:
        mine = "trainer" in asker.roles
        async with transaction(deps.pool) as conn:
            found = await list_visits(
                conn,
                trainer_id=asker.person_id if mine else None,
                countries=None if mine else sorted(asker.countries),
                after=read_cursor(cursor),
                limit=_PAGE + 1,
            )
            visits = await visits_out(conn, found[:_PAGE])
        return render(
            request,
            "visits.html",
            heading="My visits" if mine else "Visits",
            lead="What you are asked to do, and what you said you will do." if mine else "Visits of your countries.",
            groups=_grouped(visits, deps.clock.now(), mine=mine),
            any_visit=bool(visits),
            next=write_cursor(visits[-1]) if len(found) > _PAGE else None,
            is_trainer=mine,
            me=str(asker.person_id),
            now=deps.clock.now(),
            saved=None,
            words=WORDS,
            fresh=new_token,
        )

    @routes.get("/visits/{visit_id}")
    async def one_visit(request: Request, visit_id: UUID, asker: FieldWorker, deps: AnyDeps) -> Response:
        return await _visit_page(request, visit_id, asker, deps, Form())

    @routes.post("/visits/{visit_id}/accept")
    async def accept(request: Request, visit_id: UUID, asker: Trainer, deps: AnyDeps) -> Response:
        return await _answer(request, visit_id, asker, deps, Answer.ACCEPTED)

    @routes.post("/visits/{visit_id}/decline")
    async def decline(request: Request, visit_id: UUID, asker: Trainer, deps: AnyDeps) -> Response:
        return await _answer(request, visit_id, asker, deps, Answer.DECLINED)

    @routes.post("/visits/{visit_id}/reschedule")
    async def reschedule(request: Request, visit_id: UUID, asker: FieldWorker, deps: AnyDeps) -> Response:
        filled, form = await read_form(request, AnswerForm)
        if filled is None:
            return await _visit_page(request, visit_id, asker, deps, form, status=422)
        wish = idempotency(filled.idempotency_key, "reschedule", asker, visit=visit_id, why=filled.why)
        try:
            await want_reschedule(WantReschedule(visit_id, asker, filled.why), idempotency=wish, deps=deps)
        except Rejected as refused:
            return await _visit_page(request, visit_id, asker, deps, form, status=refused.status, refused=refused)
        return RedirectResponse(f"/visits/visits/{visit_id}", 303)

    return routes


async def _answer(
    request: Request, visit_id: UUID, asker: Trainer, deps: AnyDeps, answer: Answer
) -> Response:
    filled, form = await read_form(request, AnswerForm)
    if filled is None:
        return await _visit_page(request, visit_id, asker, deps, form, status=422)
    reason = filled.reason if answer is Answer.DECLINED else None
    cmd = AnswerOffer(visit_id, asker.person_id, answer, filled.offer, reason, via="page")  # type: ignore[arg-type]
    wish = idempotency(filled.idempotency_key, answer, asker, visit=visit_id, offer=filled.offer, reason=reason)
    try:
        await answer_offer(cmd, idempotency=wish, deps=deps)
    except Rejected as refused:
        if refused.status == 404:
            raise
        return await _visit_page(
            request, visit_id, asker, deps, form.refuse(refused), status=refused.status, refused=refused
        )
    return RedirectResponse("/visits/", 303)


async def _visit_page(
    request: Request,
    visit_id: UUID,
    asker: FieldWorker,
    deps: AnyDeps,
    form: Form,
    *,
    status: int = 200,
    refused: Rejected | None = None,
) -> Response:
    return render(
        request,
        "visit.html",
        status=status,
        visit=await visit_detail(visit_id, asker, deps),
        is_trainer="trainer" in asker.roles,
        me=str(asker.person_id),
        now=deps.clock.now(),
        form=form,
        refused=refused,
        decline_reasons=words.reason_options(DECLINE_REASONS),
        reschedule_reasons=words.reason_options(RESCHEDULE_REASONS),
        items=ITEMS,
        words=WORDS,
        fresh=new_token,
    )


def _grouped(visits: list[VisitOut], now: datetime, *, mine: bool) -> list[tuple[str, list[VisitOut]]]:
    def of(*states: str) -> list[VisitOut]:
        return [visit for visit in visits if visit.state in states]

    return [
        ("Answer these" if mine else "Waiting for an answer", of("offered")),
        ("A report is missing", of("missed")),
        ("To be reported", [visit for visit in of("confirmed") if visit.ends_at <= now]),
        ("Coming up", [visit for visit in of("confirmed") if visit.ends_at > now]),
        ("Waiting for the plan", of("declined", "lapsed", "unplaced")),
        ("Done", of("reported")),
        ("Cancelled", of("cancelled")),
    ]
