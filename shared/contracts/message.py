"""`gemba.message`: what was sent to whom, in ids and codes (owner: notifications)."""

from datetime import datetime
from uuid import UUID

from shared.contracts.registry import Fact, contract
from shared.contracts.values import Channel

_TOPIC = "gemba.message"


@contract(topic=_TOPIC, key="message_id")
class MessageQueued(Fact):
    """`about` is the id of the visit, action or case; `step` is the case's step where there is one."""

    message_id: UUID
    template: str
    about: UUID
    step: int | None
    recipient_id: UUID
    channel: Channel | None
    not_before: datetime | None


@contract(topic=_TOPIC, key="message_id")
class MessageSent(Fact):
    message_id: UUID
    about: UUID
    step: int | None
    recipient_id: UUID
    channel: Channel
    provider: str
    sent_at: datetime


@contract(topic=_TOPIC, key="message_id")
class MessageFailed(Fact):
    """It did not and will not reach its recipient on this channel. `code`: no_recipient, no_channel, bounced, rejected."""

    message_id: UUID
    about: UUID
    step: int | None
    recipient_id: UUID
    channel: Channel | None
    code: str


@contract(topic=_TOPIC, key="message_id")
class MessageAnswered(Fact):
    """Somebody answered by the channel itself (an SMS, a calendar reply). `answer`: accept, decline, acknowledge."""

    message_id: UUID
    about: UUID
    recipient_id: UUID
    answer: str
    answered_at: datetime


@contract(topic=_TOPIC, key="message_id")
class MessageCancelled(Fact):
    """It was no longer wanted when its turn came. `code`: what had happened meanwhile (acknowledged, closed, …)."""

    message_id: UUID
    about: UUID
    step: int | None
    recipient_id: UUID
    channel: Channel | None
    code: str
