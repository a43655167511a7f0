"""The delivery log, as people may read it: who was told what, when and by which provider."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection, Record


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: everybody their own; `countries` those of a coordinator; `safeguarding` officer, deputy or head."""

    person_id: UUID
    countries: tuple[str, ...]
    safeguarding: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """`state` is `queued`, `held` (queued for later), `sent`, `failed` or `cancelled`."""

    about: UUID | None = None
    recipient: UUID | None = None
    state: str | None = None
    before: UUID | None = None


# A message about a case is seen by its recipient and by those safeguarding people who were themselves told of
# that case: the owner of the case applied its exclusions when it named them.
LIST_MESSAGES = """
    select m.message_id, m.template, m.about, m.step, m.recipient_id, p.name as recipient, m.channel,
           case when m.state = 'queued' and m.not_before > $1 then 'held' else m.state end as state,
           m.code, m.queued_at, greatest(m.not_before, m.queued_at) as not_before, m.settled_at, m.provider, m.country,
           m.sent_with
    from messages m left join people p on p.person_id = m.recipient_id
    where (m.recipient_id = $2
           or (m.lane = 'general' and m.country = any($3::text[]))
           or ($4 and m.lane = 'zero_tolerance' and exists
               (select from messages mine
                where mine.about = m.about and mine.recipient_id = $2 and mine.lane = 'zero_tolerance')))
      and ($5::uuid is null or m.about = $5)
      and ($6::uuid is null or m.recipient_id = $6)
      and ($7::uuid is null or m.message_id < $7)
      and ($8::text is null
           or case when m.state = 'queued' and m.not_before > $1 then 'held' else m.state end = $8)
    order by m.message_id desc limit $9
"""


async def list_messages(conn: Connection, reader: Reader, wanted: Filter, *, now: datetime, limit: int) -> list[Record]:
    """The newest first."""
    rows: list[Record] = await conn.fetch(
        LIST_MESSAGES,
        now,
        reader.person_id,
        list(reader.countries),
        reader.safeguarding,
        wanted.about,
        wanted.recipient,
        wanted.before,
        wanted.state,
        limit,
    )
    return rows
