"""Make messages of something to tell: one row per recipient and channel, found again by every repeat of the fact."""

from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import Wanted
from services.notifications.domain.recipient import Recipient
from services.notifications.domain.routing import Route, route
from services.notifications.domain.templates import TEMPLATES, ZERO_TOLERANCE
from services.notifications.storage import messages, people
from shared.contracts.message import MessageFailed, MessageQueued
from shared.contracts.person import PersonState
from shared.contracts.values import Channel
from shared.db import Connection
from shared.errors import NotKnownYet
from shared.kafka.outbox import emit


async def queue_messages(wanted: Wanted, *, now: datetime, conn: Connection) -> int:
    """Queue for every recipient by the channels that are right for them; returns how many messages are new.

    A recipient we never heard of: an ordinary message waits for them (`NotKnownYet`). One about a case does not
    wait, for the clock of its case runs: it is a failed message at once (`no_recipient`), which visits answers with
    the next tier, and the sender tries again when the person arrives (`reach_again`).
    """
    template = TEMPLATES[wanted.template]
    recipient_ids = list(dict.fromkeys(wanted.recipients))
    known = await people.get_recipients(conn, recipient_ids)
    missing = [one for one in recipient_ids if one not in known]
    if missing and template.lane != ZERO_TOLERANCE:
        erased = await people.list_erased(conn, PersonState.topic, missing)
        if unknown := next((one for one in missing if one not in erased), None):
            raise NotKnownYet(f"person {unknown}")
    new = 0
    for recipient_id in recipient_ids:
        new += await _queue_for(wanted, recipient_id, known.get(recipient_id), now=now, conn=conn)
    return new


async def _queue_for(
    wanted: Wanted, recipient_id: UUID, recipient: Recipient | None, *, now: datetime, conn: Connection
) -> int:
    template = TEMPLATES[wanted.template]
    bundle = "notices" if template.bundled else None
    routes: tuple[Route, ...] = ()
    if recipient is not None:
        last = await messages.get_last_notice(conn, recipient_id, bundle) if bundle else None
        routes = route(template, recipient, now=now, last_notice=last, asked=wanted.channels)
    if not routes:
        code = "no_recipient" if recipient is None or not recipient.active else "no_channel"
        return int(await queue_one(wanted, recipient_id, None, bundle=None, failed=code, now=now, conn=conn))
    return sum([
        await queue_one(wanted, recipient_id, way, bundle=bundle, failed=None, now=now, conn=conn) for way in routes
    ])  # fmt: skip


async def queue_one(
    wanted: Wanted,
    recipient_id: UUID,
    way: Route | None,
    *,
    bundle: str | None,
    failed: str | None,
    now: datetime,
    conn: Connection,
) -> bool:
    """Insert one message and say so; False when it was there already. No `way`: it has failed before it began."""
    lane = TEMPLATES[wanted.template].lane
    message_id = await messages.insert_message(
        conn,
        wanted,
        recipient_id,
        lane=lane,
        channel=way.channel if way else None,
        bundle=bundle,
        failed=failed,
        now=now,
        not_before=way.not_before if way else now,
    )
    if message_id is None:
        return False
    channel = Channel(way.channel) if way else None
    queued = MessageQueued(
        message_id=message_id,
        template=wanted.template,
        about=wanted.about,
        step=wanted.step,
        recipient_id=recipient_id,
        channel=channel,
        not_before=way.not_before if way and way.not_before > now else None,
    )
    await emit(conn, queued, now=now, lane=lane)
    if failed is not None:
        failure = MessageFailed(
            message_id=message_id,
            about=wanted.about,
            step=wanted.step,
            recipient_id=recipient_id,
            channel=channel,
            code=failed,
        )
        await emit(conn, failure, now=now, lane=lane)
    return True
