"""Zero-tolerance cases over HTTP. Whoever may not see one gets the answer of one that is not there."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.visits.http.asking import Anybody, AnyDeps, IdempotencyKey, Safeguarding, idempotency
from services.visits.http.bodies import (
    AcknowledgeBody,
    EmptyBody,
    NoteBody,
    OptionalTextBody,
    ProposeBody,
    RaiseCaseBody,
    ReasonBody,
    sealed,
    sealed_or_none,
)
from services.visits.http.shapes import CaseDetail, CasePage
from services.visits.http.views import case_detail, cases_out
from services.visits.storage.cases import count_cases, list_cases
from services.visits.use_cases.acknowledge_case import acknowledge_case
from services.visits.use_cases.ask_verification import ask_verification
from services.visits.use_cases.close_case import approve_closure, propose_closure, return_closure
from services.visits.use_cases.confirm_case import confirm_case
from services.visits.use_cases.note_progress import note_progress
from services.visits.use_cases.raise_case import RaiseCase, raise_case
from services.visits.use_cases.see_case import safeguards, see_case
from shared.db import transaction

Standing = Literal["alerting", "unowned", "owned", "asked", "closing", "closed"]


def router() -> APIRouter:
    """Routes under `/visits/api/cases`, and the packs."""
    routes = APIRouter(prefix="/api", tags=["cases"])

    @routes.get("/packs")
    async def get_packs(asker: Anybody, deps: AnyDeps) -> dict[str, Any]:
        """The protocols and rules this installation holds itself to, as released."""
        return {"items": list(deps.packs.documents), "next": None}

    @routes.get("/cases")
    async def get_cases(
        asker: Safeguarding,
        deps: AnyDeps,
        standing: Standing | None = None,
        open: bool = False,
        cursor: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> CasePage:
        """The cases one may see, newest first, with their clocks; the excluded neither see nor count one."""
        place = {"safeguarding": safeguards(asker), "countries": sorted(asker.countries)}
        async with transaction(deps.pool) as conn:
            found = await list_cases(
                conn,
                asker.person_id,
                safeguarding=safeguards(asker),
                countries=sorted(asker.countries),
                standing=standing,
                open_only=open,
                before=cursor,
                limit=limit + 1,
            )
            counts = await count_cases(conn, asker.person_id, **place)  # type: ignore[arg-type]
            items = await cases_out(conn, found[:limit])
        return CasePage(items=items, next=items[-1].case_id if len(found) > limit else None, counts=counts)

    @routes.get("/cases/{case_id}")
    async def get_case(case_id: UUID, asker: Safeguarding, deps: AnyDeps) -> CaseDetail:
        """The whole case. That it was read is on record before it is shown."""
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases", status_code=201)
    async def post_case(
        asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: RaiseCaseBody
    ) -> dict[str, Any]:
        """Raised without a visit: after a call, or a worker's complaint."""
        cmd = RaiseCase(
            asker,
            body.item,
            sealed(body.text),
            body.country,
            body.case_id,
            body.enterprise_id,
            body.named_person_ids,
        )
        text = deps.sealer.fingerprint(cmd.text)
        wish = idempotency(key, "raise-case", asker, text=text, body=body.model_dump(mode="json"))
        return {"case_id": await raise_case(cmd, idempotency=wish, deps=deps)}

    @routes.post("/cases/{case_id}/acknowledge")
    async def post_acknowledge(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: AcknowledgeBody | None = None
    ) -> CaseDetail:
        """Take the case, for as long as the pack's shelf-life; `take_over` from somebody who has it."""
        take_over = body.take_over if body else False
        wish = idempotency(key, "acknowledge", asker, case=case_id, take_over=take_over)
        await acknowledge_case(case_id, asker, take_over=take_over, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases/{case_id}/note")
    async def post_note(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: NoteBody
    ) -> dict[str, Any]:
        """The owner's note renews the shelf-life. Naming persons excludes them and their line, the writer too if it is them."""
        text = sealed(body.text)
        named = [str(one) for one in body.named_person_ids]
        wish = idempotency(key, "note", asker, case=case_id, text=deps.sealer.fingerprint(text), named=named)
        await note_progress(case_id, asker, text, named=body.named_person_ids, idempotency=wish, deps=deps)
        return {"case_id": case_id}

    @routes.post("/cases/{case_id}/confirm")
    async def post_confirm(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: OptionalTextBody | None = None
    ) -> CaseDetail:
        text = sealed_or_none(body.text) if body else None
        wish = idempotency(key, "confirm", asker, case=case_id, text=text and deps.sealer.fingerprint(text))
        await confirm_case(case_id, asker, text, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases/{case_id}/verification")
    async def post_verification(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: EmptyBody | None = None
    ) -> CaseDetail:
        """Ask for a visit by somebody independent; its id stands on the case."""
        wish = idempotency(key, "verification", asker, case=case_id)
        await ask_verification(case_id, asker, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases/{case_id}/propose-closure")
    async def post_propose(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: ProposeBody
    ) -> CaseDetail:
        """`resolved` of a confirmed case (verified, or with the reason why not), `cancelled` of a suspected one."""
        reason = sealed_or_none(body.reason)
        text = reason and deps.sealer.fingerprint(reason)
        wish = idempotency(key, "propose", asker, case=case_id, outcome=body.outcome, text=text)
        await propose_closure(case_id, asker, body.outcome, reason, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases/{case_id}/approve-closure")
    async def post_approve(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: OptionalTextBody | None = None
    ) -> CaseDetail:
        """By a second person: neither the proposer nor whoever raised the case."""
        text = sealed_or_none(body.text) if body else None
        wish = idempotency(key, "approve", asker, case=case_id, text=text and deps.sealer.fingerprint(text))
        await approve_closure(case_id, asker, text, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    @routes.post("/cases/{case_id}/return-closure")
    async def post_return(
        case_id: UUID, asker: Safeguarding, deps: AnyDeps, key: IdempotencyKey, body: ReasonBody
    ) -> CaseDetail:
        """Not yet: back to its owner with the reason."""
        reason = sealed(body.reason)
        wish = idempotency(key, "return-closure", asker, case=case_id, text=deps.sealer.fingerprint(reason))
        await return_closure(case_id, asker, reason, idempotency=wish, deps=deps)
        return await case_detail(await see_case(case_id, asker, deps=deps), asker, deps)

    return routes
