"""Commit → handler of healthy facts while every tenth record is poison, against the same without any.

Half of the poison cannot be read, half makes its handler fail: each kind ends in quarantine, and healthy keys are not to
notice.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID

from shared import logging
from shared.clock import RealClock
from shared.contracts.visit import VisitDeclined
from shared.db import Connection, Pool, open_pool, transaction
from shared.ids import new_id
from shared.kafka.broker import Subscription, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.outbox import emit
from shared.kafka.parking import Parking
from shared.wakeups import Wakeups
from tests.benchmarks.consumer import EFFECT, EFFECTS
from tests.benchmarks.figures import Row, at_most, ratio_at_most, spread
from tests.benchmarks.hop import paced
from tests.benchmarks.records import declined, record_of
from tests.benchmarks.relay import running_relay
from tests.benchmarks.stage import Stage

_ROUNDS = 2
_WARM_UP = 50
_EACH = 10
_SICK = "sick"
_QUARANTINED = "select count(*) from parked where state = 'quarantined'"
_IN_TIME_SECONDS = 60
_LOOK_SECONDS = 0.05


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` healthy facts in each of two rounds, without poison and with it in turn; all latencies of a side together."""
    logging.configure("scheduler", stream=StringIO())  # a failing handler is logged, as it is in a service
    without, beside, slowest = [], [], 0.0
    for _ in range(_ROUNDS):
        without += (await _round(stage, size, poison=False))[0]
        latencies, until_quarantined = await _round(stage, size, poison=True)
        beside += latencies
        slowest = max(slowest, until_quarantined)
    poisoned, healthy = spread(beside), spread(without)
    job = "commit → handler beside poison"
    return [
        Row(f"{job}, p50", "ms", poisoned.p50, "without poison", healthy.p50),
        Row(f"{job}, p99", "ms", poisoned.p99, "without poison", healthy.p99, ratio_at_most(2)),
        Row("the last poison is in quarantine after", "s", slowest, "", None, at_most(_IN_TIME_SECONDS)),
    ]


async def _round(stage: Stage, size: int, *, poison: bool) -> tuple[list[float], float]:
    """Latencies of the healthy facts, and how long after the last commit all of the poison was in quarantine."""
    committed: dict[UUID, float] = {}
    handled: dict[UUID, float] = {}
    dsn = stage.database("visits").run
    listening = stage.database("scheduler", EFFECTS).run
    emitting = await open_pool(dsn, size=6, name="bench", min_size=4)
    handling = await open_pool(listening, size=10, name="bench", min_size=8)
    access, writer = stage.access("scheduler"), stage.access("visits").producer()
    await stage.access("visits").start(writer)
    made = 0

    async def on_declined(fact: VisitDeclined, *, conn: Connection, deps: Any) -> None:
        if fact.reason == _SICK:
            raise RuntimeError(_SICK)
        handled[fact.visit_id] = time.perf_counter()
        await conn.execute(EFFECT, fact.visit_id, fact.reason)

    async def commit() -> None:
        nonlocal made
        made += 1
        if poison and made % _EACH == 0:
            unreadable = made % (2 * _EACH) == 0
            record = record_of(declined(new_id()).model_copy(update={"reason": _SICK}), 1)
            await writer.send(**(record | {"value": b"{"} if unreadable else record))
        fact = declined(new_id())
        async with transaction(emitting) as conn:
            await emit(conn, fact, now=datetime.now(UTC))
        committed[fact.visit_id] = time.perf_counter()

    consumer = Consumer("scheduler.general", facts={VisitDeclined: on_declined})
    subscription = Subscription(Guard(consumer, handling, RealClock(), None), await access.cluster_id())
    wakeups = Wakeups(listening)
    parking = Parking(consumer, handling, RealClock(), None, access, wakeups.on("parked"))
    broker = build_broker(access)
    subscription.attach(broker)
    await broker.start()
    beside = [asyncio.create_task(parking.run()), asyncio.create_task(wakeups.run())]
    try:
        async with running_relay(emitting, dsn, stage.access("visits")):
            while await subscription.lag():
                await asyncio.sleep(_LOOK_SECONDS)
            await paced(_WARM_UP + size, commit)
            began = time.perf_counter()
            while not committed.keys() <= handled.keys():
                await asyncio.sleep(_LOOK_SECONDS)
            await _quarantined(handling, made // _EACH if poison else 0)
            waited = time.perf_counter() - began
        return [handled[fact] - at for fact, at in list(committed.items())[_WARM_UP:]], waited
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await broker.stop()
        await writer.stop()
        for pool in (emitting, handling):
            pool.terminate()


async def _quarantined(pool: Pool, count: int) -> None:
    while await pool.fetchval(_QUARANTINED) < count:
        await asyncio.sleep(_LOOK_SECONDS)
