"""A trainer answers an offer: from the page, the message, an SMS or the calendar. All mean the same and count once."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.visit import DECLINE_REASONS, Answer, Visit, VisitState, check_answer
from services.visits.storage.visits import get_offer, get_visit, mark_answered, save_visit
from services.visits.use_cases.ask_company import answer_company
from services.visits.use_cases.offer_visit import MISSED, OFFER, confirmed_of
from shared.commands import Idempotency, command
from shared.contracts.visit import VisitDeclined
from shared.db import Connection
from shared.errors import Rejected, not_found
from shared.kafka.outbox import emit
from shared.timers import disarm


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """`offer` None means the last one made to this person. `via`: api, page, tap or message."""

    visit_id: UUID
    person_id: UUID
    answer: Literal[Answer.ACCEPTED, Answer.DECLINED]
    offer: int | None = None
    reason: str | None = None
    via: str = "api"


async def answer_offer(cmd: AnswerOffer, *, idempotency: Idempotency, deps: Deps) -> UUID:
    """Answer; the same answer twice is the same, the opposite one is refused with what happened."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        await answer_in(cmd, conn=open_command.conn, deps=deps)
        return await open_command.done(cmd.visit_id)


async def answer_in(cmd: AnswerOffer, *, conn: Connection, deps: Deps) -> None:
    """The answer, in the transaction of whoever brought it. One who only goes along answers for themselves: the trainer's own
    answer stands.
    """
    if cmd.answer is Answer.DECLINED and cmd.reason not in DECLINE_REASONS:
        known = ", ".join(DECLINE_REASONS)
        raise Rejected("reason_unknown", 422, f"Say why: one of {known}.", field="reason")
    visit = await get_visit(conn, cmd.visit_id, lock=True)
    if visit is None:
        raise not_found("visit")
    now = deps.clock.now()
    offer = await get_offer(conn, cmd.visit_id, cmd.person_id, cmd.offer)
    if visit.trainer_id != cmd.person_id and (offer is None or cmd.person_id in visit.co_trainer_ids):
        await answer_company(
            visit, cmd.person_id, cmd.answer, offer=cmd.offer, reason=cmd.reason, via=cmd.via, conn=conn, now=now
        )
        return
    if not check_answer(visit, offer, cmd.answer):
        return
    accepted = cmd.answer is Answer.ACCEPTED
    await mark_answered(conn, visit, cmd.answer, now, reason=cmd.reason, via=cmd.via)
    await save_visit(conn, replace(visit, state=VisitState.CONFIRMED if accepted else VisitState.DECLINED))
    await disarm(conn, OFFER, visit.visit_id)
    if not accepted:
        await disarm(conn, MISSED, visit.visit_id)
    await emit(conn, confirmed_of(visit) if accepted else _declined(visit, str(cmd.reason)), now=now)


def _declined(visit: Visit, reason: str) -> VisitDeclined:
    return VisitDeclined(
        visit_id=visit.visit_id,
        offer=visit.offer,
        country=visit.country,
        trainer_id=visit.trainer_id,
        reason=reason,
    )
