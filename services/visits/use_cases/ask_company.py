"""Whoever goes along is asked, answers, or lets it lapse; the trainer's own answer stays as it is."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.visits.domain.company import AHEAD, check_company_answer
from services.visits.domain.visit import Answer, Visit
from services.visits.storage.company import (
    get_company_offer,
    insert_company_offers,
    list_open,
    mark_company_answered,
    withdraw_others,
)
from services.visits.storage.visits import get_visit, save_visit
from shared.contracts.values import VisitKind
from shared.contracts.visit import CompanyAsked, CompanyConfirmed, OfferLapsed, VisitDeclined
from shared.db import Connection
from shared.errors import not_found
from shared.kafka.outbox import emit
from shared.timers import Due, arm, disarm

COMPANY = "visit.company"
"""Until then the first of those who go along, and have not answered, may answer."""


async def ask_company(visit: Visit, respond_by: datetime, *, conn: Connection, now: datetime) -> None:
    """Ask those of the company who were not asked for this start before. The visit's row is locked."""
    if visit.offer == 1 and not visit.co_trainer_ids:
        return  # nearly every visit, and a plan that is published has hundreds
    await withdraw_others(conn, visit, now)
    asked = await insert_company_offers(conn, visit, respond_by, now) if visit.co_trainer_ids else []
    await _watch(visit, conn=conn, now=now)
    if not asked:
        return
    fact = CompanyAsked(
        visit_id=visit.visit_id,
        offer=visit.offer,
        country=visit.country,
        kind=VisitKind(visit.shown_kind),
        stage=visit.shown_stage,
        enterprise_ids=visit.enterprise_ids,
        lead_id=visit.trainer_id,
        trainer_ids=tuple(asked),
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        zone=visit.zone,
        respond_by=respond_by,
        module=visit.module,
        cohort_id=visit.cohort_id,
    )
    await emit(conn, fact, now=now)


async def release_company(visit: Visit, *, conn: Connection, now: datetime) -> None:
    """Nobody needs to answer: the visit is off, or has no day. The visit's row is locked."""
    still = [one.trainer_id for one in await list_open(conn, visit.visit_id)]
    if still:
        await mark_company_answered(conn, visit, still, Answer.WITHDRAWN, now)
    await disarm(conn, COMPANY, visit.visit_id)


async def answer_company(
    visit: Visit,
    person_id: UUID,
    answer: Answer,
    *,
    offer: int | None,
    reason: str | None,
    via: str,
    conn: Connection,
    now: datetime,
) -> None:
    """Accepted, or declined: then they leave the company. The visit's row is locked; the same answer twice is the same."""
    asked = await get_company_offer(conn, visit.visit_id, person_id)
    if asked is None and person_id in visit.co_trainer_ids:  # booked by a version that asked nobody who goes along
        await insert_company_offers(conn, replace(visit, co_trainer_ids=(person_id,)), visit.respond_by, now)
        asked = await get_company_offer(conn, visit.visit_id, person_id)
    if asked is None:
        raise not_found("visit")
    if not check_company_answer(visit, asked, answer, offer):
        return
    await mark_company_answered(conn, visit, [person_id], answer, now, reason=reason, via=via)
    await _watch(visit, conn=conn, now=now)
    said = {"visit_id": visit.visit_id, "offer": visit.offer, "country": visit.country, "trainer_id": person_id}
    if answer is Answer.ACCEPTED:
        await emit(conn, CompanyConfirmed.model_validate(said), now=now)
        return
    await save_visit(conn, visit.without(person_id))
    await emit(conn, VisitDeclined.model_validate(said | {"reason": reason}), now=now)


async def lapse_company(due: Due, *, now: datetime, conn: Connection) -> None:
    """Who has not answered in time leaves the company, and the timetable looks for somebody else."""
    visit = await get_visit(conn, due.aggregate, lock=True)
    if visit is None or visit.state not in AHEAD:
        return
    late = [one.trainer_id for one in await list_open(conn, visit.visit_id) if one.respond_by <= now]
    await mark_company_answered(conn, visit, late, Answer.LAPSED, now)
    for person_id in late:
        visit = visit.without(person_id)
        lapsed = OfferLapsed(visit_id=visit.visit_id, offer=visit.offer, country=visit.country, trainer_id=person_id)
        await emit(conn, lapsed, now=now)
    await save_visit(conn, visit)
    await _watch(visit, conn=conn, now=now)


async def _watch(visit: Visit, *, conn: Connection, now: datetime) -> None:
    still = await list_open(conn, visit.visit_id)
    if still:
        await arm(conn, COMPANY, visit.visit_id, still[0].respond_by, now=now)
    else:
        await disarm(conn, COMPANY, visit.visit_id)
