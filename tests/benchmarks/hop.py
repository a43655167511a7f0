"""Commit → handler, at a hundred facts a second, against the log's own hop: send → receive with the same clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.clock import RealClock
from shared.contracts.visit import VisitDeclined
from shared.db import Connection, open_pool, transaction
from shared.ids import new_id
from shared.kafka.broker import Subscription, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.outbox import emit
from tests.benchmarks.consumer import EFFECT, EFFECTS, log_reader
from tests.benchmarks.figures import Row, at_most, ratio_at_most, spread
from tests.benchmarks.records import declined, record_of
from tests.benchmarks.relay import running_relay
from tests.benchmarks.stage import Stage

_EACH_SECOND = 100
_WARM_UP = 50
_ROUNDS = 2


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` facts in each of two rounds, the log's hop and ours in turn; all latencies of a side together."""
    ours, log = [], []
    for _ in range(_ROUNDS):
        log += await _log_alone(stage, size)
        ours += await _commit_to_handler(stage, size)
    mine, theirs = spread(ours), spread(log)
    job = f"commit → handler, {_EACH_SECOND}/s"
    return [
        Row(f"{job}, p50", "ms", mine.p50, "the log's own hop", theirs.p50, ratio_at_most(2)),
        Row(f"{job}, p99", "ms", mine.p99, "", None, at_most(25)),
        Row(f"{job}, p99", "ms", mine.p99, "the log's own hop", theirs.p99),
    ]


async def paced(count: int, act: Callable[[], Awaitable[None]]) -> None:
    """`count` acts at the pace of a clock, not of the one before: a slow one does not make the next ones wait."""
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / _EACH_SECOND - asyncio.get_running_loop().time()))
            group.create_task(act())  # type: ignore[arg-type]


async def _log_alone(stage: Stage, size: int) -> list[float]:
    sent: dict[bytes, float] = {}
    taken: list[float] = []
    consumer = await log_reader(stage.admin, 0)
    producer = stage.access("visits").producer()
    await stage.admin.start(producer)

    async def receive() -> None:
        while len(taken) < size + _WARM_UP:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                now = time.perf_counter()
                taken.extend(now - sent[record.key] for record in records)

    async def send() -> None:
        record = record_of(declined(new_id()), 1, datetime.now(UTC))
        sent[record["key"]] = time.perf_counter()
        await producer.send(**record)

    try:
        receiving = asyncio.create_task(receive())
        await paced(_WARM_UP + size, send)
        await receiving
        return taken[_WARM_UP:]
    finally:
        await consumer.stop()
        await producer.stop()


async def _commit_to_handler(stage: Stage, size: int) -> list[float]:
    committed: dict[UUID, float] = {}
    handled: dict[UUID, float] = {}
    dsn = stage.database("visits").run
    emitting = await open_pool(dsn, size=6, name="bench", min_size=4)
    handling = await open_pool(stage.database("scheduler", EFFECTS).run, size=10, name="bench", min_size=8)
    access = stage.access("scheduler")

    async def on_declined(fact: VisitDeclined, *, conn: Connection, deps: Any) -> None:
        handled[fact.visit_id] = time.perf_counter()
        await conn.execute(EFFECT, fact.visit_id, fact.reason)

    async def commit() -> None:
        fact = declined(new_id())
        async with transaction(emitting) as conn:
            await emit(conn, fact, now=datetime.now(UTC))
        committed[fact.visit_id] = time.perf_counter()

    consumer = Consumer("scheduler.general", facts={VisitDeclined: on_declined})
    subscription = Subscription(Guard(consumer, handling, RealClock(), None), await access.cluster_id())
    broker = build_broker(access)
    subscription.attach(broker)
    await broker.start()
    try:
        async with running_relay(emitting, dsn, stage.access("visits")):
            while await subscription.lag():
                await asyncio.sleep(0.05)
            handled.clear()
            await paced(_WARM_UP + size, commit)
            while len(handled) < size + _WARM_UP:
                await asyncio.sleep(0.01)
        return [handled[fact] - at for fact, at in list(committed.items())[_WARM_UP:]]
    finally:
        await broker.stop()
        for pool in (emitting, handling):
            pool.terminate()
