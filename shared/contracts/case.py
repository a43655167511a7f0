"""`gemba.case`: zero-tolerance cases (owner: visits). Codes, ids and clocks only: never a word of what was seen.

Every fact that somebody must be told of names its recipients: exclusions were applied by the owner, and
no reader may add anybody.
"""

from datetime import datetime
from uuid import UUID

from shared.contracts.registry import Fact, contract
from shared.contracts.values import Channel

_TOPIC = "gemba.case"


@contract(topic=_TOPIC, key="case_id")
class CaseOpened(Fact):
    """`step` counts the alerts of a case; messages are unique per case, step, recipient and channel."""

    case_id: UUID
    country: str
    pack: str
    pack_version: int
    item: int
    step: int
    tier: int
    recipient_ids: tuple[UUID, ...]
    respond_by: datetime
    opened_at: datetime
    channels: tuple[Channel, ...] = ()
    """The channels the pack asks for; empty leaves it to notifications."""


@contract(topic=_TOPIC, key="case_id")
class CaseEscalated(Fact):
    """No acknowledgement in time (or an alert bounced): the next tier is alerted. `cause` is a code."""

    case_id: UUID
    country: str
    step: int
    tier: int
    recipient_ids: tuple[UUID, ...]
    respond_by: datetime
    cause: str
    channels: tuple[Channel, ...] = ()


@contract(topic=_TOPIC, key="case_id")
class CaseUnowned(Fact):
    """Tiers are used up: a standing state with a daily page until somebody acknowledges."""

    case_id: UUID
    country: str
    step: int
    recipient_ids: tuple[UUID, ...]
    respond_by: datetime
    channels: tuple[Channel, ...] = ()


@contract(topic=_TOPIC, key="case_id")
class CaseAcknowledged(Fact):
    """Somebody owns the case until `valid_until`; a progress note renews it."""

    case_id: UUID
    country: str
    owner_id: UUID
    valid_until: datetime


@contract(topic=_TOPIC, key="case_id")
class CaseAckLapsed(Fact):
    """The acknowledgement's shelf-life is over: its owner is asked once more, with a short deadline."""

    case_id: UUID
    country: str
    step: int
    owner_id: UUID
    recipient_ids: tuple[UUID, ...]
    respond_by: datetime
    channels: tuple[Channel, ...] = ()


@contract(topic=_TOPIC, key="case_id")
class CaseProgressed(Fact):
    """A progress note was written; its text stays sealed in visits."""

    case_id: UUID
    country: str
    owner_id: UUID
    valid_until: datetime


@contract(topic=_TOPIC, key="case_id")
class CaseConfirmed(Fact):
    case_id: UUID
    country: str
    confirmed_by: UUID
    valid_until: datetime


@contract(topic=_TOPIC, key="case_id")
class VerificationWanted(Fact):
    """A visit by somebody independent must verify the fix; `excluded_trainer_ids` have no part in it."""

    case_id: UUID
    country: str
    enterprise_id: UUID
    visit_id: UUID
    earliest_at: datetime
    latest_at: datetime
    excluded_trainer_ids: tuple[UUID, ...]
    module: str | None = None
    """The module of the visit on which it was seen, where there was one."""


@contract(topic=_TOPIC, key="case_id")
class VerificationReported(Fact):
    """The verification visit was made and reported: whoever has the case is told. Who verified is not said."""

    case_id: UUID
    country: str
    visit_id: UUID
    recipient_ids: tuple[UUID, ...]


@contract(topic=_TOPIC, key="case_id")
class ClosureProposed(Fact):
    """One person proposes to close; another one must approve. `outcome` is `resolved` or `cancelled`."""

    case_id: UUID
    country: str
    step: int
    outcome: str
    proposed_by: UUID
    recipient_ids: tuple[UUID, ...]
    respond_by: datetime
    channels: tuple[Channel, ...] = ()


@contract(topic=_TOPIC, key="case_id")
class ClosureReturned(Fact):
    """The second person did not approve: the case stays open and owned."""

    case_id: UUID
    country: str
    returned_by: UUID
    owner_id: UUID
    valid_until: datetime


@contract(topic=_TOPIC, key="case_id")
class CaseClosed(Fact):
    """`outcome` is `resolved` or `cancelled`; the two are not the same."""

    case_id: UUID
    country: str
    outcome: str
    proposed_by: UUID
    approved_by: UUID
    closed_at: datetime
    recipient_ids: tuple[UUID, ...]
