"""Relay: a backlog of the outbox to the log, against the same client publishing the same records without a database."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.db import Pool, open_pool
from shared.ids import new_id
from shared.kafka.access import KafkaAccess
from shared.kafka.log_state import recognise_cluster
from shared.kafka.relay import Relay
from shared.wakeups import Wakeups
from tests.benchmarks.figures import Row, ratio_at_least
from tests.benchmarks.records import facts, fill_outbox, record_of
from tests.benchmarks.stage import Stage

_ROUNDS = 3


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` records in each of three rounds, ours and the reference in turn; the median of each."""
    ours, alone = [], []
    access = stage.access("visits")
    pool = await open_pool(dsn := stage.database("visits").run, size=6, name="bench")
    try:
        async with running_relay(pool, dsn, access) as relay:
            for _ in range(_ROUNDS):
                stage.tidy()
                alone.append(size / await _client_alone(access, size))
                stage.tidy()
                ours.append(size / await through_outbox(pool, relay, size))
    finally:
        pool.terminate()
    return [
        Row(
            "relay: outbox → log",
            "facts/s",
            statistics.median(ours),
            "the same client without a database",
            statistics.median(alone),
            ratio_at_least(0.75),
        )
    ]


@asynccontextmanager
async def running_relay(pool: Pool, dsn: str, access: KafkaAccess, lane: str = "general") -> AsyncIterator[Relay]:
    """A relay that holds its lease and has its producer."""
    await recognise_cluster(pool, await access.cluster_id())
    wakeups = Wakeups(dsn)
    relay = Relay(
        pool, access, wakeups.on("outbox"), service="visits", source="/bench", holder=str(new_id()), lane=lane
    )
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(wakeups.run())]
    try:
        await fill_outbox(pool, 100)
        await published(relay, 100)
        yield relay
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def through_outbox(pool: Pool, relay: Relay, size: int) -> float:
    """Seconds from the commit that made them pending to the last one off the to-do list."""
    goal = relay.published + size
    filling = asyncio.create_task(fill_outbox(pool, size))
    await filling
    start = time.perf_counter()
    before = relay.published
    await published(relay, goal)
    # What was published before the filling statement's answer was read here counts for neither side.
    return (time.perf_counter() - start) * size / max(1, goal - before)


async def published(relay: Relay, goal: int) -> None:
    """Return when so many were acknowledged and struck off since the relay began."""
    while relay.published < goal:
        await asyncio.sleep(0.002)


async def _client_alone(access: KafkaAccess, size: int) -> float:
    producer = access.producer()
    await access.start(producer)
    try:
        for fact, version in list(facts(100)):
            await producer.send_and_wait(**record_of(fact, version))
        records = [record_of(fact, version) for fact, version in facts(size)]
        start = time.perf_counter()
        await asyncio.gather(*[await producer.send(**record) for record in records])
        return time.perf_counter() - start
    finally:
        await producer.stop()
