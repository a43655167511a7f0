"""Somebody answered by the channel itself: an SMS, a calendar's reply. It counts as if they had pressed the button."""

from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.visit import Answer
from services.visits.storage.people import get_person
from services.visits.use_cases.acknowledge_case import acknowledge_in
from services.visits.use_cases.answer_offer import AnswerOffer, answer_in
from services.visits.use_cases.see_visit import Asker
from shared.contracts.message import MessageAnswered
from shared.db import Connection
from shared.errors import Rejected


async def take_answer(fact: MessageAnswered, *, conn: Connection, deps: Deps) -> None:
    """Refused answers leave a visible row; the sender sees how things stand when they open the page."""
    match fact.answer:
        case "accept":
            await _answer(fact, AnswerOffer(fact.about, fact.recipient_id, Answer.ACCEPTED, via="message"), conn, deps)
        case "decline":
            reason = AnswerOffer(fact.about, fact.recipient_id, Answer.DECLINED, reason="other", via="message")
            await _answer(fact, reason, conn, deps)
        case "acknowledge":
            asker = await asker_of(conn, fact.recipient_id)
            received_at: datetime = fact.answered_at
            await acknowledge_in(fact.about, asker, conn=conn, received_at=received_at, deps=deps)
        case _:
            raise Rejected("answer_unknown", 422, "The answer must be accept, decline or acknowledge.", field="answer")


async def _answer(fact: MessageAnswered, cmd: AnswerOffer, conn: Connection, deps: Deps) -> None:
    await asker_of(conn, fact.recipient_id)
    await answer_in(cmd, conn=conn, deps=deps)


async def asker_of(conn: Connection, person_id: UUID) -> Asker:
    """Somebody who answers without a session: as directory knows them now; who left cannot answer."""
    person = await get_person(conn, person_id)
    if person is None or not person.active:
        raise Rejected("person_unknown", 404, "Whoever this was sent to is not part of the programme any longer.")
    return Asker(person_id, frozenset(person.roles), frozenset(person.countries))
