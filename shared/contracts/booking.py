"""`gemba.booking`: what the timetable says about a visit (owner: scheduler; key: the visit's id)."""

from datetime import datetime
from uuid import UUID

from shared.contracts.registry import Fact, contract
from shared.contracts.values import VisitKind

_TOPIC = "gemba.booking"


@contract(topic=_TOPIC, key="visit_id")
class VisitScheduled(Fact):
    """A visit stands in the published timetable and its trainer is to be asked.

    `starts_at`/`ends_at` are instants, `zone` is the site's IANA zone; the intended wall time is the instants in it.
    `enterprise_ids` has several members for a classroom day; the first one is the host.
    """

    visit_id: UUID
    cohort_id: UUID | None
    country: str
    kind: VisitKind
    stage: str
    module: str
    enterprise_ids: tuple[UUID, ...]
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    cause_id: UUID | None = None
    """The corrective action or case that wanted a follow-up; readers outside the case must not show it."""
    days: int = 1
    """A block on consecutive days at the same hours: `starts_at` is on its first day, `ends_at` on its last one."""
    co_trainer_ids: tuple[UUID, ...] = ()
    online: bool = False
    carried_from: UUID | None = None
    """The visit that was reported in part, whose remainder this one is."""


@contract(topic=_TOPIC, key="visit_id")
class BookingMoved(Fact):
    """Another time, same trainer: to be confirmed again."""

    visit_id: UUID
    country: str
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    reason: str
    days: int = 1
    co_trainer_ids: tuple[UUID, ...] = ()


@contract(topic=_TOPIC, key="visit_id")
class BookingReassigned(Fact):
    """Another trainer (and perhaps another time): a new offer; the former one's invitation is withdrawn."""

    visit_id: UUID
    country: str
    former_trainer_id: UUID
    trainer_id: UUID
    starts_at: datetime
    ends_at: datetime
    zone: str
    reason: str
    days: int = 1
    co_trainer_ids: tuple[UUID, ...] = ()


@contract(topic=_TOPIC, key="visit_id")
class BookingWithdrawn(Fact):
    visit_id: UUID
    country: str
    trainer_id: UUID | None
    reason: str


@contract(topic=_TOPIC, key="visit_id")
class BookingUnplaceable(Fact):
    """Nobody is left to ask, or no day fits: a coordinator must act. `codes` are the planner's reasons."""

    visit_id: UUID
    cohort_id: UUID | None
    country: str
    kind: VisitKind
    enterprise_ids: tuple[UUID, ...]
    codes: tuple[str, ...]
    stage: str = ""
    former_trainer_id: UUID | None = None
    """Who had it last, and no longer has: their invitation is withdrawn."""
