"""What the scheduler hears, and what it does about it."""

from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.use_cases.answer_visit import Refusal, confirm_visit, refuse_visit
from services.scheduler.use_cases.copy_directory import copy_enterprise, copy_person
from services.scheduler.use_cases.move_visit import move_visit
from services.scheduler.use_cases.report_visit import report_visit
from services.scheduler.use_cases.request_cohort import request_cohort
from services.scheduler.use_cases.want_visit import VisitWish, want_no_visit, want_visit
from shared.contracts.action import ActionCancelled, FollowUpWanted
from shared.contracts.case import VerificationWanted
from shared.contracts.command import RequestCohort
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.contracts.visit import (
    OfferLapsed,
    RescheduleWanted,
    VisitConfirmed,
    VisitDeclined,
    VisitMissed,
    VisitReported,
)
from shared.db import Connection
from shared.kafka.consumer import Consumer


async def on_person(key: UUID, state: PersonState | None, *, conn: Connection, deps: Deps) -> None:
    await copy_person(conn, key, state)


async def on_enterprise(key: UUID, state: EnterpriseState | None, *, conn: Connection, deps: Deps) -> None:
    await copy_enterprise(conn, key, state)


async def on_visit_confirmed(fact: VisitConfirmed, *, conn: Connection, deps: Deps) -> None:
    await confirm_visit(conn, fact.visit_id, fact.trainer_id, now=deps.clock.now())


async def on_visit_declined(fact: VisitDeclined, *, conn: Connection, deps: Deps) -> None:
    refusal = Refusal(fact.visit_id, fact.trainer_id, "declined", fact.reason)
    await refuse_visit(conn, refusal, now=deps.clock.now())


async def on_offer_lapsed(fact: OfferLapsed, *, conn: Connection, deps: Deps) -> None:
    await refuse_visit(conn, Refusal(fact.visit_id, fact.trainer_id, "lapsed"), now=deps.clock.now())


async def on_reschedule_wanted(fact: RescheduleWanted, *, conn: Connection, deps: Deps) -> None:
    await move_visit(conn, fact.visit_id, "reschedule", now=deps.clock.now())


async def on_visit_missed(fact: VisitMissed, *, conn: Connection, deps: Deps) -> None:
    await move_visit(conn, fact.visit_id, "missed", now=deps.clock.now())


async def on_visit_reported(fact: VisitReported, *, conn: Connection, deps: Deps) -> None:
    await report_visit(conn, fact.visit_id, whole=fact.whole, now=deps.clock.now())


async def on_follow_up_wanted(fact: FollowUpWanted, *, conn: Connection, deps: Deps) -> None:
    wish = VisitWish(
        visit_id=fact.visit_id,
        kind="follow_up",
        country=fact.country,
        enterprise_id=fact.enterprise_id,
        cause_id=fact.action_id,
        earliest_at=fact.earliest_at,
        latest_at=fact.latest_at,
        module=fact.module or None,
        prefer=fact.prefer_trainer_id,
    )
    await want_visit(conn, wish, now=deps.clock.now())


async def on_action_cancelled(fact: ActionCancelled, *, conn: Connection, deps: Deps) -> None:
    await want_no_visit(conn, fact.action_id, fact.country, now=deps.clock.now())


async def on_verification_wanted(fact: VerificationWanted, *, conn: Connection, deps: Deps) -> None:
    wish = VisitWish(
        visit_id=fact.visit_id,
        kind="verification",
        country=fact.country,
        enterprise_id=fact.enterprise_id,
        cause_id=fact.case_id,
        earliest_at=fact.earliest_at,
        latest_at=fact.latest_at,
        excluded=fact.excluded_trainer_ids,
    )
    await want_visit(conn, wish, now=deps.clock.now())


async def on_request_cohort(request: RequestCohort, *, conn: Connection, deps: Deps) -> None:
    await request_cohort(request, now=deps.clock.now(), conn=conn)


_FACTS: Any = {
    VisitConfirmed: on_visit_confirmed,
    VisitDeclined: on_visit_declined,
    OfferLapsed: on_offer_lapsed,
    RescheduleWanted: on_reschedule_wanted,
    VisitMissed: on_visit_missed,
    VisitReported: on_visit_reported,
    FollowUpWanted: on_follow_up_wanted,
    ActionCancelled: on_action_cancelled,
}

GENERAL = Consumer(
    group="scheduler.general",
    facts=_FACTS,
    states={PersonState: on_person, EnterpriseState: on_enterprise},
)
CASE = Consumer(group="scheduler.case", facts={VerificationWanted: on_verification_wanted}, unhurried=True)
COMMAND = Consumer(group="scheduler.command", commands={RequestCohort: on_request_cohort})

CONSUMERS = (GENERAL, CASE, COMMAND)
