"""`gemba.action`: corrective actions and their follow-up (owner: visits)."""

from datetime import datetime
from uuid import UUID

from shared.contracts.registry import Fact, contract

_TOPIC = "gemba.action"


@contract(topic=_TOPIC, key="action_id")
class ActionOpened(Fact):
    """`verification` is `desk` (evidence) or `visit`. `due_at` is null for a class without a due date."""

    action_id: UUID
    finding_id: UUID
    enterprise_id: UUID
    country: str
    item: int
    owner_id: UUID
    due_at: datetime | None
    verification: str


@contract(topic=_TOPIC, key="action_id")
class ActionReminded(Fact):
    """The due date is near and nothing has been submitted: the owner is to be reminded."""

    action_id: UUID
    country: str
    owner_id: UUID
    due_at: datetime
    recipient_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="action_id")
class ActionOverdue(Fact):
    """The due date passed; `tier` 1 tells the owner, each later one somebody with more authority.

    The last tier is told again and again: `told_at` tells its tellings apart.
    """

    action_id: UUID
    country: str
    tier: int
    due_at: datetime
    recipient_ids: tuple[UUID, ...]
    told_at: datetime | None = None


@contract(topic=_TOPIC, key="action_id")
class EvidenceSubmitted(Fact):
    action_id: UUID
    country: str
    evidence_id: UUID
    submitted_by: UUID
    recipient_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="action_id")
class EvidenceReturned(Fact):
    """Not accepted; the reason's text stays in visits."""

    action_id: UUID
    country: str
    evidence_id: UUID
    recipient_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="action_id")
class FollowUpWanted(Fact):
    """A visit must verify the action within the window (business dates as instants, both included)."""

    action_id: UUID
    country: str
    enterprise_id: UUID
    module: str
    visit_id: UUID
    earliest_at: datetime
    latest_at: datetime
    prefer_trainer_id: UUID | None


@contract(topic=_TOPIC, key="action_id")
class ActionVerified(Fact):
    action_id: UUID
    country: str
    verified_by: UUID
    recipient_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="action_id")
class ActionCancelled(Fact):
    action_id: UUID
    country: str
    reason: str
