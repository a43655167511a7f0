"""The report form and the suspicion form: made for a phone, and they work without a script."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from services.visits.http.asking import AnyDeps, Trainer, idempotency
from services.visits.http.bodies import sealed
from services.visits.http.pages_visits import Key
from services.visits.http.views import visit_detail, visits_out
from services.visits.http.words import item_options, suspicion_options
from services.visits.storage.people import list_nameable
from services.visits.storage.visits import list_visits
from services.visits.use_cases.raise_suspicion import RaiseSuspicion, raise_suspicion
from services.visits.use_cases.submit_report import FindingLine, SubmitReport, submit_report
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, read_form
from shared.web.pages import render

_MOST_FINDINGS = 50


class ReportForm(BaseModel):
    """Findings stand in lists of the same length; a row without an item is no finding."""

    idempotency_key: Key
    report_id: UUID
    whole: Literal["yes", "no"]
    managers: int = Field(default=0, ge=0, le=1000)
    workers: int = Field(default=0, ge=0, le=1000)
    summary: Annotated[str, StringConstraints(max_length=4000)] = ""
    finding_id: list[UUID] = []
    finding_item: list[str] = []
    finding_grade: list[Literal["observation", "minor", "major"]] = []
    finding_text: list[str] = []


class AddForm(BaseModel):
    """Whether only one more row is wanted."""

    add: str = ""


class SuspicionForm(BaseModel):
    idempotency_key: Key
    finding_id: UUID
    visit_id: UUID
    item: int = Field(ge=1, le=9)
    text: SecretStr = Field(min_length=1, max_length=8000)
    named: list[UUID] = []


def router() -> APIRouter:
    """`/visits/{visit_id}/report`, `/suspicion`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/visits/{visit_id}/report")
    async def report_form(request: Request, visit_id: UUID, asker: Trainer, deps: AnyDeps) -> Response:
        form = Form({"whole": "yes"})
        return await _report_page(request, visit_id, asker, deps, form, finding_ids=[new_id()])

    @routes.post("/visits/{visit_id}/report")
    async def send_report(request: Request, visit_id: UUID, asker: Trainer, deps: AnyDeps) -> Response:
        added, _ = await read_form(request, AddForm)
        filled, form = await read_form(request, ReportForm)
        ids = _ids(form)
        if added is not None and added.add:
            form.errors.clear()
            ids = [*ids, new_id()][:_MOST_FINDINGS]
            return await _report_page(request, visit_id, asker, deps, form, finding_ids=ids)
        lines = _lines(filled, form) if filled else []
        if filled is None or form.errors:
            return await _report_page(request, visit_id, asker, deps, form, finding_ids=ids, status=422)
        cmd = SubmitReport(
            visit_id=visit_id,
            person_id=asker.person_id,
            report_id=filled.report_id,
            whole=filled.whole == "yes",
            managers=filled.managers,
            workers=filled.workers,
            summary=filled.summary,
            findings=tuple(lines),
        )
        wish = idempotency(
            filled.idempotency_key, "report", asker, visit=visit_id, body=filled.model_dump(mode="json")
        )
        try:
            await submit_report(cmd, idempotency=wish, deps=deps)
        except Rejected as refused:
            if refused.status == 404:
                raise
            form.refuse(refused)
            return await _report_page(
                request, visit_id, asker, deps, form, finding_ids=ids, status=refused.status
            )
        return RedirectResponse(f"/visits/visits/{visit_id}", 303)

    @routes.get("/suspicion")
    async def suspicion_form(request: Request, asker: Trainer, deps: AnyDeps, visit: UUID | None = None) -> Response:
        return await _suspicion_page(request, asker, deps, Form({"visit_id": str(visit or "")}))

    @routes.post("/suspicion")
    async def send_suspicion(request: Request, asker: Trainer, deps: AnyDeps) -> Response:
        filled, form = await read_form(request, SuspicionForm)
        if filled is None:
            return await _suspicion_page(request, asker, deps, form, status=422)
        text = sealed(filled.text)
        cmd = RaiseSuspicion(
            filled.finding_id, asker, filled.item, text, visit_id=filled.visit_id, named=tuple(filled.named)
        )
        wish = idempotency(
            filled.idempotency_key,
            "suspicion",
            asker,
            text=deps.sealer.fingerprint(text),
            body=filled.model_dump(mode="json"),
        )
        try:
            receipt = await raise_suspicion(cmd, idempotency=wish, deps=deps)
        except Rejected as refused:
            return await _suspicion_page(request, asker, deps, form.refuse(refused), status=refused.status)
        return render(
            request,
            "received.html",
            received_at=receipt.received_at,
            finding_id=receipt.finding_id,
            visit_id=filled.visit_id,
        )

    return routes


def _lines(filled: ReportForm, form: Form) -> list[FindingLine]:
    """Rows as they were typed: one with a text and no item is a fault, never a finding that is dropped."""
    items, texts = form.chosen("finding_item"), form.chosen("finding_text")
    lines = []
    for row, finding_id in enumerate(filled.finding_id):
        item = items[row] if row < len(items) else ""
        text = texts[row] if row < len(texts) else ""
        if not item and not text:
            continue
        if not text or not item.isdecimal() or not 1 <= int(item) <= 9:
            form.errors["finding_text"] = "Each finding needs both: what it concerns, and what you saw."
            continue
        lines.append(FindingLine(finding_id, int(item), filled.finding_grade[row], text))
    return lines


def _ids(form: Form) -> list[UUID]:
    found = []
    for given in form.chosen("finding_id"):
        try:
            found.append(UUID(given))
        except ValueError:
            found.append(new_id())
    return found or [new_id()]


async def _report_page(
    request: Request,
    visit_id: UUID,
    asker: Trainer,
    deps: AnyDeps,
    form: Form,
    *,
    finding_ids: Sequence[UUID],
    status: int = 200,
) -> Response:
    return render(
        request,
        "report.html",
        status=status,
        visit=await visit_detail(visit_id, asker, deps),
        form=form,
        key=form.value("idempotency_key") or str(new_id()),
        report_id=form.value("report_id") or str(new_id()),
        finding_ids=finding_ids,
        rows=len(finding_ids),
        item_options=item_options(),
    )


async def _suspicion_page(
    request: Request, asker: Trainer, deps: AnyDeps, form: Form, *, status: int = 200
) -> Response:
    async with transaction(deps.pool) as conn:
        mine = await list_visits(conn, trainer_id=asker.person_id, countries=None, limit=200)
        shown = await visits_out(conn, mine)
        sites = {site for visit in mine for site in visit.enterprise_ids}
        people = [one for country in sorted(asker.countries) for one in await list_nameable(conn, country, sites)]
    options = [
        (visit.visit_id, f"{', '.join(site.name or '?' for site in visit.enterprises)}, {visit.starts_at:%d %b}")
        for visit in shown
    ]
    return render(
        request,
        "suspicion.html",
        status=status,
        form=form,
        key=form.value("idempotency_key") or str(new_id()),
        finding_id=form.value("finding_id") or str(new_id()),
        visit_options=options,
        item_options=suspicion_options(deps.packs.current.triggers),
        people=[(person, name) for person, name in people if person != asker.person_id],
    )
