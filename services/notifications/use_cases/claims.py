"""What is ours to send: a message belongs to the sender whose claim stands on it.

Claims are made in two ways. Senders look for what is due and claim it (`send_message`). And whoever queues an alert while a
sender is free has it claimed for that one in the same commit: it leaves right after, and nobody has to be woken, to look for
it, or to read again what the queueing transaction has just read and holds locked.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.notifications.composition.facts import Places
from services.notifications.domain.message import Message
from services.notifications.domain.recipient import Recipient


@dataclass(frozen=True, slots=True)
class Ready:
    """What is to be handed over now: several messages where notices travel together."""

    messages: tuple[Message, ...]
    reader: Recipient
    address: str
    places: Places


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is ours to send; `ready` is None when all of it was settled already, or could not be prepared.

    `since` is an instant of the event loop's clock before the claim was made: it runs on while the process is stopped.
    """

    claim: UUID
    count: int
    ready: Ready | None
    since: float


@dataclass(slots=True)
class Reserved:
    """A sender that is kept free until the transaction at hand has ended; what stands in `ready` by then is its to send."""

    claim: UUID
    since: float
    ready: Ready | None = None


class FreeSenders(Protocol):
    """Who may have a sender free."""

    async def reserve(self) -> Reserved | None:
        """One that is free at this moment, or None."""
