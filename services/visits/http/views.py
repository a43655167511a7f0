"""From rows to answers: the names are fetched once for everything that is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import Action
from services.visits.domain.case_acts import possible_acts
from services.visits.domain.visit import Visit
from services.visits.http.shapes import (
    ActionDetail,
    ActionOut,
    CaseDetail,
    CaseOut,
    Named,
    VisitDetail,
    VisitOut,
    case_fields,
    named,
)
from services.visits.storage import reports
from services.visits.storage.cases import CaseFile, list_receipts
from services.visits.storage.company import list_company_offers
from services.visits.storage.enterprises import list_enterprise_names
from services.visits.storage.people import list_names
from services.visits.storage.visits import get_visit, list_offers
from services.visits.use_cases.see_action import ActionView
from services.visits.use_cases.see_case import CaseView
from services.visits.use_cases.see_visit import Asker, check_sees
from shared.db import Connection, transaction
from shared.errors import not_found


async def visits_out(conn: Connection, visits: Sequence[Visit]) -> list[VisitOut]:
    """A page of visits."""
    persons = {person for visit in visits for person in (visit.trainer_id, *visit.co_trainer_ids)}
    sites = {site for visit in visits for site in visit.enterprise_ids}
    names = await list_names(conn, persons) | await list_enterprise_names(conn, sites)
    return [VisitOut.of(visit, names) for visit in visits]


async def visit_detail(visit_id: UUID, asker: Asker, deps: Deps) -> VisitDetail:
    """One visit, with what the reader may see around it: a trainer sees their own offers, a coordinator all."""
    async with transaction(deps.pool) as conn:
        visit = await get_visit(conn, visit_id)
        if visit is None:
            raise not_found("visit")
        check_sees(visit, asker)
        (out,) = await visits_out(conn, [visit])
        lead, company = await list_offers(conn, visit_id), await list_company_offers(conn, visit_id)
        offers = sorted(
            [*((row, False) for row in lead), *((row, True) for row in company)],
            key=lambda one: (one[0]["offered_at"], one[1]),
        )
        everything = asker.coordinates(visit.country)
        mine = [one for one in offers if everything or one[0]["trainer_id"] == asker.person_id]
        names = await list_names(conn, {row["trainer_id"] for row, _ in mine})
        return VisitDetail(
            **out.model_dump(),
            offers=[
                {
                    "offer": row["offer"],
                    "trainer": Named(id=row["trainer_id"], name=names.get(row["trainer_id"])),
                    "starts_at": row["starts_at"],
                    "offered_at": row["offered_at"],
                    "respond_by": row["respond_by"],
                    "answer": row["answer"],
                    "answered_at": row["answered_at"],
                    "reason": row["reason"],
                    "goes_along": goes_along,
                }
                for row, goes_along in mine
            ],
            reports=[
                {
                    "report_id": report.report_id,
                    "whole": report.whole,
                    "participants": {"managers": report.managers, "workers": report.workers},
                    "summary": report.summary,
                    "one_tap": report.one_tap,
                    "reported_at": report.reported_at,
                }
                for report in await reports.list_reports(conn, visit_id)
            ],
            findings=[dict(row) for row in await reports.list_findings(conn, visit_id)],
            receipts=[dict(row) for row in await list_receipts(conn, visit_id, asker.person_id)],
        )


async def actions_out(conn: Connection, found: Sequence[Action]) -> list[ActionOut]:
    """A page of actions."""
    names = await list_names(conn, {action.owner_id for action in found})
    names |= await list_enterprise_names(conn, {action.enterprise_id for action in found})
    return [ActionOut.of(action, names) for action in found]


async def action_detail(view: ActionView, deps: Deps) -> ActionDetail:
    """One action with its evidence and its timeline."""
    async with transaction(deps.pool) as conn:
        (out,) = await actions_out(conn, [view.action])
        persons = {row["submitted_by"] for row in view.evidence} | {row["actor_id"] for row in view.events}
        names = await list_names(conn, persons)
    evidence = [
        {
            "evidence_id": row["evidence_id"],
            "submitted_by": named(row["submitted_by"], names),
            "submitted_at": row["submitted_at"],
            "text": row["text"],
            "state": row["state"],
            "reason": row["reason"],
            "decided_at": row["decided_at"],
        }
        for row in view.evidence
    ]
    timeline = [
        {"at": row["at"], "actor": named(row["actor_id"], names), "what": row["what"], "detail": row["detail"]}
        for row in view.events
    ]
    return ActionDetail(**out.model_dump(), finding_text=view.finding_text, evidence=evidence, timeline=timeline)


async def cases_out(conn: Connection, files: Sequence[CaseFile]) -> list[CaseOut]:
    """A page of cases."""
    names = await list_names(conn, {file.case.owner_id for file in files})
    return [CaseOut.of(file, names) for file in files]


async def case_detail(view: CaseView, asker: Asker, deps: Deps) -> CaseDetail:
    """One case for one reader; the text is revealed here and nowhere else."""
    file, case = view.file, view.file.case
    persons: set[UUID | None] = {case.owner_id, case.raised_by, case.proposed_by, case.approved_by}
    persons |= {row["person_id"] for row in view.alerts} | {row["actor_id"] for row in view.audit}
    persons |= {text.author_id for text in view.texts} | set(view.named) | set(view.excluded)
    async with transaction(deps.pool) as conn:
        names = await list_names(conn, persons)
        sites = await list_enterprise_names(conn, [case.enterprise_id])
    raised_by = named(case.raised_by, names)
    assert raised_by is not None
    return CaseDetail(
        **case_fields(file, names),
        pack=file.pack,
        pack_version=file.pack_version,
        enterprise=named(case.enterprise_id, sites),
        visit_id=file.visit_id,
        report_id=file.report_id,
        raised_by=raised_by,
        verification_visit_id=case.verification_visit_id,
        proposed_outcome=case.proposed_outcome,
        proposed_by=named(case.proposed_by, names),
        approved_by=named(case.approved_by, names),
        texts=[
            {
                "kind": text.kind,
                "author": named(text.author_id, names),
                "written_at": text.written_at,
                "text": text.text.reveal(),
            }
            for text in view.texts
        ],
        alerts=[_alert(row, names) for row in view.alerts],
        audit=[
            {
                "seq": row["seq"],
                "at": row["at"],
                "received_at": row["received_at"],
                "actor": named(row["actor_id"], names),
                "act": row["act"],
                "detail": row["detail"],
            }
            for row in view.audit
        ],
        named=[Named(id=person, name=names.get(person)) for person in view.named],
        excluded=[
            {"person": named(person, names), "because": because} for person, because in view.excluded.items()
        ],
        acts=list(possible_acts(case, asker.person_id)),
    )


def _alert(row: Any, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "step": row["step"],
        "tier": row["tier"],
        "kind": row["kind"],
        "person": named(row["person_id"], names),
        "alerted_at": row["alerted_at"],
        "channel": row["channel"],
        "reached": row["state"],
        "code": row["code"],
        "changed_at": row["changed_at"],
    }


def write_cursor(visit: VisitOut) -> str:
    """Where the next page of visits begins."""
    return f"{visit.starts_at.isoformat().replace('+00:00', 'Z')}_{visit.visit_id}"


def read_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The position a cursor names; one that was not made here starts at the beginning."""
    try:
        at, _, visit_id = (cursor or "").partition("_")
        return datetime.fromisoformat(at), UUID(visit_id)
    except ValueError:
        return None
