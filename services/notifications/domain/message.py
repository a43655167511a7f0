"""A message: what is to be said, about what, to whom, and whether it is still wanted when its turn comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.templates import TEMPLATES, Template


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to tell: `part` tells repeats of one fact (same part) from news about the same thing (another one).

    `data` holds ids, dates and codes; names are looked up when the message is written.
    """

    template: str
    about: UUID
    country: str
    recipients: Sequence[UUID]
    part: str = ""
    step: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    """What the protocol of a case asks for; empty leaves it to the template."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to tell one person by one channel. `failed` is why it never can be sent; then it has no channel."""

    message_id: UUID
    wanted: Wanted
    recipient_id: UUID
    channel: str | None
    not_before: datetime
    bundle: str | None = None
    failed: str | None = None
    claim: UUID | None = None
    """Of a sender that is kept free for it."""

    @property
    def lane(self) -> str:
        return TEMPLATES[self.wanted.template].lane


@dataclass(frozen=True, slots=True)
class Message:
    message_id: UUID
    template_name: str
    about: UUID
    part: str
    step: int | None
    country: str
    recipient_id: UUID
    channel: str
    bundle: str | None
    data: Mapping[str, Any]
    queued_at: datetime
    not_before: datetime
    attempts: int

    @property
    def template(self) -> Template:
        return TEMPLATES[self.template_name]


def as_queued(new: NewMessage, now: datetime) -> Message:
    """A message that was queued at this moment and can go at once, as a sender reads it."""
    assert new.channel is not None
    wanted = new.wanted
    return Message(
        new.message_id,
        wanted.template,
        wanted.about,
        wanted.part,
        wanted.step,
        wanted.country,
        new.recipient_id,
        new.channel,
        new.bundle,
        wanted.data,
        now,
        now,
        0,
    )


@dataclass(frozen=True, slots=True)
class VisitNow:
    """A visit as we know it when a message about it is about to leave."""

    state: str
    offer: int
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as we know it: alerts up to the step `answered` have been answered by an acknowledgement."""

    state: str
    step: int
    answered: int


def no_longer_wanted(
    message: Message, *, now: datetime, visit: VisitNow | None, action: str | None, case: CaseNow | None
) -> str | None:
    """Why a message must not leave any more (a code), or None when it is still true and of use.

    `action` is the state of the action it is about. A withdrawal or cancellation always
    leaves: it takes an entry out of somebody's calendar.
    """
    if case is not None:
        return reason_against(message.template_name, message.step, case)
    if visit is not None:
        return _visit_reason(message, visit, now)
    if action is not None:
        return _action_reason(message, action)
    return None


def reason_against(name: str, step: int | None, case: CaseNow) -> str | None:
    """Why a message about a case (the template's name, the step that it belongs to) must not leave; None when it must."""
    if name == "case_closed":
        return None
    if case.state == "closed":
        return "closed"
    if name == "case_verified":
        return None
    if name == "case_closure":
        return None if case.state == "closing" and step == case.step else "returned"
    return "acknowledged" if step is not None and step <= case.answered else None


def _visit_reason(message: Message, visit: VisitNow, now: datetime) -> str | None:
    starts_at = message.data.get("starts_at")
    same_time = starts_at is None or datetime.fromisoformat(starts_at) == visit.starts_at
    match message.template_name:
        case "visit_offer" | "visit_moved":
            return None if visit.state == "offered" and visit.offer == message.step else "superseded"
        case "visit_along":
            return None if visit.state in {"offered", "confirmed"} and same_time else "superseded"
        case "visit_confirmed" | "visit_invitation":
            current = visit.state in {"confirmed", "reported", "missed"} and same_time
            return None if current and visit.offer == message.step else "superseded"
        case "visit_rescheduled":
            return None if same_time and visit.state != "cancelled" else "superseded"
        case "visit_reminder" | "visit_tomorrow":
            if visit.state != "confirmed" or not same_time:
                return "superseded"
            return "too_late" if now >= visit.starts_at else None
        case "report_request" | "visit_missed" | "notice_missed":
            if visit.state == "reported":
                return "reported"
            return None if visit.state in {"confirmed", "missed"} and same_time else "superseded"
        case _:
            return None


def _action_reason(message: Message, state: str) -> str | None:
    if state == "cancelled":
        return "cancelled"
    if message.template_name in {"action_reminder", "action_overdue"} and state != "open":
        return state
    return None
