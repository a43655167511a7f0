"""The timetable says when and by whom: its trainer is asked, and asked again whenever that changes; so is who goes along."""

from dataclasses import replace
from datetime import datetime

from services.visits.calendars import calendar_of
from services.visits.deps import Deps
from services.visits.domain.case import Verification
from services.visits.domain.company import AHEAD
from services.visits.domain.visit import MISSED_AFTER, Answer, Visit, VisitState, respond_by
from services.visits.storage import reports
from services.visits.storage.visits import get_visit, insert_offer, insert_visit, mark_answered, save_visit
from services.visits.use_cases.ask_company import ask_company
from services.visits.use_cases.note_verification import note_verification
from shared.contracts.booking import BookingMoved, BookingReassigned, VisitScheduled
from shared.contracts.values import VisitKind
from shared.contracts.visit import VisitConfirmed, VisitOffered
from shared.db import Connection
from shared.errors import NotKnownYet, Rejected
from shared.kafka.outbox import emit
from shared.timers import arm

OFFER = "visit.offer"
"""Until then an offer waits for its answer."""

MISSED = "visit.missed"
"""By then a visit must have been reported."""


async def offer_visit(fact: VisitScheduled, *, conn: Connection, deps: Deps) -> None:
    """A visit stands in the published timetable: offer 1."""
    now = deps.clock.now()
    visit = Visit(
        visit_id=fact.visit_id,
        cohort_id=fact.cohort_id,
        country=fact.country,
        kind=fact.kind,
        stage=fact.stage,
        module=fact.module,
        enterprise_ids=fact.enterprise_ids,
        trainer_id=fact.trainer_id,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        zone=fact.zone,
        cause_id=fact.cause_id,
        state=VisitState.OFFERED,
        offer=1,
        respond_by=_respond_by(fact.starts_at, fact.country, now, deps),
        co_trainer_ids=fact.co_trainer_ids,
    )
    if not await insert_visit(conn, visit):
        raise Rejected("visit_known", 409, "A visit of this id is there already.")
    await _offer(visit, conn=conn, now=now)
    await note_verification(visit.visit_id, Verification.PLANNED, conn=conn, deps=deps)


async def offer_again(fact: BookingMoved | BookingReassigned, *, conn: Connection, deps: Deps) -> None:
    """Another time or another trainer: the former offer is over, whatever was answered, and a new one is made."""
    now = deps.clock.now()
    visit = await get_visit(conn, fact.visit_id, lock=True)
    if visit is None:
        raise NotKnownYet(f"visit {fact.visit_id}")
    if visit.state is VisitState.CANCELLED:
        raise Rejected("visit_cancelled", 409, "A cancelled visit is not moved.")
    if visit.state is VisitState.REPORTED and await _is_done(conn, visit):
        raise Rejected("visit_reported", 409, "A visit that was reported as done is not moved.")
    if _only_company_differs(visit, fact):
        await _change_company(replace(visit, co_trainer_ids=fact.co_trainer_ids), conn=conn, now=now, deps=deps)
        return
    await mark_answered(conn, visit, Answer.WITHDRAWN, now)
    visit = replace(
        visit,
        trainer_id=fact.trainer_id,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        zone=fact.zone,
        state=VisitState.OFFERED,
        offer=visit.offer + 1,
        respond_by=_respond_by(fact.starts_at, visit.country, now, deps),
        co_trainer_ids=fact.co_trainer_ids,
    )
    await save_visit(conn, visit)
    await _offer(visit, conn=conn, now=now)


def _only_company_differs(visit: Visit, fact: BookingMoved | BookingReassigned) -> bool:
    """The trainer, and what they were asked or said, stay."""
    stays = (visit.trainer_id, visit.starts_at, visit.ends_at) == (fact.trainer_id, fact.starts_at, fact.ends_at)
    return stays and visit.state in AHEAD and set(visit.co_trainer_ids) != set(fact.co_trainer_ids)


async def _change_company(visit: Visit, *, conn: Connection, now: datetime, deps: Deps) -> None:
    await save_visit(conn, visit)
    await ask_company(visit, _respond_by(visit.starts_at, visit.country, now, deps), conn=conn, now=now)
    if visit.state is VisitState.CONFIRMED:  # the timetable waits for the trainer's word after each change, and has it
        await emit(conn, confirmed_of(visit), now=now)


async def _is_done(conn: Connection, visit: Visit) -> bool:
    return any(report.whole for report in await reports.list_reports(conn, visit.visit_id))


def _respond_by(starts_at: datetime, country: str, now: datetime, deps: Deps) -> datetime:
    return respond_by(now, starts_at, calendar_of(country, deps.packs.current))


async def _offer(visit: Visit, *, conn: Connection, now: datetime) -> None:
    await insert_offer(conn, visit, now)
    await arm(conn, OFFER, visit.visit_id, visit.respond_by, now=now)
    await arm(conn, MISSED, visit.visit_id, visit.ends_at + MISSED_AFTER, now=now)
    await emit(
        conn,
        VisitOffered(
            visit_id=visit.visit_id,
            offer=visit.offer,
            country=visit.country,
            kind=VisitKind(visit.shown_kind),
            stage=visit.shown_stage,
            enterprise_ids=visit.enterprise_ids,
            trainer_id=visit.trainer_id,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            zone=visit.zone,
            respond_by=visit.respond_by,
            module=visit.module,
            cohort_id=visit.cohort_id,
        ),
        now=now,
    )
    await ask_company(visit, visit.respond_by, conn=conn, now=now)


def confirmed_of(visit: Visit) -> VisitConfirmed:
    """That its trainer goes."""
    return VisitConfirmed(
        visit_id=visit.visit_id,
        offer=visit.offer,
        country=visit.country,
        kind=VisitKind(visit.shown_kind),
        stage=visit.shown_stage,
        enterprise_ids=visit.enterprise_ids,
        trainer_id=visit.trainer_id,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        zone=visit.zone,
        module=visit.module,
        cohort_id=visit.cohort_id,
    )
