"""The outbox: what a service has to say is written in the transaction that makes it true.

`emit` comes after the aggregate's row is locked (or inserted): versions of one aggregate are then taken
one after the other, and a row that another one of the same aggregate waited for has the lower `seq`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.contracts import Fact
from shared.db import Connection
from shared.ids import new_id
from shared.kafka.envelope import MAX_BODY_BYTES
from shared.kafka.topics import BY_NAME, GENERAL
from shared.telemetry import current_traceparent
from shared.wakeups import wake_here

_UNHURRIED_SECONDS = 0.1

APPEND_FACT = """
    with last as (
        select version, lane from outbox where topic = $2 and aggregate = $3 order by version desc limit 1
    ), event as (
        insert into outbox (event_id, topic, aggregate, version, type, body, occurred_at, traceparent, lane)
        select $1, $2, $3, coalesce((select version from last), 0) + 1, $4, $5, $6, $7,
               coalesce((select lane from last), $8)
        returning seq, version, lane
    ), pending as (
        insert into outbox_pending (seq, lane) select seq, lane from event
    )
    select version, lane, case when $9 then pg_notify('outbox', lane)::text end from event
"""

APPEND_FACTS = """
    with said as (
        select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::text[])
                      with ordinality as said (event_id, topic, aggregate, type, body, lane, place)
    ), numbered as (
        select said.*, last.version as last_version, last.lane as last_lane,
               row_number() over later as nth, first_value(said.lane) over later as first_lane
        from said left join lateral (
            select version, lane from outbox before
            where before.topic = said.topic and before.aggregate = said.aggregate order by version desc limit 1
        ) last on true
        window later as (partition by said.topic, said.aggregate order by place)
    ), event as (
        insert into outbox (event_id, topic, aggregate, version, type, body, occurred_at, traceparent, lane)
        select event_id, topic, aggregate, coalesce(last_version, 0) + nth, type, body, $7, $8,
               coalesce(last_lane, first_lane)
        from numbered order by place
        returning seq, lane
    ), pending as (
        insert into outbox_pending (seq, lane) select seq, lane from event
    )
    select lane, case when $9 then pg_notify('outbox', lane)::text end from event group by lane
"""


async def emit(
    conn: Connection,
    fact: Fact,
    *,
    now: datetime,
    lane: str | None = None,
    topic: str | None = None,
    unhurried: bool = False,
) -> int:
    """Append a fact; returns its version. `lane` only where an aggregate's whole life is in another than its topic's.
    `unhurried`: nobody waits for it; it leaves with what comes in the next tenth of a second, or at the relay's next look.

    The first fact of an aggregate decides its lane: two relays for one aggregate could overtake each other.
    Raises `ValueError` for a fact that is too large to travel: before anything is committed, not in the relay.
    """
    where = topic or fact.topic
    return await _append(
        conn, where, fact.key, fact.type, _body(fact), now, lane or _lane(where), unhurried=unhurried
    )


async def emit_all(
    conn: Connection, facts: Sequence[Fact], *, now: datetime, lane: str | None = None, unhurried: bool = False
) -> None:
    """Append facts in one statement, as if each were emitted in turn; the rows of all their aggregates are locked.

    For those who say the same of many at once. Raises `ValueError` like `emit`.
    """
    if facts:
        rows = [(new_id(), fact.topic, fact.key, fact.type, _body(fact), lane or _lane(fact.topic)) for fact in facts]
        columns = map(list, zip(*rows, strict=True))
        for row in await conn.fetch(APPEND_FACTS, *columns, now, current_traceparent(), not unhurried):
            _wake_relay(row["lane"], unhurried=unhurried)


async def emit_state(conn: Connection, topic: str, aggregate: UUID, *, now: datetime, erased: bool = False) -> int:
    """Say that the state of a key changed (its row locked first); the relay reads it when it publishes.

    Returns the new version. An erased key stays known, with its version, for ever.
    """
    version = await _append(conn, topic, aggregate, None, None, now, _lane(topic))
    await conn.execute(SAVE_OWN_VERSION, topic, aggregate, version, erased)
    return version


SAVE_OWN_VERSION = """
    insert into state_copies (topic, aggregate, version, erased) values ($1, $2, $3, $4)
    on conflict (topic, aggregate) do update set version = excluded.version, erased = excluded.erased
"""


async def _append(
    conn: Connection,
    topic: str,
    aggregate: UUID,
    type_: str | None,
    body: bytes | None,
    now: datetime,
    lane: str,
    *,
    unhurried: bool = False,
) -> int:
    row = await conn.fetchrow(
        APPEND_FACT, new_id(), topic, aggregate, type_, body, now, current_traceparent(), lane, not unhurried
    )
    assert row is not None
    _wake_relay(row["lane"], unhurried=unhurried)
    version: int = row["version"]
    return version


def _wake_relay(lane: str, *, unhurried: bool) -> None:
    wake_here("outbox", lane, after=_UNHURRIED_SECONDS if unhurried else 0.0)


def _body(fact: Fact) -> bytes:
    body = fact.model_dump_json().encode()
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"{fact.type} of {fact.key} has {len(body)} bytes; a fact may have {MAX_BODY_BYTES}.")
    return body


def _lane(topic: str) -> str:
    known = BY_NAME.get(topic)
    return known.lane if known else GENERAL


COUNT_PENDING = "select count(*) from outbox_pending"
OLDEST_PENDING = "select min(o.occurred_at) from outbox_pending p join outbox o using (seq)"


async def count_pending(conn: Connection) -> int:
    """How many records the broker has not acknowledged yet."""
    count: int = await conn.fetchval(COUNT_PENDING)
    return count
