"""Visits over HTTP: see them, answer the offer, ask for another date, report."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.visits.domain.visit import Answer
from services.visits.http.asking import AnyDeps, FieldWorker, IdempotencyKey, Trainer, idempotency
from services.visits.http.bodies import (
    AcceptBody,
    DeclineBody,
    RaiseSuspicionBody,
    ReceiptOut,
    ReportBody,
    RescheduleBody,
    sealed,
)
from services.visits.http.shapes import VisitDetail, VisitPage
from services.visits.http.views import read_cursor, visit_detail, visits_out, write_cursor
from services.visits.storage import actions as stored_actions
from services.visits.storage import reports
from services.visits.storage.visits import list_visits
from services.visits.use_cases.answer_offer import AnswerOffer, answer_offer
from services.visits.use_cases.raise_suspicion import RaiseSuspicion, raise_suspicion
from services.visits.use_cases.submit_report import SubmitReport, submit_report
from services.visits.use_cases.want_reschedule import WantReschedule, want_reschedule
from shared.db import transaction
from shared.ids import new_id

State = Literal["offered", "confirmed", "declined", "lapsed", "unplaced", "missed", "reported", "cancelled"]


def router() -> APIRouter:
    """Routes under `/visits/api`."""
    routes = APIRouter(prefix="/api", tags=["visits"])

    @routes.get("/visits")
    async def get_visits(
        asker: FieldWorker,
        deps: AnyDeps,
        state: State | None = None,
        cohort_id: UUID | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> VisitPage:
        """A coordinator's countries' visits, a trainer's own, by their start."""
        coordinates = not asker.roles.isdisjoint({"coordinator", "head"})
        async with transaction(deps.pool) as conn:
            found = await list_visits(
                conn,
                trainer_id=None if coordinates else asker.person_id,
                countries=sorted(asker.countries) if coordinates else None,
                state=state,
                cohort_id=cohort_id,
                after=read_cursor(cursor),
                limit=limit + 1,
            )
            items = await visits_out(conn, found[:limit])
        return VisitPage(items=items, next=write_cursor(items[-1]) if len(found) > limit else None)

    @routes.get("/visits/{visit_id}")
    async def get_visit(visit_id: UUID, asker: FieldWorker, deps: AnyDeps) -> VisitDetail:
        return await visit_detail(visit_id, asker, deps)

    @routes.post("/visits/{visit_id}/accept")
    async def post_accept(
        visit_id: UUID, asker: Trainer, deps: AnyDeps, key: IdempotencyKey, body: AcceptBody | None = None
    ) -> VisitDetail:
        """The same answer twice is the same; the opposite one, or one to an older offer, is refused with what happened."""
        offer = body.offer if body else None
        cmd = AnswerOffer(visit_id, asker.person_id, Answer.ACCEPTED, offer)
        await answer_offer(cmd, idempotency=idempotency(key, "accept", asker, visit=visit_id, offer=offer), deps=deps)
        return await visit_detail(visit_id, asker, deps)

    @routes.post("/visits/{visit_id}/decline")
    async def post_decline(
        visit_id: UUID, asker: Trainer, deps: AnyDeps, key: IdempotencyKey, body: DeclineBody
    ) -> dict[str, Any]:
        """The next best trainer is asked; this visit is gone from one's own list."""
        cmd = AnswerOffer(visit_id, asker.person_id, Answer.DECLINED, body.offer, body.reason)
        wish = idempotency(key, "decline", asker, visit=visit_id, **body.model_dump())
        return {"visit_id": await answer_offer(cmd, idempotency=wish, deps=deps), "state": "declined"}

    @routes.post("/visits/{visit_id}/reschedule")
    async def post_reschedule(
        visit_id: UUID, asker: FieldWorker, deps: AnyDeps, key: IdempotencyKey, body: RescheduleBody
    ) -> VisitDetail:
        wish = idempotency(key, "reschedule", asker, visit=visit_id, reason=body.reason)
        await want_reschedule(WantReschedule(visit_id, asker, body.reason), idempotency=wish, deps=deps)
        return await visit_detail(visit_id, asker, deps)

    @routes.post("/visits/{visit_id}/report", status_code=201)
    async def post_report(
        visit_id: UUID, asker: Trainer, deps: AnyDeps, key: IdempotencyKey, body: ReportBody
    ) -> dict[str, Any]:
        """Report, findings, corrective actions and cases in one transaction. Of a suspicion only a receipt comes back."""
        cmd = SubmitReport(
            visit_id=visit_id,
            person_id=asker.person_id,
            report_id=body.report_id,
            whole=body.whole,
            managers=body.participants.managers,
            workers=body.participants.workers,
            summary=body.summary,
            findings=tuple(finding.line(new_id()) for finding in body.findings),
            suspicions=tuple(suspicion.line(new_id()) for suspicion in body.suspicions),
        )
        texts = [deps.sealer.fingerprint(line.text) for line in cmd.suspicions]
        wish = idempotency(key, "report", asker, visit=visit_id, texts=texts, body=body.model_dump(mode="json"))
        report_id = await submit_report(cmd, idempotency=wish, deps=deps)
        async with transaction(deps.pool) as conn:
            report = await reports.get_report(conn, report_id)
            assert report is not None
            opened = await stored_actions.list_actions(conn, countries=None, visit_id=visit_id)
            findings = await reports.list_findings(conn, visit_id)
        return {
            "report_id": report_id,
            "visit_id": visit_id,
            "reported_at": report.reported_at,
            "finding_ids": [row["finding_id"] for row in findings if row["report_id"] == report_id],
            "action_ids": [action.action_id for action in opened],
            "suspicions": [
                ReceiptOut(finding_id=line.finding_id, received_at=report.reported_at)
                for line in body.suspicions
                if line.finding_id is not None
            ],
            "suspicions_received": len(body.suspicions),
        }

    @routes.post("/suspicions", status_code=201)
    async def post_suspicion(
        asker: Trainer, deps: AnyDeps, key: IdempotencyKey, body: RaiseSuspicionBody
    ) -> ReceiptOut:
        """Before the report, from the phone. The officers are alerted within seconds; what comes back is a receipt."""
        cmd = RaiseSuspicion(
            body.finding_id,
            asker,
            body.item,
            sealed(body.text),
            body.visit_id,
            body.enterprise_id,
            body.named_person_ids,
        )
        text = deps.sealer.fingerprint(cmd.text)
        wish = idempotency(key, "suspicion", asker, text=text, body=body.model_dump(mode="json"))
        receipt = await raise_suspicion(cmd, idempotency=wish, deps=deps)
        return ReceiptOut(finding_id=receipt.finding_id, received_at=receipt.received_at)

    return routes
