"""Make messages of something to tell: one row per recipient and channel, found again by every repeat of the fact.

However many they are, they are found, inserted and said in a statement each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import NewMessage, Wanted, as_queued
from services.notifications.domain.recipient import Recipient
from services.notifications.domain.routing import Route, route
from services.notifications.domain.templates import TEMPLATES, ZERO_TOLERANCE
from services.notifications.storage import messages, people
from services.notifications.use_cases.claims import FreeSenders, Ready, Reserved
from shared.contracts import Fact
from shared.contracts.message import MessageFailed, MessageQueued
from shared.contracts.person import PersonState
from shared.contracts.values import Channel
from shared.db import Connection
from shared.errors import NotKnownYet
from shared.ids import new_id
from shared.kafka.outbox import emit_all

_BUNDLE = "notices"


async def queue_messages(
    *wanted: Wanted, now: datetime, conn: Connection, free: FreeSenders | None = None
) -> int:
    """Queue for every recipient by the channels that are right for them; returns how many messages are new.

    What can go at once goes straight to a sender of `free`, where there is one: claimed in this commit, and sent after it.

    A recipient we never heard of: an ordinary message waits for them (`NotKnownYet`). One about a case does not
    wait, for the clock of its case runs: it is a failed message at once (`no_recipient`), which visits answers with
    the next tier, and the sender tries again when the person arrives (`reach_again`).
    """
    known = await people.get_recipients(conn, list({one for each in wanted for one in each.recipients}))
    await _require_known(wanted, known, conn=conn)
    last_notices: dict[UUID, datetime] = {}
    if any(TEMPLATES[each.template].bundled for each in wanted):
        last_notices = await messages.get_last_notices(conn, list(known), _BUNDLE)
    new: list[NewMessage] = []
    for each in wanted:
        for recipient_id in dict.fromkeys(each.recipients):
            new += _addressed(each, recipient_id, known.get(recipient_id), last_notices, now)
    if free is None:
        return len(await queue_new(new, now=now, conn=conn))
    return await _queue_straight(new, known, free, now=now, conn=conn)


async def queue_new(new: Sequence[NewMessage], *, now: datetime, conn: Connection) -> dict[UUID, bool]:
    """Insert messages and say so; returns those that were not there already, and whether each is claimed by its sender.

    Some have failed before they began. What is on its way to a sender is in no hurry to be said: what became of it follows.
    """
    inserted = await messages.insert_messages(conn, new, now=now)
    for lane in dict.fromkeys(message.lane for message in new):
        told = [message for message in new if message.lane == lane and message.message_id in inserted]
        said = [fact for message in told for fact in _said(message, now)]
        unhurried = all(inserted[message.message_id] for message in told)
        await emit_all(conn, said, now=now, lane=lane, unhurried=unhurried)
    return inserted


async def _queue_straight(
    new: Sequence[NewMessage],
    readers: Mapping[UUID, Recipient],
    free: FreeSenders,
    *,
    now: datetime,
    conn: Connection,
) -> int:
    """What a sender would look up was read in this transaction, and what could speak against it is locked by it."""
    kept: dict[UUID, Reserved] = {}
    for message in new:
        if message.channel and message.not_before <= now and (reserved := await free.reserve()):
            kept[message.message_id] = reserved
    claimed = [replace(one, claim=kept[one.message_id].claim) if one.message_id in kept else one for one in new]
    inserted = await queue_new(claimed, now=now, conn=conn)
    for message in claimed:
        if inserted.get(message.message_id):
            reader = readers[message.recipient_id]
            address = reader.address(message.channel or "")
            assert address is not None, "It is routed by the channels that have an address."
            kept[message.message_id].ready = Ready((as_queued(message, now),), reader, address, {})
    return len(inserted)


async def _require_known(wanted: Sequence[Wanted], known: Mapping[UUID, Recipient], *, conn: Connection) -> None:
    """Raise `NotKnownYet` where an ordinary message is for somebody whom we may still hear of."""
    ordinary = [each for each in wanted if TEMPLATES[each.template].lane != ZERO_TOLERANCE]
    missing = [one for each in ordinary for one in each.recipients if one not in known]
    if missing:
        erased = await people.list_erased(conn, PersonState.topic, missing)
        if unknown := next((one for one in missing if one not in erased), None):
            raise NotKnownYet(f"person {unknown}")


def _addressed(
    wanted: Wanted,
    recipient_id: UUID,
    recipient: Recipient | None,
    last_notices: dict[UUID, datetime],
    now: datetime,
) -> list[NewMessage]:
    template = TEMPLATES[wanted.template]
    ways: tuple[Route, ...] = ()
    if recipient is not None:
        last = last_notices.get(recipient_id) if template.bundled else None
        ways = route(template, recipient, now=now, last_notice=last, asked=wanted.channels)
    if not ways:
        code = "no_recipient" if recipient is None or not recipient.active else "no_channel"
        return [NewMessage(new_id(), wanted, recipient_id, None, now, failed=code)]
    if template.bundled:
        last_notices[recipient_id] = ways[0].not_before
    bundle = _BUNDLE if template.bundled else None
    return [NewMessage(new_id(), wanted, recipient_id, way.channel, way.not_before, bundle=bundle) for way in ways]


def _said(message: NewMessage, now: datetime) -> list[Fact]:
    channel = Channel(message.channel) if message.channel else None
    queued = MessageQueued(
        message_id=message.message_id,
        template=message.wanted.template,
        about=message.wanted.about,
        step=message.wanted.step,
        recipient_id=message.recipient_id,
        channel=channel,
        not_before=message.not_before if message.not_before > now else None,
    )
    if message.failed is None:
        return [queued]
    failed = MessageFailed(
        message_id=message.message_id,
        about=message.wanted.about,
        step=message.wanted.step,
        recipient_id=message.recipient_id,
        channel=channel,
        code=message.failed,
    )
    return [queued, failed]
