"""Whoever goes along with a visit's trainer: a candidate beside an expert, say. They answer for themselves.

Asked once for each start of the visit: another trainer at the same hour asks them nothing, another hour asks them again. What
they answer leaves the trainer's answer as it is; who declines or does not answer in time leaves the company, and the timetable
looks for somebody else.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.visits.domain.visit import Answer, Visit, VisitState
from shared.errors import Rejected

AHEAD = frozenset({VisitState.OFFERED, VisitState.CONFIRMED})
"""States in which going along can still be accepted or declined."""


@dataclass(frozen=True, slots=True)
class CompanyOffer:
    """What one person was asked last, and what became of it."""

    trainer_id: UUID
    starts_at: datetime
    offer: int
    respond_by: datetime
    answer: Answer | None
    answered_at: datetime | None


def check_company_answer(visit: Visit, asked: CompanyOffer, answer: Answer, offer: int | None) -> bool:
    """Whether the answer counts now: True to apply it, False when it was given before.

    `offer` is what the answered message named, None for what was asked last. One who accepted may still say that they cannot.
    Raises `Rejected` (409) that says what happened in the meantime.
    """
    if visit.state not in AHEAD:
        raise Rejected(
            "visit_not_open", 409, f"This visit is {visit.state}; only one that is still ahead can be answered."
        )
    stands = asked.trainer_id in visit.co_trainer_ids and asked.starts_at == visit.starts_at
    if offer is not None and offer != asked.offer:
        raise Rejected("offer_superseded", 409, "The visit changed since. Answer what you were asked last instead.")
    if asked.answer is answer:
        return False
    if not stands or asked.answer in {Answer.DECLINED, Answer.LAPSED, Answer.WITHDRAWN}:
        at = f" on {asked.answered_at:%d %B %Y %H:%M} UTC" if asked.answered_at else ""
        what = asked.answer or Answer.WITHDRAWN
        raise Rejected("offer_answered", 409, f"This was {what}{at}, and you do not go along any more.", field="offer")
    return True
