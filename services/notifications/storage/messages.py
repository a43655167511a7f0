"""Messages as they are made and sent: queued, claimed, settled. Reading them for people is `storage/log.py`.

What may go at once has a `not_before` long ago: were it the instant of its queueing, a clock that is set back
by an hour would hold an alert for an hour. Read, it is the instant of the queueing all the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain.message import Message, NewMessage
from services.notifications.domain.retry import CLAIM, LONGEST, LONGEST_OF_ALERTS
from shared.clock_watch import Wait
from shared.db import Connection, Record
from shared.lives import Held

WAITS = (
    Wait("messages", "claimed_until", CLAIM, is_claim=True),
    Wait("messages", "retry_at", LONGEST),
    Wait("messages", "retry_at", LONGEST_OF_ALERTS, only="lane = 'zero_tolerance'"),
)

INSERT_MESSAGES = """
    insert into messages (message_id, lane, template, about, part, step, country, recipient_id, channel, bundle, data,
                          state, code, queued_at, not_before, settled_at, claimed_by, claimed_until)
    select message_id, lane, template, about, part, step, country, recipient_id, channel, bundle, data,
           case when code is null then 'queued' else 'failed' end, code, $1,
           case when not_before <= $1 then timestamptz '2000-01-01 00:00+00' else not_before end,
           case when code is null then null else $1::timestamptz end,
           case when not on_hold() then claim end,
           case when claim is not null and not on_hold() then clock_timestamp() + $16::interval end
    from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::integer[], $8::text[], $9::uuid[],
                $10::text[], $11::text[], $12::jsonb[], $13::text[], $14::timestamptz[], $15::uuid[])
         as new (message_id, lane, template, about, part, step, country, recipient_id, channel, bundle, data, code,
                 not_before, claim)
    on conflict on constraint messages_once do nothing
    returning message_id, claimed_by is not null as claimed,
              case when claimed_by is null then pg_notify('messages', lane)::text end
"""


async def insert_messages(conn: Connection, new: Sequence[NewMessage], *, now: datetime) -> dict[UUID, bool]:
    """Which of them are new (the others' recipients were told this by this channel already), and whether each is claimed.

    What has a claim belongs to that sender from the commit on; on hold nobody gets it. For the others their lanes' senders
    are woken at commit.
    """
    rows = [
        (
            message.message_id,
            message.lane,
            message.wanted.template,
            message.wanted.about,
            message.wanted.part,
            message.wanted.step,
            message.wanted.country,
            message.recipient_id,
            message.channel,
            message.bundle,
            dict(message.wanted.data),
            message.failed,
            message.not_before,
            message.claim,
        )
        for message in new
    ]
    if not rows:
        return {}
    inserted = await conn.fetch(INSERT_MESSAGES, now, *map(list, zip(*rows, strict=True)), CLAIM)
    return {row["message_id"]: row["claimed"] for row in inserted}


LIST_LAST_NOTICES = """
    select recipient_id, max(greatest(not_before, queued_at)) as last from messages
    where recipient_id = any($1::uuid[]) and bundle = $2 and state in ('queued', 'sent') group by recipient_id
"""


async def get_last_notices(conn: Connection, recipient_ids: Sequence[UUID], bundle: str) -> dict[UUID, datetime]:
    """When the last notice of this kind goes, or went, to each of these people."""
    return {row["recipient_id"]: row["last"] for row in await conn.fetch(LIST_LAST_NOTICES, recipient_ids, bundle)}


_COLUMNS = """
    message_id, template, about, part, step, country, recipient_id, channel, bundle, data, queued_at,
    greatest(not_before, queued_at) as not_before, attempts
"""
CLAIM_DUE = f"""
    update messages set claimed_by = $3, claimed_until = clock_timestamp() + $4
    where message_id in (
        select message_id from messages
        where lane = $1 and state = 'queued' and not_before <= $2
          and (retry_at is null or retry_at <= clock_timestamp())
          and (claimed_until is null or claimed_until <= clock_timestamp())
          and not on_hold()
        order by not_before, message_id limit $5 for update skip locked
    )
    returning {_COLUMNS}
"""
CLAIM_BUNDLE = f"""
    update messages set claimed_by = $5, claimed_until = clock_timestamp() + $6
    where message_id in (
        select message_id from messages
        where recipient_id = $1 and bundle = $2 and channel = $3 and state = 'queued' and not_before <= $4
          and (claimed_until is null or claimed_until <= clock_timestamp())
        order by message_id limit 50 for update skip locked
    )
    returning {_COLUMNS}
"""


async def claim_due(conn: Connection, lane: str, claim: UUID, *, now: datetime, most: int = 1) -> list[list[Message]]:
    """The next messages whose time has come, each with what travels in the same mail. Nobody else gets them for `CLAIM`."""
    rows = await conn.fetch(CLAIM_DUE, lane, now, claim, CLAIM, most)
    mails: dict[object, list[Message]] = {}
    for message in sorted(map(_message, rows), key=lambda message: (message.not_before, message.message_id)):
        together = (message.recipient_id, message.bundle, message.channel) if message.bundle else message.message_id
        mails.setdefault(together, []).append(message)
    for mail in mails.values():
        first, *others = mail
        if first.bundle is not None:
            more = await conn.fetch(CLAIM_BUNDLE, first.recipient_id, first.bundle, first.channel, now, claim, CLAIM)
            mail[1:] = sorted([*others, *map(_message, more)], key=lambda message: message.message_id)
    return list(mails.values())


CLAIM_AGAIN = """
    update messages set claimed_by = $2, claimed_until = clock_timestamp() + $3
    where message_id = any($1::uuid[]) and state = 'queued'
      and (claimed_until is null or claimed_until <= clock_timestamp())
"""


async def claim_again(conn: Connection, message_ids: Sequence[UUID], claim: UUID) -> None:
    """What was claimed and could not be prepared: for a while nobody looks at it, and those behind it have their turn."""
    await conn.execute(CLAIM_AGAIN, list(message_ids), claim, CLAIM)


IS_OURS = """
    select exists (select from messages
                   where message_id = $1 and claimed_by = $2 and state = 'queued' and claimed_until > clock_timestamp())
"""


async def is_ours(conn: Connection, message_id: UUID, claim: UUID) -> bool:
    """Whether a claim stands at this moment: one that ran out may be somebody else's by now."""
    return bool(await conn.fetchval(IS_OURS, message_id, claim))


LOCK_CLAIMED = f"""
    select {_COLUMNS} from messages where message_id = any($1::uuid[]) and claimed_by = $2 and state = 'queued'
    order by message_id for update
"""


async def lock_claimed(conn: Connection, message_ids: Sequence[UUID], claim: UUID) -> list[Message]:
    """Those that are still ours to settle: a claim that ran out may be somebody else's by now."""
    return [_message(row) for row in await conn.fetch(LOCK_CLAIMED, list(message_ids), claim)]


MARK_SENT = f"""
    update messages set state = 'sent', settled_at = $4, provider = $5, attempts = attempts + 1,
           sent_with = case when message_id <> $2 then $2 end
    where message_id = any($1::uuid[]) and claimed_by = $3 and state = 'queued'
    returning {_COLUMNS}
"""


async def mark_sent(
    conn: Connection, message_ids: Sequence[UUID], claim: UUID, *, now: datetime, provider: str
) -> list[Message]:
    """Those that are still ours: all travelled in the mail of the first one. Their rows are locked from here."""
    rows = await conn.fetch(MARK_SENT, list(message_ids), message_ids[0], claim, now, provider)
    return sorted(map(_message, rows), key=lambda message: message.message_id)


MARK_SETTLED = "update messages set state = $2, code = $3, settled_at = $4 where message_id = $1"


async def mark_failed(conn: Connection, message_id: UUID, code: str, *, now: datetime) -> None:
    await conn.execute(MARK_SETTLED, message_id, "failed", code, now)


async def mark_cancelled(conn: Connection, message_id: UUID, code: str, *, now: datetime) -> None:
    await conn.execute(MARK_SETTLED, message_id, "cancelled", code, now)


MARK_DEFERRED = """
    update messages set attempts = attempts + $3, retry_at = clock_timestamp() + $2, claimed_until = null
    where message_id = any($1::uuid[])
"""


async def mark_deferred(conn: Connection, message_ids: Sequence[UUID], pause: timedelta, *, counted: bool) -> None:
    """Try again after a pause (machine time). `counted`: the recipient's own server said "later"."""
    await conn.execute(MARK_DEFERRED, list(message_ids), pause, int(counted))


COUNT_DUE = """
    select lane, count(*) from messages where state = 'queued' and not_before <= $1 and not on_hold() group by lane
"""


async def count_due(conn: Connection, now: datetime) -> dict[str, int]:
    """How many messages should be on their way, by lane. What is held, for later or after a restore, does not count."""
    return {row["lane"]: row["count"] for row in await conn.fetch(COUNT_DUE, now)}


LIST_HELD = """
    select 'message' as what, template as kind, about as aggregate, greatest(not_before, queued_at) as due_at
    from messages
    where state = 'queued' and not_before <= $1 order by not_before limit $2
"""


async def list_held(conn: Connection, now: datetime, limit: int) -> list[Held]:
    """What would leave at once if there were no hold."""
    return [Held(**dict(row)) for row in await conn.fetch(LIST_HELD, now, limit)]


NEXT_DUE = "select min(not_before) from messages where state = 'queued' and not_before > $1"


async def get_next_due(conn: Connection, now: datetime) -> datetime | None:
    """When the next message is released that quiet hours or a bundle hold."""
    found: datetime | None = await conn.fetchval(NEXT_DUE, now)
    return found


LIST_UNREACHED = """
    select distinct on (m.template, m.about, m.part, m.recipient_id)
           m.template, m.about, m.part, m.step, m.country, m.recipient_id, m.data
    from messages m join people p on p.person_id = m.recipient_id and p.active
    where m.lane = 'zero_tolerance' and m.state = 'failed' and m.channel is null and m.about in
          (select case_id from cases where state <> 'closed')
      and exists (select from jsonb_array_elements(p.contact_points))
      and not exists (select from messages other
                      where other.template = m.template and other.about = m.about and other.part = m.part
                        and other.recipient_id = m.recipient_id and other.channel is not null)
    limit 20
"""


async def list_unreached(conn: Connection) -> list[Record]:
    """Alerts that found nobody to go to, of cases still open, whose recipient can be reached by now."""
    rows: list[Record] = await conn.fetch(LIST_UNREACHED)
    return rows


NOTIFY = "select pg_notify('messages', '')"


async def wake_senders(conn: Connection) -> None:
    """All of them, at commit: somebody can be reached again."""
    await conn.execute(NOTIFY)


def _message(row: Record) -> Message:
    values = dict(row)
    values["template_name"] = values.pop("template")
    return Message(**values)
