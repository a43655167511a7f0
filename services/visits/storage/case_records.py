"""What is kept beside a case: sealed text, audit, exclusions, alerts and what became of their messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.db import Connection, Record

INSERT_TEXT = "insert into case_texts (text_id, case_id, kind, author_id, written_at, sealed) values ($1, $2, $3, $4, $5, $6)"


async def insert_text(
    conn: Connection, text_id: UUID, case_id: UUID, kind: str, author: UUID, now: datetime, sealed: bytes
) -> None:
    """Text that is sealed already: this module never sees it open."""
    await conn.execute(INSERT_TEXT, text_id, case_id, kind, author, now, sealed)


LIST_TEXTS = "select text_id, kind, author_id, written_at, sealed from case_texts where case_id = $1 order by written_at, text_id"


async def list_texts(conn: Connection, case_id: UUID) -> list[Record]:
    """The sealed texts of a case, oldest first."""
    rows: list[Record] = await conn.fetch(LIST_TEXTS, case_id)
    return rows


INSERT_AUDIT = """
    insert into case_audit (case_id, at, received_at, actor_id, act, detail) values ($1, $2, $3, $4, $5, $6)
"""


async def insert_audit(
    conn: Connection,
    case_id: UUID,
    act: str,
    *,
    actor: UUID | None,
    at: datetime,
    received_at: datetime | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """One line that nobody can change. `received_at` is when it was asked for, `at` when its turn came."""
    await conn.execute(INSERT_AUDIT, case_id, at, received_at or at, actor, act, dict(detail or {}))


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What one line says."""

    act: str
    at: datetime
    received_at: datetime
    actor: UUID | None
    detail: Mapping[str, Any]


async def insert_audit_lines(conn: Connection, case_id: UUID, lines: Iterable[AuditLine]) -> None:
    """Several lines of one case, in their order, sent together."""
    await conn.executemany(
        INSERT_AUDIT,
        [(case_id, line.at, line.received_at, line.actor, line.act, dict(line.detail)) for line in lines],
    )


async def list_audit(conn: Connection, case_id: UUID) -> list[Record]:
    """The whole audit of a case, in the order of commits."""
    rows: list[Record] = await conn.fetch("select * from case_audit where case_id = $1 order by seq", case_id)
    return rows


INSERT_NAMED = """
    insert into case_named (case_id, person_id, named_by, named_at)
    select $1, person, $3, $4 from unnest($2::uuid[]) person on conflict do nothing
"""


async def insert_named(conn: Connection, case_id: UUID, persons: Iterable[UUID], by: UUID, now: datetime) -> None:
    """Persons whom the suspicion is about."""
    await conn.execute(INSERT_NAMED, case_id, list(persons), by, now)


async def list_named(conn: Connection, case_id: UUID) -> list[UUID]:
    """Persons whom the suspicion is about."""
    rows = await conn.fetch("select person_id from case_named where case_id = $1 order by person_id", case_id)
    return [row["person_id"] for row in rows]


INSERT_EXCLUSIONS = """
    insert into case_exclusions (case_id, person_id, because, since)
    select $1, person, why, $4 from unnest($2::uuid[], $3::text[]) as line (person, why)
    on conflict do nothing returning person_id
"""


async def insert_exclusions(
    conn: Connection, case_id: UUID, excluded: Mapping[UUID, str], now: datetime
) -> list[UUID]:
    """Add to the excluded; returns those that are new."""
    rows = await conn.fetch(
        INSERT_EXCLUSIONS, case_id, list(excluded), [str(why) for why in excluded.values()], now
    )
    return [row["person_id"] for row in rows]


async def list_excluded(conn: Connection, case_id: UUID) -> dict[UUID, str]:
    """Everybody who has no part in a case, and why."""
    rows = await conn.fetch("select person_id, because from case_exclusions where case_id = $1", case_id)
    return {row["person_id"]: row["because"] for row in rows}


INSERT_ALERTS = """
    insert into case_alerts (case_id, step, person_id, kind, tier, alerted_at)
    select $1, $2, person, $4, $5, $6 from unnest($3::uuid[]) person
"""


async def insert_alerts(
    conn: Connection, case_id: UUID, step: int, persons: Sequence[UUID], kind: str, tier: int, now: datetime
) -> None:
    """Who is told in this step."""
    await conn.execute(INSERT_ALERTS, case_id, step, list(persons), kind, tier, now)


SAVE_MESSAGE = """
    insert into case_messages (message_id, case_id, step, person_id, channel, state, code, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (message_id) do update
    set state = excluded.state, channel = coalesce(excluded.channel, case_messages.channel), code = excluded.code,
        changed_at = excluded.changed_at
"""


async def save_message(
    conn: Connection,
    message_id: UUID,
    case_id: UUID,
    step: int,
    person: UUID,
    *,
    channel: str | None,
    state: str,
    code: str | None,
    now: datetime,
) -> None:
    """What notifications says of one message of an alert."""
    await conn.execute(SAVE_MESSAGE, message_id, case_id, step, person, channel, state, code, now)


# Reached: somebody of the step has a message that was not given up. Lost for sure: everybody has one that was.
ALERT_STATE = """
    select count(*) filter (where alive) as reached, count(*) filter (where not alive and given_up) as lost,
           count(*) as told
    from (
        select a.person_id,
               exists (select from case_messages m where m.case_id = a.case_id and m.step = a.step
                       and m.person_id = a.person_id and m.state <> 'failed') as alive,
               exists (select from case_messages m where m.case_id = a.case_id and m.step = a.step
                       and m.person_id = a.person_id and m.state = 'failed') as given_up
        from case_alerts a where a.case_id = $1 and a.step = $2
    ) told
"""


async def get_alert_state(conn: Connection, case_id: UUID, step: int) -> Record:
    """How many were told in a step, how many of them may be reached, and how many are lost for sure."""
    row: Record = await conn.fetchrow(ALERT_STATE, case_id, step)
    return row


LIST_ALERTS = """
    select a.step, a.tier, a.kind, a.person_id, a.alerted_at, m.channel, m.state, m.code, m.changed_at
    from case_alerts a left join case_messages m using (case_id, step, person_id)
    where a.case_id = $1 order by a.step, a.person_id, m.channel
"""


async def list_alerts(conn: Connection, case_id: UUID) -> list[Record]:
    """Who was alerted in each step, and whether it reached them."""
    rows: list[Record] = await conn.fetch(LIST_ALERTS, case_id)
    return rows
