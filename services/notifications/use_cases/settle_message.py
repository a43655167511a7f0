"""What becomes of a message whose turn came: sent, failed, cancelled. State and fact in one commit."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import Message, NewMessage, Wanted
from services.notifications.domain.routing import next_channel, outside_quiet_hours
from services.notifications.domain.templates import ZERO_TOLERANCE
from services.notifications.storage import messages, people
from services.notifications.use_cases.queue_messages import queue_new
from shared.contracts.message import MessageCancelled, MessageFailed, MessageSent
from shared.contracts.values import Channel
from shared.db import Connection
from shared.ids import new_id
from shared.kafka.outbox import emit


async def note_sent(
    message_ids: Sequence[UUID], claim: UUID, provider: str, *, now: datetime, conn: Connection
) -> None:
    """All of them travelled in the first one's mail. Those whose claim ran out meanwhile are another one's to settle."""
    for message in await messages.mark_sent(conn, message_ids, claim, now=now, provider=provider):
        fact = MessageSent(
            message_id=message.message_id,
            about=message.about,
            step=message.step,
            recipient_id=message.recipient_id,
            channel=Channel(message.channel),
            provider=provider,
            sent_at=now,
        )
        await emit(conn, fact, now=now, lane=message.template.lane, unhurried=message.template.lane == ZERO_TOLERANCE)


async def note_failed(message: Message, code: str, *, now: datetime, conn: Connection) -> None:
    """It will not reach its recipient on this channel: said at once. An ordinary one goes on by their next channel."""
    await messages.mark_failed(conn, message.message_id, code, now=now)
    fact = MessageFailed(
        message_id=message.message_id,
        about=message.about,
        step=message.step,
        recipient_id=message.recipient_id,
        channel=Channel(message.channel),
        code=code,
    )
    await emit(conn, fact, now=now, lane=message.template.lane)
    await _try_next_channel(message, now=now, conn=conn)


async def note_cancelled(message: Message, code: str, *, now: datetime, conn: Connection) -> None:
    """It was no longer wanted when its turn came."""
    await messages.mark_cancelled(conn, message.message_id, code, now=now)
    fact = MessageCancelled(
        message_id=message.message_id,
        about=message.about,
        step=message.step,
        recipient_id=message.recipient_id,
        channel=Channel(message.channel),
        code=code,
    )
    await emit(conn, fact, now=now, lane=message.template.lane)


async def _try_next_channel(message: Message, *, now: datetime, conn: Connection) -> None:
    reader = (await people.get_recipients(conn, [message.recipient_id])).get(message.recipient_id)
    channel = next_channel(message.template, reader, message.channel) if reader else None
    if reader is None or channel is None:
        return
    again = Wanted(
        message.template_name,
        message.about,
        message.country,
        [message.recipient_id],
        message.part,
        message.step,
        message.data,
    )
    lane = message.template.lane
    not_before = now if lane == "zero_tolerance" else outside_quiet_hours(reader, now)
    new = NewMessage(new_id(), again, message.recipient_id, channel, not_before, bundle=message.bundle)
    await queue_new([new], now=now, conn=conn)
