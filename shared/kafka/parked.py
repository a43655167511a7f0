"""The table of set-aside records: what waits, fails, is quarantined or was refused, each with its raw bytes.

Every waiting or failing row has a next time of its own: a gap can be judged just before its predecessor
commits. Records of state topics are kept without their body, which may hold personal data.
"""

import json
from uuid import UUID

from shared.db import Connection, Record
from shared.kafka.effect import Raw
from shared.kafka.envelope import Envelope, Head
from shared.kafka.fate import Fate
from shared.kafka.topics import BY_NAME

INSERT_PARKED = """
    insert into parked (consumer, cluster, topic, partition, position, key, headers, value, aggregate, version,
                        event_id, state, reason, failures, next_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
            clock_timestamp() + $15::interval)
    on conflict (consumer, cluster, topic, partition, position) do nothing
    returning id
"""


async def insert_parked(
    conn: Connection,
    consumer: str,
    raw: Raw,
    envelope: Envelope | Head | None,
    fate: Fate,
) -> bool:
    """Set a record aside; False when it already is (the log was read again)."""
    body = None if BY_NAME[raw.topic].is_state else raw.value
    inserted = await conn.fetchval(
        INSERT_PARKED,
        consumer,
        raw.cluster,
        raw.topic,
        raw.partition,
        raw.offset,
        raw.key,
        pack_headers(raw),
        body,
        envelope.subject if envelope else None,
        envelope.version if envelope else None,
        envelope.event_id if envelope else None,
        fate.state,
        _clean(fate.reason),
        fate.failures,
        fate.next_in,
    )
    return inserted is not None


CLAIM_DUE = """
    select * from parked
    where consumer = $1 and next_at <= clock_timestamp()
    order by next_at, version, id limit 1
    for update skip locked
"""
CLAIM = "select * from parked where id = $1 and next_at <= clock_timestamp() for update skip locked"


HAS_DUE = "select exists (select from parked where consumer = $1 and next_at <= clock_timestamp())"


async def has_due(conn: Connection, consumer: str) -> bool:
    """Whether there is one at all: nearly always there is none, and that takes no transaction to find out."""
    return bool(await conn.fetchval(HAS_DUE, consumer))


async def claim_due(conn: Connection, consumer: str) -> Record | None:
    """The next row whose time has come, locked until this transaction ends."""
    return await conn.fetchrow(CLAIM_DUE, consumer)


async def claim(conn: Connection, parked_id: int) -> Record | None:
    """Lock one row, if its time has still come and nobody else has it."""
    return await conn.fetchrow(CLAIM, parked_id)


DELETE_PARKED = "delete from parked where id = $1"
TRY_LATER = """
    update parked set state = $2, reason = $3, failures = $4, tries = tries + 1,
                      next_at = clock_timestamp() + $5::interval
    where id = $1
"""
SET_ASIDE = "update parked set state = $2, reason = $3, failures = $4, next_at = null where id = $1"


async def delete_parked(conn: Connection, parked_id: int) -> None:
    """It was handled: the publisher's outbox still has it."""
    await conn.execute(DELETE_PARKED, parked_id)


async def save_fate(conn: Connection, parked_id: int, fate: Fate) -> None:
    """Not yet: again after `next_in` of machine time, or as soon as the watermark moves. Or, for good, not by itself."""
    if fate.next_in is None:
        await conn.execute(SET_ASIDE, parked_id, fate.state, _clean(fate.reason), fate.failures)
    else:
        await conn.execute(TRY_LATER, parked_id, fate.state, _clean(fate.reason), fate.failures, fate.next_in)


COUNT_BY_STATE = "select state, count(*) as count from parked group by state"
LIST_ASIDE = """
    select id, consumer, topic, partition, position, aggregate, version, state, reason, failures, tries,
           parked_at, next_at, octet_length(value) as bytes
    from parked where state = any($1::text[]) and id > $3 order by id limit $2
"""
GET_ASIDE = """
    select id, consumer, cluster, topic, partition, position, aggregate, version, event_id, state, reason, failures,
           tries, parked_at, next_at, headers, octet_length(value) as bytes
    from parked where id = $1
"""
REPLAY = """
    update parked set state = 'failing', failures = 0, next_at = clock_timestamp()
    where id = any($1::bigint[]) and state = 'quarantined' returning id, pg_notify('parked', '')
"""
SKIP = """
    update parked set state = 'skip', reason = 'skipped: ' || $2, next_at = clock_timestamp()
    where id = $1 and state = 'quarantined' returning id, pg_notify('parked', '')
"""


async def count_by_state(conn: Connection) -> dict[str, int]:
    """How many rows of each state there are."""
    return {row["state"]: row["count"] for row in await conn.fetch(COUNT_BY_STATE)}


async def list_parked(conn: Connection, states: list[str], limit: int = 200, after: int = 0) -> list[Record]:
    """Rows in these states, oldest first, without their bytes; those behind the row `after`."""
    rows: list[Record] = await conn.fetch(LIST_ASIDE, states, limit, after)
    return rows


async def get_parked(conn: Connection, parked_id: int) -> Record | None:
    """One row without its bytes."""
    return await conn.fetchrow(GET_ASIDE, parked_id)


def read_headers(row: Record) -> list[tuple[str, str | None]]:
    """A row's headers for a person to look at; bytes that are no text are shown in hexadecimal."""
    found = []
    for name, text in json.loads(row["headers"]):
        value = None if text is None else bytes.fromhex(text)
        try:
            found.append((name, value.decode() if value is not None else None))
        except UnicodeDecodeError:
            found.append((name, f"0x{text}"))
    return found


async def mark_replay(conn: Connection, ids: list[int]) -> int:
    """Try quarantined rows again from the start; returns how many there were."""
    return len(await conn.fetch(REPLAY, ids))


async def mark_skip(conn: Connection, parked_id: int, reason: str) -> bool:
    """Put a no-op in a quarantined fact's place; False when there is no such row in quarantine."""
    return bool(await conn.fetch(SKIP, parked_id, reason))


def _clean(reason: str) -> str:
    """PostgreSQL's text holds no NUL, and a reason may quote what came from outside."""
    return reason.replace("\x00", "")[:500]


def pack_headers(raw: Raw) -> bytes:
    """Headers may hold nulls and bytes that are no text: kept as they came."""
    return json.dumps([[name, None if value is None else value.hex()] for name, value in raw.headers]).encode()


def unpack(row: Record, value: bytes | None) -> Raw:
    """The record again; `value` comes from the row, or from the log where the row holds no body."""
    headers = [(name, None if text is None else bytes.fromhex(text)) for name, text in json.loads(row["headers"])]
    return Raw(row["cluster"], row["topic"], row["partition"], row["position"], row["key"], headers, value)


def aggregate_of(row: Record) -> UUID | None:
    """The aggregate of a row, where its envelope could be read."""
    found: UUID | None = row["aggregate"]
    return found
