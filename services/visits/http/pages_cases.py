"""The officer's cases with their clocks, and one case with everything that happened to it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from services.visits.domain.case import Outcome
from services.visits.http import words
from services.visits.http.asking import AnyDeps, Safeguarding, idempotency
from services.visits.http.bodies import sealed, sealed_or_none
from services.visits.http.pages_visits import Key
from services.visits.http.views import case_detail, cases_out
from services.visits.storage.cases import count_cases, list_cases
from services.visits.storage.people import list_nameable
from services.visits.use_cases.acknowledge_case import acknowledge_case
from services.visits.use_cases.ask_verification import ask_verification
from services.visits.use_cases.close_case import approve_closure, propose_closure, return_closure
from services.visits.use_cases.confirm_case import confirm_case
from services.visits.use_cases.note_progress import note_progress
from services.visits.use_cases.raise_case import RaiseCase, raise_case
from services.visits.use_cases.see_case import safeguards, see_case
from shared.commands import Idempotency
from shared.crypto import SealedText, new_token
from shared.db import transaction
from shared.errors import Rejected
from shared.web.forms import Form, read_form
from shared.web.pages import render

_PAGE = 100
WORDS = {
    "standings": words.STANDINGS,
    "stages": words.STAGES,
    "suspected": words.SUSPECTED,
    "verifications": words.VERIFICATIONS,
    "outcomes": words.OUTCOMES,
    "alerts": words.ALERTS,
    "channels": words.CHANNELS,
    "audit": words.AUDIT,
}


class ActForm(BaseModel):
    """What any of the acts may carry."""

    idempotency_key: Key
    text: SecretStr | None = Field(default=None, max_length=8000)
    outcome: Outcome | None = None
    named: list[UUID] = []


class RaiseForm(BaseModel):
    idempotency_key: Key
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
    item: int = Field(ge=1, le=9)
    text: SecretStr = Field(min_length=1, max_length=8000)
    named: list[UUID] = []


def router() -> APIRouter:
    """`/cases…`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/cases")
    async def cases(request: Request, asker: Safeguarding, deps: AnyDeps, cursor: UUID | None = None) -> Response:
        whose: dict[str, Any] = {"safeguarding": safeguards(asker), "countries": sorted(asker.countries)}
        async with transaction(deps.pool) as conn:
            found = await list_cases(conn, asker.person_id, **whose, before=cursor, limit=_PAGE + 1)
            counts = await count_cases(conn, asker.person_id, **whose)
            shown = await cases_out(conn, found[:_PAGE])
        return render(
            request,
            "cases.html",
            open_cases=sorted((case for case in shown if case.due_at), key=lambda case: str(case.due_at)),
            closed_cases=[case for case in shown if not case.due_at],
            counts=counts,
            next=shown[-1].case_id if len(found) > _PAGE else None,
            now=deps.clock.now(),
            me=str(asker.person_id),
            words=WORDS,
            may_raise=safeguards(asker),
        )

    @routes.get("/cases/raise")
    async def raise_form(request: Request, asker: Safeguarding, deps: AnyDeps) -> Response:
        return await _raise_page(request, asker, deps, Form({"country": min(asker.countries, default="")}))

    @routes.post("/cases/raise")
    async def send_raise(request: Request, asker: Safeguarding, deps: AnyDeps) -> Response:
        filled, form = await read_form(request, RaiseForm)
        if filled is None:
            return await _raise_page(request, asker, deps, form, status=422)
        text = sealed(filled.text)
        print_of = deps.sealer.fingerprint(text)
        wish = idempotency(
            filled.idempotency_key, "raise-case", asker, text=print_of, body=filled.model_dump(mode="json")
        )
        cmd = RaiseCase(asker, filled.item, text, filled.country, named=tuple(filled.named))
        try:
            case_id = await raise_case(cmd, idempotency=wish, deps=deps)
        except Rejected as refused:
            return await _raise_page(request, asker, deps, form.refuse(refused), status=refused.status)
        return RedirectResponse(f"/visits/cases/{case_id}", 303)

    @routes.get("/cases/{case_id}")
    async def case(request: Request, case_id: UUID, asker: Safeguarding, deps: AnyDeps) -> Response:
        return await _case_page(request, case_id, asker, deps, Form())

    @routes.post("/cases/{case_id}/{act}")
    async def act(request: Request, case_id: UUID, act: str, asker: Safeguarding, deps: AnyDeps) -> Response:
        filled, form = await read_form(request, ActForm)
        if filled is None:
            return await _case_page(request, case_id, asker, deps, form, status=422)
        text = sealed_or_none(filled.text)
        wish = idempotency(
            filled.idempotency_key,
            act,
            asker,
            case=case_id,
            text=text and deps.sealer.fingerprint(text),
            outcome=filled.outcome,
            named=filled.named,
        )
        try:
            await _do(act, case_id, asker, filled, text, wish, deps)
        except Rejected as refused:
            if refused.status == 404:
                raise
            return await _case_page(
                request, case_id, asker, deps, form, status=refused.status, refused=refused
            )
        return RedirectResponse(f"/visits/cases/{case_id}", 303)

    return routes


async def _do(
    act: str,
    case_id: UUID,
    asker: Safeguarding,
    filled: ActForm,
    text: SealedText | None,
    wish: Idempotency,
    deps: AnyDeps,
) -> None:
    match act:
        case "acknowledge" | "take_over":
            take_over = act == "take_over"
            await acknowledge_case(case_id, asker, take_over=take_over, idempotency=wish, deps=deps)
        case "note":
            await note_progress(case_id, asker, _needed(text), named=filled.named, idempotency=wish, deps=deps)
        case "confirm":
            await confirm_case(case_id, asker, text, idempotency=wish, deps=deps)
        case "verification":
            await ask_verification(case_id, asker, idempotency=wish, deps=deps)
        case "propose":
            if filled.outcome is None:
                raise Rejected("outcome_missing", 422, "Say how it ended: resolved or cancelled.", field="outcome")
            await propose_closure(case_id, asker, filled.outcome, text, idempotency=wish, deps=deps)
        case "approve":
            await approve_closure(case_id, asker, text, idempotency=wish, deps=deps)
        case "return":
            await return_closure(case_id, asker, _needed(text), idempotency=wish, deps=deps)
        case _:
            raise Rejected("not_found", 404, "There is nothing at this address.")


def _needed(text: SealedText | None) -> SealedText:
    if text is None:
        raise Rejected("text_missing", 422, "Write something down first.", field="text")
    return text


async def _case_page(
    request: Request,
    case_id: UUID,
    asker: Safeguarding,
    deps: AnyDeps,
    form: Form,
    *,
    status: int = 200,
    refused: Rejected | None = None,
) -> Response:
    case = await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)
    async with transaction(deps.pool) as conn:
        people = await list_nameable(conn, case.country, [case.enterprise.id] if case.enterprise else [])
    return render(
        request,
        "case.html",
        status=status,
        case=case,
        acts=set(case.acts),
        timeline=_newest_first(case.audit),
        form=form,
        refused=refused,
        people=people,
        now=deps.clock.now(),
        me=str(asker.person_id),
        words=WORDS,
        fresh=new_token,
    )


def _newest_first(audit: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The record, the newest first; somebody's reads in a row are one line that counts them."""
    lines: list[dict[str, Any]] = []
    for line in reversed(audit):
        last = lines[-1] if lines else None
        if last and line["act"] == "read" == last["act"] and line["actor"] == last["actor"]:
            last["times"] += 1
        else:
            lines.append(line | {"times": 1})
    return lines


async def _raise_page(
    request: Request, asker: Safeguarding, deps: AnyDeps, form: Form, *, status: int = 200
) -> Response:
    async with transaction(deps.pool) as conn:
        people = [one for country in sorted(asker.countries) for one in await list_nameable(conn, country, [])]
    return render(
        request,
        "raise.html",
        status=status,
        form=form,
        key=form.value("idempotency_key") or new_token(),
        countries=[(country, country) for country in sorted(asker.countries)],
        item_options=words.suspicion_options(deps.packs.current.triggers),
        people=people,
    )
