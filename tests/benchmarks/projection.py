"""Consumer with a projection: a poll in one transaction, against the same by hand and a plain FastStream batch."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram256

from shared.contracts.visit import VisitDeclined
from shared.db import Connection, open_pool
from shared.ids import new_id
from shared.kafka.consumer import Consumer
from tests.benchmarks.consumer import EFFECTS, Count, consume_ours, log_reader
from tests.benchmarks.figures import Row, ratio_at_least
from tests.benchmarks.records import TOPIC, declined, facts, publish, record_of
from tests.benchmarks.stage import Stage

_ROUNDS = 3
EFFECT = "insert into effects (aggregate, reason) select * from unnest($1::uuid[], $2::text[])"
REMEMBER = """
    insert into inbox (consumer, event_id) select 'bench', unnest($1::uuid[])
    on conflict do nothing returning event_id
"""


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` facts in each of three rounds, ours and the references in turn; the median of each."""
    runs: dict[str, Callable[[Stage, int], Awaitable[float]]] = {
        "by hand": _by_hand,
        "ours": _ours,
        "faststream": _faststream_batch,
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(_ROUNDS):
        for name, run in runs.items():
            stage.tidy()
            rates[name].append(size / await run(stage, size))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    job = "consumer, one transaction a poll"
    return [
        Row(job, "facts/s", middle["ours"], "by hand", middle["by hand"], ratio_at_least(0.5)),
        Row(job, "facts/s", middle["ours"], "FastStream batch", middle["faststream"]),
    ]


async def _ours(stage: Stage, size: int) -> float:
    pool = await open_pool(stage.database("scheduler", EFFECTS).run, size=10, name="bench")
    count = Count(size)

    async def on_declined(many: Sequence[VisitDeclined], *, conn: Connection, deps: Any) -> None:
        count.begin()
        await conn.execute(EFFECT, [fact.visit_id for fact in many], [fact.reason for fact in many])
        count.done(len(many))

    consumer = Consumer("scheduler.general", projections={VisitDeclined: on_declined})
    return await consume_ours(stage, size, consumer, pool, count)


async def take(conn: Any, records: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Inbox and effects of a poll, by hand: (event id, body) of each."""
    async with conn.transaction():
        new = {row["event_id"] for row in await conn.fetch(REMEMBER, [event_id for event_id, _ in records])}
        bodies = [body for event_id, body in records if UUID(event_id) in new]
        await conn.execute(EFFECT, [body["visit_id"] for body in bodies], [body["reason"] for body in bodies])


async def _by_hand(stage: Stage, size: int) -> float:
    conn = await asyncpg.connect(stage.database("scheduler", EFFECTS).run)
    consumer = await log_reader(stage.admin, size)
    count = Count(size)
    try:
        while not count.seconds.done():
            polled = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for some in polled.values() for record in some]
            if records:
                count.begin()
                await take(conn, [(dict(one.headers)["ce_id"].decode(), json.loads(one.value)) for one in records])
                await consumer.commit()
                count.done(len(records))
        return count.seconds.result()
    finally:
        await consumer.stop()
        conn.terminate()


async def _faststream_batch(stage: Stage, size: int) -> float:
    conn = await asyncpg.connect(stage.database("scheduler", EFFECTS).run)
    count, ready, access = Count(size), asyncio.Event(), stage.admin
    broker = KafkaBroker(
        access.bootstrap, security=SASLScram256(username=access.user, password=access.password), logger=None
    )

    @broker.subscriber(
        TOPIC,
        group_id=f"bench-{new_id()}",
        batch=True,
        max_records=500,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        auto_offset_reset="latest",
    )
    async def on_declined(bodies: list[dict[str, Any]], message: KafkaMessage) -> None:
        ids = [headers["ce_id"] for headers in message.batch_headers]
        wanted = [(one, body) for one, body in zip(ids, bodies, strict=True) if body["reason"] != "warm-up"]
        ready.set()
        if wanted:
            count.begin()
            await take(conn, wanted)
            count.done(len(wanted))

    await broker.start()
    try:
        while not ready.is_set():
            await publish(access, [record_of(declined(new_id()).model_copy(update={"reason": "warm-up"}), 1)])
            await asyncio.sleep(0.1)
        await publish(access, [record_of(fact, version) for fact, version in facts(size)])
        return await count.seconds
    finally:
        await broker.stop()
        conn.terminate()
