"""The facts that benchmarks carry: real ones, with the headers that ours have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts.visit import VisitDeclined
from shared.db import Pool
from shared.ids import new_id
from shared.kafka.access import KafkaAccess
from shared.kafka.envelope import Envelope
from shared.telemetry import new_traceparent

TOPIC = VisitDeclined.topic
VERSIONS = 4
"""Facts of each aggregate: enough that order per key is not free."""

FILL_OUTBOX = """
    with events as (
        insert into outbox (event_id, topic, aggregate, version, type, body, occurred_at, traceparent, lane)
        select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::bytea[],
                             $7::timestamptz[], $8::text[], $9::text[])
        returning seq, lane
    ), pending as (
        insert into outbox_pending (seq, lane) select seq, lane from events
    )
    select pg_notify('outbox', '')
"""


def facts(count: int) -> Iterator[tuple[VisitDeclined, int]]:
    """`count` facts with their versions; those of one aggregate are as far apart as there are aggregates."""
    visits = [new_id() for _ in range(max(1, count // VERSIONS))]
    for place in range(count):
        version, which = divmod(place, len(visits))
        yield declined(visits[which]), version + 1


def declined(visit_id: UUID) -> VisitDeclined:
    return VisitDeclined(visit_id=visit_id, offer=1, country="BD", trainer_id=new_id(), reason="illness")


def record_of(fact: VisitDeclined, version: int, time: datetime | None = None) -> dict[str, Any]:
    """Arguments of a producer's `send`."""
    envelope = Envelope(new_id(), "/bench", fact.type, time or datetime.now(UTC), fact.key, version, new_traceparent())
    return {
        "topic": TOPIC,
        "key": str(fact.key).encode(),
        "value": fact.model_dump_json().encode(),
        "headers": envelope.headers(),
    }


async def fill_outbox(pool: Pool, count: int) -> None:
    """One commit with all of them: what the relay then finds is a backlog."""
    now = datetime.now(UTC)
    columns: list[list[Any]] = [[] for _ in range(9)]
    for fact, version in facts(count):
        row = (new_id(), TOPIC, fact.key, version, fact.type, fact.model_dump_json().encode(), now)
        for column, value in zip(columns, (*row, new_traceparent(), "general"), strict=True):
            column.append(value)
    await pool.execute(FILL_OUTBOX, *columns, timeout=120)


async def publish(access: KafkaAccess, records: Sequence[dict[str, Any]]) -> None:
    """Straight onto the log, for those who measure what reads it."""
    producer = access.producer()
    await access.start(producer)
    try:
        await asyncio.gather(*[await producer.send(**record) for record in records])
    finally:
        await producer.stop()
