"""One-tap pages: GET shows what would be answered, POST answers. No session is needed; the link is for one person."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from services.visits.domain.visit import DECLINE_REASONS
from services.visits.http.asking import AnyDeps
from services.visits.http.words import ALONG_DONE, ALONG_QUESTION, TAP_BUTTON, TAP_DONE, TAP_QUESTION, reason_options
from services.visits.storage.enterprises import list_enterprise_names
from services.visits.storage.people import list_names
from services.visits.use_cases.take_tap import Shown, show_tap, take_tap
from shared.db import transaction
from shared.errors import Rejected
from shared.taps import Tap
from shared.web.pages import render


def router() -> APIRouter:
    """`/tap`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/tap")
    async def show(request: Request, deps: AnyDeps, t: Annotated[str, Query(max_length=4000)]) -> Response:
        tap = deps.taps.verify(t, "visits", deps.clock.now())
        return await _page(request, deps, tap, await show_tap(tap, deps=deps), token=t)

    @routes.post("/tap")
    async def act(
        request: Request,
        deps: AnyDeps,
        t: Annotated[str, Form(max_length=4000)],
        reason: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        tap = deps.taps.verify(t, "visits", deps.clock.now())
        shown = await show_tap(tap, deps=deps)
        try:
            await take_tap(tap, reason=reason or None, deps=deps)
        except Rejected as refused:
            return await _page(request, deps, tap, shown, token=t, refused=refused)
        return await _page(request, deps, tap, shown, token=t, done=_words(tap, shown, TAP_DONE, ALONG_DONE))

    return routes


def _words(tap: Tap, shown: Shown, of_trainer: Mapping[str, str], of_company: Mapping[str, str]) -> str:
    """What is said to the visit's trainer, or to whoever goes along."""
    goes_along = shown.visit is not None and UUID(tap.person_id) in shown.visit.co_trainer_ids
    return of_company.get(tap.action, of_trainer[tap.action]) if goes_along else of_trainer[tap.action]


async def _page(
    request: Request,
    deps: AnyDeps,
    tap: Tap,
    shown: Shown,
    *,
    token: str,
    done: str | None = None,
    refused: Rejected | None = None,
) -> Response:
    async with transaction(deps.pool) as conn:
        person = (await list_names(conn, [UUID(tap.person_id)])).get(UUID(tap.person_id), "")
        sites = await list_enterprise_names(conn, shown.visit.enterprise_ids if shown.visit else [])
    return render(
        request,
        "tap.html",
        status=refused.status if refused else 200,
        tap=tap,
        token=token,
        person=person,
        visit=shown.visit,
        sites=list(sites.values()),
        question=_words(tap, shown, TAP_QUESTION, ALONG_QUESTION),
        button=TAP_BUTTON[tap.action],
        reasons=reason_options(DECLINE_REASONS),
        done=done,
        refused=refused,
        **({"zone": shown.visit.zone} if shown.visit else {}),
    )
