"""A visit after publication: offered, answered, done or missed. The timetable alone sets dates; this holds answers.

    offered ──accept──▶ confirmed ──report──▶ reported
       │ decline/lapse       │ grace over ▶ missed ──report──▶ reported
       ▼                     ▼
    declined/lapsed     a move or another trainer is a new offer ▶ offered

The timetable may find no place for it any more: from wherever it stood it is *unplaced*, nobody's, until it is offered again.

Answers name the offer they answer: an older one's answer never counts.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.visits.domain.working_time import Calendar, ClockKind, Span
from shared.errors import Rejected, not_found

ANSWER_WITHIN = Span(timedelta(hours=48), ClockKind.WORKING)
"""Two days that are not days off: long enough for a weekend in the field, short enough to ask the next one."""

WELL_BEFORE = timedelta(hours=24)
"""An answer is needed this long before the visit, so that somebody else can still go."""

AT_LEAST = timedelta(hours=4)
MISSED_AFTER = timedelta(hours=24)
"""Grace after the end of a visit: a day for the report."""

DECLINE_REASONS = ("illness", "leave", "conflict_of_interest", "workload", "travel", "other")
RESCHEDULE_REASONS = ("illness", "enterprise_request", "travel", "conflict", "missed", "other")


class VisitState(StrEnum):
    """Where a visit stands."""

    OFFERED = "offered"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    MISSED = "missed"
    REPORTED = "reported"
    CANCELLED = "cancelled"
    UNPLACED = "unplaced"


NOBODYS = frozenset({VisitState.DECLINED, VisitState.LAPSED, VisitState.UNPLACED})
"""The one who was asked does not have it, and nobody else was asked yet."""


class Answer(StrEnum):
    """What became of an offer."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as this service knows it. Instants are UTC; `zone` is the site's."""

    visit_id: UUID
    cohort_id: UUID | None
    country: str
    kind: str
    stage: str
    module: str
    enterprise_ids: tuple[UUID, ...]
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    cause_id: UUID | None
    state: VisitState
    offer: int
    respond_by: datetime
    co_trainer_ids: tuple[UUID, ...] = ()
    """They come along and see the visit, and answer for themselves (`company.py`); the visit's own answer and the report are the trainer's."""

    def without(self, person_id: UUID) -> "Visit":
        """The visit without one who goes along."""
        return replace(self, co_trainer_ids=tuple(one for one in self.co_trainer_ids if one != person_id))

    @property
    def is_verification(self) -> bool:
        """Whether it verifies a zero-tolerance case: to be shown as a follow-up everywhere but on the case."""
        return self.kind == "verification"

    @property
    def shown_kind(self) -> str:
        """The kind that lists, messages and calendars may show."""
        return "follow_up" if self.is_verification else self.kind

    @property
    def shown_stage(self) -> str:
        """The stage that lists, messages and calendars may show."""
        return "follow_up" if self.is_verification else self.stage


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of a visit to one trainer, and what became of it."""

    offer: int
    trainer_id: UUID
    answer: Answer | None
    answered_at: datetime | None


def respond_by(now: datetime, starts_at: datetime, calendar: Calendar) -> datetime:
    """Until when an offer waits: two working days, or well before the visit, or half of what little time is left."""
    days = Calendar(calendar.week.whole_days(), calendar.is_holiday)
    latest = starts_at - WELL_BEFORE
    if latest - now >= AT_LEAST:
        return min(ANSWER_WITHIN.after(now, days), latest)
    return now + max((starts_at - now) / 2, timedelta(minutes=15))


def check_answer(visit: Visit, offer: Offer | None, answer: Answer) -> bool:
    """Whether `answer` to `offer` counts now: True to apply it, False when it was given before.

    `offer` is the one that is answered, None when this person was never asked. Raises `Rejected` (409)
    that says what happened to the offer in the meantime.
    """
    if offer is None:
        raise not_found("visit")
    if visit.state is VisitState.CANCELLED:
        raise Rejected("visit_cancelled", 409, "This visit was cancelled; it needs no answer any more.")
    if offer.offer != visit.offer:
        raise Rejected("offer_superseded", 409, _superseded(visit, offer))
    if offer.answer is answer and visit.state is not VisitState.UNPLACED:
        return False
    if offer.answer is not None:
        raise Rejected("offer_answered", 409, _answered(visit, offer), field="offer")
    return True


def _superseded(visit: Visit, offer: Offer) -> str:
    what = {
        Answer.LAPSED: "was not answered in time",
        Answer.DECLINED: "was declined",
    }.get(offer.answer or Answer.WITHDRAWN, "is no longer open")
    if visit.trainer_id != offer.trainer_id:
        return f"Offer {offer.offer} of this visit {what}, and the visit was offered to somebody else since."
    return (
        f"Offer {offer.offer} of this visit {what}: the visit changed since. "
        f"Answer offer {visit.offer} instead (starts {visit.starts_at:%d %B %Y %H:%M} UTC)."
    )


def _answered(visit: Visit, offer: Offer) -> str:
    at = f"{offer.answered_at:%d %B %Y %H:%M} UTC" if offer.answered_at else "earlier"
    if offer.answer is Answer.LAPSED:
        return f"This offer lapsed without an answer on {at}, and somebody else is being asked. It cannot be answered now."
    if offer.answer is Answer.WITHDRAWN or visit.state is VisitState.UNPLACED:
        return f"This offer was withdrawn on {at}: the visit has no day at the moment. You are asked again when it has one."
    if offer.answer is Answer.ACCEPTED:
        return f"You accepted this visit on {at}. To change the day or hand it back, ask for a new date instead."
    return f"You declined this visit on {at}, and somebody else is being asked. A coordinator can bring it back to you."


def check_report(visit: Visit, person_id: UUID, now: datetime) -> None:
    """Raise unless this person may report this visit now."""
    if visit.trainer_id != person_id or visit.state in NOBODYS:
        raise not_found("visit")
    if visit.state is VisitState.CANCELLED:
        raise Rejected("visit_cancelled", 409, "This visit was cancelled, so it cannot be reported.")
    if visit.state is VisitState.REPORTED:
        raise Rejected("visit_reported", 409, "This visit has its report already; it is reported once.")
    if now < visit.starts_at:
        raise Rejected(
            "visit_not_started",
            409,
            f"This visit starts on {visit.starts_at:%d %B %Y %H:%M} UTC; it can be reported from then on.",
        )


def check_reschedule(visit: Visit) -> None:
    """Raise unless another date can still be asked for."""
    if visit.state in NOBODYS | {VisitState.CANCELLED, VisitState.REPORTED}:
        raise Rejected(
            "visit_not_open", 409, f"This visit is {visit.state}; only one that is still ahead or was missed gets a new date."
        )
