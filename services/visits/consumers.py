"""What visits hears, and the one thing each fact makes it do."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.use_cases.cancel_visit import cancel_visit, note_unplaceable
from services.visits.use_cases.keep_copies import keep_enterprise, keep_person
from services.visits.use_cases.offer_visit import offer_again, offer_visit
from services.visits.use_cases.take_answer import take_answer
from services.visits.use_cases.track_alert import track_alert
from shared.contracts.booking import (
    BookingMoved,
    BookingReassigned,
    BookingUnplaceable,
    BookingWithdrawn,
    VisitScheduled,
)
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.message import MessageAnswered, MessageCancelled, MessageFailed, MessageQueued, MessageSent
from shared.contracts.person import PersonState
from shared.db import Connection
from shared.kafka.consumer import Consumer


async def on_person(key: UUID, state: PersonState | None, *, conn: Connection, deps: Deps) -> None:
    await keep_person(key, state, conn=conn, deps=deps)


async def on_enterprise(key: UUID, state: EnterpriseState | None, *, conn: Connection, deps: Deps) -> None:
    await keep_enterprise(key, state, conn=conn)


async def on_visit_scheduled(fact: VisitScheduled, *, conn: Connection, deps: Deps) -> None:
    await offer_visit(fact, conn=conn, deps=deps)


async def on_booking_moved(fact: BookingMoved, *, conn: Connection, deps: Deps) -> None:
    await offer_again(fact, conn=conn, deps=deps)


async def on_booking_reassigned(fact: BookingReassigned, *, conn: Connection, deps: Deps) -> None:
    await offer_again(fact, conn=conn, deps=deps)


async def on_booking_withdrawn(fact: BookingWithdrawn, *, conn: Connection, deps: Deps) -> None:
    await cancel_visit(fact, conn=conn, deps=deps)


async def on_booking_unplaceable(fact: BookingUnplaceable, *, conn: Connection, deps: Deps) -> None:
    await note_unplaceable(fact, conn=conn, deps=deps)


async def on_message_queued(fact: MessageQueued, *, conn: Connection, deps: Deps) -> None:
    await track_alert(fact, conn=conn, deps=deps)


async def on_message_sent(fact: MessageSent, *, conn: Connection, deps: Deps) -> None:
    await track_alert(fact, conn=conn, deps=deps)


async def on_message_failed(fact: MessageFailed, *, conn: Connection, deps: Deps) -> None:
    await track_alert(fact, conn=conn, deps=deps)


async def on_message_cancelled(fact: MessageCancelled, *, conn: Connection, deps: Deps) -> None:
    await track_alert(fact, conn=conn, deps=deps)


async def on_message_answered(fact: MessageAnswered, *, conn: Connection, deps: Deps) -> None:
    await take_answer(fact, conn=conn, deps=deps)


GENERAL = Consumer(
    group="visits.general",
    states={PersonState: on_person, EnterpriseState: on_enterprise},
    facts={
        VisitScheduled: on_visit_scheduled,
        BookingMoved: on_booking_moved,
        BookingReassigned: on_booking_reassigned,
        BookingWithdrawn: on_booking_withdrawn,
        BookingUnplaceable: on_booking_unplaceable,
    },
)

MESSAGE = Consumer(
    group="visits.message",
    facts={
        MessageQueued: on_message_queued,
        MessageSent: on_message_sent,
        MessageFailed: on_message_failed,
        MessageCancelled: on_message_cancelled,
        MessageAnswered: on_message_answered,
    },
)

CONSUMERS = (GENERAL, MESSAGE)
