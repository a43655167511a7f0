"""`gemba.visit`: a visit after publication (owner: visits)."""

from datetime import datetime
from uuid import UUID

from shared.contracts.registry import Fact, contract
from shared.contracts.values import VisitKind

_TOPIC = "gemba.visit"


@contract(topic=_TOPIC, key="visit_id")
class VisitOffered(Fact):
    """A trainer is asked. A verification is offered as `follow_up`: nobody outside the case learns of it. `offer` counts the offers of this visit; an answer names the one it answers.

    Where a trainer is asked again after a move, `revision` lets the calendar entry update in place.
    """

    visit_id: UUID
    offer: int
    country: str
    kind: VisitKind
    stage: str
    enterprise_ids: tuple[UUID, ...]
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    respond_by: datetime
    module: str = ""
    cohort_id: UUID | None = None


@contract(topic=_TOPIC, key="visit_id")
class CompanyAsked(Fact):
    """Those who are to go along with the trainer (`lead_id`) are asked; who said yes to this start before is not asked again.

    Each answers for themselves (`CompanyConfirmed`); `VisitDeclined` and `OfferLapsed` name who left. `offer` is the visit's, when
    they were asked.
    """

    visit_id: UUID
    offer: int
    country: str
    kind: VisitKind
    stage: str
    enterprise_ids: tuple[UUID, ...]
    lead_id: UUID
    trainer_ids: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime
    zone: str
    respond_by: datetime
    module: str = ""
    cohort_id: UUID | None = None


@contract(topic=_TOPIC, key="visit_id")
class CompanyConfirmed(Fact):
    """One who is to go along said yes. The visit itself is confirmed by its trainer."""

    visit_id: UUID
    offer: int
    country: str
    trainer_id: UUID


@contract(topic=_TOPIC, key="visit_id")
class VisitConfirmed(Fact):
    visit_id: UUID
    offer: int
    country: str
    kind: VisitKind
    stage: str
    enterprise_ids: tuple[UUID, ...]
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    module: str = ""
    cohort_id: UUID | None = None


@contract(topic=_TOPIC, key="visit_id")
class VisitDeclined(Fact):
    visit_id: UUID
    offer: int
    country: str
    trainer_id: UUID
    reason: str


@contract(topic=_TOPIC, key="visit_id")
class OfferLapsed(Fact):
    """Nobody answered by the deadline."""

    visit_id: UUID
    offer: int
    country: str
    trainer_id: UUID


@contract(topic=_TOPIC, key="visit_id")
class RescheduleWanted(Fact):
    visit_id: UUID
    country: str
    trainer_id: UUID
    wanted_by: UUID
    reason: str


@contract(topic=_TOPIC, key="visit_id")
class VisitReported(Fact):
    """A report was accepted. `whole` is false when part of the visit is still to be done."""

    visit_id: UUID
    report_id: UUID
    country: str
    trainer_id: UUID
    reported_at: datetime
    whole: bool


@contract(topic=_TOPIC, key="visit_id")
class VisitMissed(Fact):
    """The end of the visit and its grace went by without a report."""

    visit_id: UUID
    country: str
    trainer_id: UUID
    ended_at: datetime


@contract(topic=_TOPIC, key="visit_id")
class VisitCancelled(Fact):
    """The booking was withdrawn: invitations are cancelled, an answer no longer counts."""

    visit_id: UUID
    country: str
    trainer_id: UUID | None
    reason: str
