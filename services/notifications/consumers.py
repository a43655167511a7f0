"""What notifications hears, and the one thing each fact makes it do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.notifications.deps import Deps
from services.notifications.storage.subjects import insert_cohort, save_action_state, save_case
from services.notifications.storage.visits import Booking, save_bookings, save_co_trainers
from services.notifications.use_cases.confirm_visit import confirm_company, confirm_visit
from services.notifications.use_cases.end_visit import cancel_visit, end_offer, note_report, tell_missed
from services.notifications.use_cases.keep_copies import keep_enterprise, keep_person
from services.notifications.use_cases.offer_visit import ask_company, offer_visit
from services.notifications.use_cases.page_operators import page_operators
from services.notifications.use_cases.tell_action import open_action, tell_action
from services.notifications.use_cases.tell_case import tell_case
from services.notifications.use_cases.tell_cohort import tell_cohort
from services.notifications.use_cases.tell_unplaceable import tell_unplaceable
from shared.contracts.action import (
    ActionCancelled,
    ActionOpened,
    ActionOverdue,
    ActionReminded,
    ActionVerified,
    EvidenceReturned,
    EvidenceSubmitted,
)
from shared.contracts.booking import BookingMoved, BookingReassigned, BookingUnplaceable, VisitScheduled
from shared.contracts.case import (
    CaseAckLapsed,
    CaseAcknowledged,
    CaseClosed,
    CaseConfirmed,
    CaseEscalated,
    CaseOpened,
    CaseProgressed,
    CaseUnowned,
    ClosureProposed,
    ClosureReturned,
    VerificationReported,
)
from shared.contracts.cohort import CohortCompleted, CohortCreated, CohortPlanned, CohortPublished
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.contracts.values import VisitKind
from shared.contracts.visit import (
    CompanyAsked,
    CompanyConfirmed,
    OfferLapsed,
    VisitCancelled,
    VisitConfirmed,
    VisitDeclined,
    VisitMissed,
    VisitOffered,
    VisitReported,
)
from shared.db import Connection
from shared.kafka.consumer import Consumer


async def on_person(key: UUID, state: PersonState | None, *, conn: Connection, deps: Deps) -> None:
    await keep_person(key, state, conn=conn)


async def on_enterprise(key: UUID, state: EnterpriseState | None, *, conn: Connection, deps: Deps) -> None:
    await keep_enterprise(key, state, conn=conn)


async def on_cohort_created(fact: CohortCreated, *, conn: Connection, deps: Deps) -> None:
    await insert_cohort(conn, fact)


async def on_cohort_planned(fact: CohortPlanned, *, conn: Connection, deps: Deps) -> None:
    figures = {"placed": fact.placed, "unplaced": fact.unplaced}
    part, now = str(fact.plan_id), deps.clock.now()
    await tell_cohort("notice_planned", fact.cohort_id, part=part, now=now, conn=conn, **figures)


async def on_cohort_published(fact: CohortPublished, *, conn: Connection, deps: Deps) -> None:
    part, now = str(fact.plan_id), deps.clock.now()
    await tell_cohort("notice_published", fact.cohort_id, part=part, now=now, conn=conn, visits=len(fact.visit_ids))


async def on_cohort_completed(fact: CohortCompleted, *, conn: Connection, deps: Deps) -> None:
    figures = {
        "planned": fact.visits_planned,
        "reported": fact.visits_reported,
        "withdrawn": fact.visits_withdrawn,
        "moved": fact.visits_moved,
    }
    now = deps.clock.now()
    await tell_cohort("notice_completed", fact.cohort_id, part="completed", now=now, conn=conn, **figures)


async def on_visits_scheduled(facts: Sequence[VisitScheduled], *, conn: Connection, deps: Deps) -> None:
    await save_bookings(
        conn,
        [Booking(fact.visit_id, fact.kind is not VisitKind.VERIFICATION, tuple(fact.co_trainer_ids)) for fact in facts],
    )


async def on_booking_changed(fact: BookingMoved | BookingReassigned, *, conn: Connection, deps: Deps) -> None:
    await save_co_trainers(conn, fact.visit_id, fact.co_trainer_ids)


async def on_booking_unplaceable(fact: BookingUnplaceable, *, conn: Connection, deps: Deps) -> None:
    await tell_unplaceable(fact, now=deps.clock.now(), conn=conn)


async def on_visit_offered(fact: VisitOffered, *, conn: Connection, deps: Deps) -> None:
    await offer_visit(fact, now=deps.clock.now(), conn=conn)


async def on_company_asked(fact: CompanyAsked, *, conn: Connection, deps: Deps) -> None:
    await ask_company(fact, now=deps.clock.now(), conn=conn)


async def on_company_confirmed(fact: CompanyConfirmed, *, conn: Connection, deps: Deps) -> None:
    await confirm_company(fact, now=deps.clock.now(), conn=conn)


async def on_visit_confirmed(fact: VisitConfirmed, *, conn: Connection, deps: Deps) -> None:
    await confirm_visit(fact, now=deps.clock.now(), conn=conn)


async def on_visit_declined(fact: VisitDeclined, *, conn: Connection, deps: Deps) -> None:
    await end_offer(fact.visit_id, fact.trainer_id, "declined", now=deps.clock.now(), conn=conn)


async def on_offer_lapsed(fact: OfferLapsed, *, conn: Connection, deps: Deps) -> None:
    await end_offer(fact.visit_id, fact.trainer_id, "lapsed", now=deps.clock.now(), conn=conn)


async def on_visit_reported(fact: VisitReported, *, conn: Connection, deps: Deps) -> None:
    await note_report(fact.visit_id, conn=conn)


async def on_visit_missed(fact: VisitMissed, *, conn: Connection, deps: Deps) -> None:
    await tell_missed(fact.visit_id, now=deps.clock.now(), conn=conn)


async def on_visit_cancelled(fact: VisitCancelled, *, conn: Connection, deps: Deps) -> None:
    await cancel_visit(fact.visit_id, now=deps.clock.now(), conn=conn)


async def on_action_opened(fact: ActionOpened, *, conn: Connection, deps: Deps) -> None:
    await open_action(fact, now=deps.clock.now(), conn=conn)


async def on_action_reminded(fact: ActionReminded, *, conn: Connection, deps: Deps) -> None:
    part, now = f"due-{fact.due_at:%Y%m%dT%H%M}", deps.clock.now()
    await tell_action("action_reminder", fact.action_id, fact.recipient_ids, part=part, now=now, conn=conn)


async def on_action_overdue(fact: ActionOverdue, *, conn: Connection, deps: Deps) -> None:
    told_at = fact.told_at or fact.due_at
    part, now = f"tier-{fact.tier}-{told_at:%Y%m%dT%H%M}", deps.clock.now()
    to = fact.recipient_ids
    await tell_action("action_overdue", fact.action_id, to, part=part, step=fact.tier, now=now, conn=conn)


async def on_evidence_submitted(fact: EvidenceSubmitted, *, conn: Connection, deps: Deps) -> None:
    part, now, to = str(fact.evidence_id), deps.clock.now(), fact.recipient_ids
    await tell_action("evidence_submitted", fact.action_id, to, part=part, state="submitted", now=now, conn=conn)


async def on_evidence_returned(fact: EvidenceReturned, *, conn: Connection, deps: Deps) -> None:
    part, now, to = str(fact.evidence_id), deps.clock.now(), fact.recipient_ids
    await tell_action("evidence_returned", fact.action_id, to, part=part, state="open", now=now, conn=conn)


async def on_action_verified(fact: ActionVerified, *, conn: Connection, deps: Deps) -> None:
    now, to = deps.clock.now(), fact.recipient_ids
    await tell_action("action_verified", fact.action_id, to, part="verified", state="verified", now=now, conn=conn)


async def on_action_cancelled(fact: ActionCancelled, *, conn: Connection, deps: Deps) -> None:
    await save_action_state(conn, fact.action_id, "cancelled")


GENERAL = Consumer(
    group="notifications.general",
    states={PersonState: on_person, EnterpriseState: on_enterprise},
    facts={
        CohortCreated: on_cohort_created,
        CohortPlanned: on_cohort_planned,
        CohortPublished: on_cohort_published,
        CohortCompleted: on_cohort_completed,
        BookingMoved: on_booking_changed,
        BookingReassigned: on_booking_changed,
        BookingUnplaceable: on_booking_unplaceable,
        VisitOffered: on_visit_offered,
        CompanyAsked: on_company_asked,
        CompanyConfirmed: on_company_confirmed,
        VisitConfirmed: on_visit_confirmed,
        VisitDeclined: on_visit_declined,
        OfferLapsed: on_offer_lapsed,
        VisitReported: on_visit_reported,
        VisitMissed: on_visit_missed,
        VisitCancelled: on_visit_cancelled,
        ActionOpened: on_action_opened,
        ActionReminded: on_action_reminded,
        ActionOverdue: on_action_overdue,
        EvidenceSubmitted: on_evidence_submitted,
        EvidenceReturned: on_evidence_returned,
        ActionVerified: on_action_verified,
        ActionCancelled: on_action_cancelled,
    },
    projections={VisitScheduled: on_visits_scheduled},  # a plan that is published says hundreds at once
)


def _alert(template: str, state: str) -> Any:
    """The handler of a fact that asks somebody to respond by an instant."""

    async def on_alert(
        fact: CaseOpened | CaseEscalated | CaseUnowned | CaseAckLapsed, *, conn: Connection, deps: Deps
    ) -> None:
        case_id, country, to = fact.case_id, fact.country, fact.recipient_ids
        now, by = deps.clock.now(), fact.respond_by
        await tell_case(
            template,
            case_id,
            country,
            to,
            state=state,
            part=f"step-{fact.step}",
            step=fact.step,
            channels=fact.channels,
            respond_by=by,
            now=now,
            conn=conn,
            free=deps.free,
        )

    return on_alert


async def on_owned(
    fact: CaseAcknowledged | CaseProgressed | CaseConfirmed | ClosureReturned, *, conn: Connection, deps: Deps
) -> None:
    await save_case(conn, fact.case_id, fact.country, "owned")


async def on_closure_proposed(fact: ClosureProposed, *, conn: Connection, deps: Deps) -> None:
    await tell_case(
        "case_closure",
        fact.case_id,
        fact.country,
        fact.recipient_ids,
        state="closing",
        part=f"step-{fact.step}",
        step=fact.step,
        channels=fact.channels,
        respond_by=fact.respond_by,
        outcome=fact.outcome,
        now=deps.clock.now(),
        conn=conn,
        free=deps.free,
    )


async def on_case_closed(fact: CaseClosed, *, conn: Connection, deps: Deps) -> None:
    case_id, to, now = fact.case_id, fact.recipient_ids, deps.clock.now()
    await tell_case(
        "case_closed", case_id, fact.country, to, state="closed", part="end", outcome=fact.outcome, now=now, conn=conn
    )


async def on_verification_reported(fact: VerificationReported, *, conn: Connection, deps: Deps) -> None:
    case_id, to, part = fact.case_id, fact.recipient_ids, str(fact.visit_id)
    await tell_case("case_verified", case_id, fact.country, to, part=part, now=deps.clock.now(), conn=conn)


async def on_stuck(topic: str, aggregate: UUID | None, conn: Connection, deps: Deps) -> None:
    await page_operators(topic, aggregate, now=deps.clock.now(), conn=conn)


CASE = Consumer(
    group="notifications.case",
    facts={
        CaseOpened: _alert("case_alert", "open"),
        CaseEscalated: _alert("case_escalated", "open"),
        CaseUnowned: _alert("case_unowned", "open"),
        CaseAckLapsed: _alert("case_lapsed", "open"),
        CaseAcknowledged: on_owned,
        CaseProgressed: on_owned,
        CaseConfirmed: on_owned,
        ClosureReturned: on_owned,
        VerificationReported: on_verification_reported,
        ClosureProposed: on_closure_proposed,
        CaseClosed: on_case_closed,
    },
    on_stuck=on_stuck,
)
