"""The inbox is a watermark: the last version of each aggregate that a consumer handled, moved with the effect.

It deduplicates, orders, and serialises two consumers in a rebalance. It is never pruned: one row an aggregate.
"""

from enum import Enum, auto
from uuid import UUID

import structlog

from shared.db import Connection

_log = structlog.get_logger(__name__)


class Verdict(Enum):
    """What to do with a fact."""

    HANDLE = auto()
    REPEAT = auto()
    GAP = auto()


def judge(last: int | None, version: int) -> Verdict:
    """`last` is the version handled last, None for an aggregate never seen."""
    expected = (last or 0) + 1
    if version == expected:
        return Verdict.HANDLE
    return Verdict.REPEAT if version < expected else Verdict.GAP


# Two statements, not one upsert: an upsert would accept a first fact with version 2.
INSERT_FIRST = """
    with moved as (
        insert into watermarks (consumer, topic, aggregate, version, event_id) values ($1, $2, $3, $4, $5)
        on conflict do nothing returning 1
    ), freed as (
        update parked set next_at = clock_timestamp()
        where exists (select from moved) and consumer = $1 and topic = $2 and aggregate = $3
          and version = $4 + 1 and state in ('waiting', 'skip')
        returning pg_notify('parked', '')
    )
    select exists (select from moved), (select count(*) from freed)
"""
MOVE_ON = """
    with moved as (
        update watermarks set version = $4, event_id = $5
        where consumer = $1 and topic = $2 and aggregate = $3 and version = $4 - 1 returning 1
    ), freed as (
        update parked set next_at = clock_timestamp()
        where exists (select from moved) and consumer = $1 and topic = $2 and aggregate = $3
          and version = $4 + 1 and state in ('waiting', 'skip')
        returning pg_notify('parked', '')
    )
    select exists (select from moved), (select count(*) from freed)
"""
GET_WATERMARK = "select version, event_id from watermarks where consumer = $1 and topic = $2 and aggregate = $3"


async def advance(
    conn: Connection, consumer: str, topic: str, aggregate: UUID, version: int, event_id: UUID
) -> Verdict:
    """Move the watermark to `version` if it is the next one. On HANDLE the caller's effect belongs to this transaction.

    The same version under another event id is an alarm: two things claim to be one aggregate's same fact.
    """
    statement = INSERT_FIRST if version == 1 else MOVE_ON
    while True:
        if await conn.fetchval(statement, consumer, topic, aggregate, version, event_id):
            return Verdict.HANDLE
        row = await conn.fetchrow(GET_WATERMARK, consumer, topic, aggregate)
        verdict = judge(row["version"] if row else None, version)
        if verdict is Verdict.HANDLE:
            continue  # another consumer moved it between the two statements: decide again
        if row and row["version"] == version and row["event_id"] != event_id:
            say_version_under_two_ids(consumer, topic, aggregate)
        return verdict


def say_version_under_two_ids(consumer: str, topic: str, aggregate: UUID) -> None:
    """An alarm: one of the two was written by something that does not count as it should."""
    _log.error("inbox.version_under_two_ids", consumer=consumer, topic=topic, aggregate=str(aggregate))


NEWER_STATE = """
    insert into state_copies (topic, aggregate, version, erased) values ($1, $2, $3, $4)
    on conflict (topic, aggregate) do update set version = excluded.version, erased = excluded.erased
    where state_copies.version < excluded.version
    returning true
"""


async def accept_state(conn: Connection, topic: str, aggregate: UUID, version: int, *, erased: bool) -> bool:
    """Whether this version of a key is newer than what we have; a tombstone is kept and beats older copies."""
    return bool(await conn.fetchval(NEWER_STATE, topic, aggregate, version, erased))


async def is_known(conn: Connection, topic: str, aggregate: UUID) -> bool:
    """Whether a key of a state topic was ever seen; an erased one counts."""
    return bool(
        await conn.fetchval("select true from state_copies where topic = $1 and aggregate = $2", topic, aggregate)
    )
