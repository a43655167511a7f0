"""Consumer with an ordinary handler: inbox and effect in one transaction per fact, in order per key, from the log on.

Beside the reference (the same by hand: aiokafka and asyncpg, eight connections) stand one by one by hand and one by one
through FastStream, with which most people would begin.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram256

from shared.clock import RealClock
from shared.contracts.visit import VisitDeclined
from shared.db import Connection, open_pool
from shared.ids import new_id
from shared.kafka.access import KafkaAccess
from shared.kafka.broker import Subscription, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from tests.benchmarks.figures import Row, ratio_at_least
from tests.benchmarks.records import TOPIC, facts, publish, record_of
from tests.benchmarks.stage import Stage

_ROUNDS = 3
_SLOW_SHARE = 5
"""One by one is slow: it is measured on so much smaller a part."""
_CONNECTIONS = 8

EFFECTS = """
    create table effects (event_id uuid, aggregate uuid not null, reason text not null);
    grant select, insert on effects to public;
    create table inbox (consumer text, event_id uuid, primary key (consumer, event_id));
    grant select, insert on inbox to public;
"""
EFFECT = "insert into effects (aggregate, reason) values ($1, $2)"
REMEMBER = "insert into inbox (consumer, event_id) values ('bench', $1) on conflict do nothing returning 1"

Run = Callable[[Stage, int], Awaitable[float]]


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` facts in each of three rounds, ours and the reference in turn; the median of each."""
    rates: dict[str, list[float]] = {"ours": [], "eight": [], "one": [], "faststream": []}
    runs: dict[str, tuple[Run, int]] = {
        "eight": (_by_hand_eight, size),
        "ours": (_ours, size),
        "one": (_by_hand_one, size // _SLOW_SHARE),
        "faststream": (_plain_faststream, size // _SLOW_SHARE),
    }
    for _ in range(_ROUNDS):
        for name, (run, count) in runs.items():
            stage.tidy()
            rates[name].append(count / await run(stage, count))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    job = "consumer, one transaction each"
    return [
        Row(job, "facts/s", middle["ours"], "by hand, eight connections", middle["eight"], ratio_at_least(0.9)),
        Row(job, "facts/s", middle["ours"], "by hand, one by one", middle["one"]),
        Row(job, "facts/s", middle["ours"], "FastStream, one by one", middle["faststream"]),
    ]


class Count:
    """Seconds from the first fact that a handler saw to the last one."""

    def __init__(self, goal: int) -> None:
        self._goal = goal
        self.seconds: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.restart()

    def restart(self) -> None:
        """Nothing was seen yet."""
        self._left = self._goal
        self._start = self._end = 0.0

    def begin(self) -> None:
        """A handler saw a fact."""
        self._start = self._start or time.perf_counter()

    def done(self, how_many: int = 1) -> None:
        """Their effects are committed."""
        self._left -= how_many
        self._end = time.perf_counter()
        if self._left <= 0 and not self.seconds.done():
            self.seconds.set_result(self.seconds_so_far)

    @property
    def seconds_so_far(self) -> float:
        """Up to the last one that was done."""
        return self._end - self._start


async def _ours(stage: Stage, size: int) -> float:
    pool = await open_pool(stage.database("scheduler", EFFECTS).run, size=10, name="bench")
    count = Count(size)

    async def on_declined(fact: VisitDeclined, *, conn: Connection, deps: Any) -> None:
        count.begin()
        await conn.execute(EFFECT, fact.visit_id, fact.reason)
        count.done()  # its commit follows; that of the last one is all that is not on our account

    return await consume_ours(
        stage, size, Consumer("scheduler.general", facts={VisitDeclined: on_declined}), pool, count
    )


async def consume_ours(stage: Stage, size: int, consumer: Consumer, pool: Any, count: Count) -> float:
    """Through the subscription and the guard, from the log."""
    guard = Guard(consumer, pool, RealClock(), None)
    try:
        async with subscribed(stage, guard):  # what the references put on the topic is read first
            pass
        others, handled = await pool.fetchval("select count(*) from effects"), guard.handled
        await publish(stage.admin, [record_of(fact, version) for fact, version in facts(size)])
        count.restart()
        async with subscribed(stage, guard):
            assert guard.handled == handled + size
        done = await pool.fetchval("select count(*) from effects") - others
        assert done == size, f"{done} effects of {size} facts"
        return count.seconds_so_far
    finally:
        pool.terminate()


@asynccontextmanager
async def subscribed(stage: Stage, guard: Guard) -> AsyncIterator[None]:
    """A subscription that has read to the end of the log, and has committed that it did."""
    access = stage.access("scheduler")
    broker = build_broker(access)
    subscription = Subscription(guard, await access.cluster_id())
    subscription.attach(broker)
    await broker.start()
    try:
        while await subscription.lag():
            await asyncio.sleep(0.02)
        yield
    finally:
        await broker.stop()


async def _by_hand_eight(stage: Stage, size: int) -> float:
    return await _by_hand(stage, size, _CONNECTIONS)


async def _by_hand_one(stage: Stage, size: int) -> float:
    return await _by_hand(stage, size, 1)


async def _by_hand(stage: Stage, size: int, connections: int) -> float:
    pool = await asyncpg.create_pool(
        stage.database("scheduler", EFFECTS).run, min_size=connections, max_size=connections
    )
    consumer = await log_reader(stage.admin, size)
    count = Count(size)

    async def handle_some(records: list[Any]) -> None:
        async with pool.acquire() as conn:
            for record in records:
                count.begin()
                await handle(conn, record)
                count.done()

    try:
        while not count.seconds.done():
            lanes: list[list[Any]] = [[] for _ in range(connections)]
            for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
                for record in records:
                    lanes[hash(record.key) % connections].append(record)
            await asyncio.gather(*(handle_some(lane) for lane in lanes if lane))
            await consumer.commit()
        return count.seconds.result()
    finally:
        await consumer.stop()
        pool.terminate()


async def handle(conn: Any, record: Any) -> None:
    """What anybody would write: inbox, effect, commit."""
    headers = dict(record.headers)
    body = json.loads(record.value)
    async with conn.transaction():
        if await conn.fetchval(REMEMBER, headers["ce_id"].decode()):
            await conn.execute(EFFECT, body["visit_id"], body["reason"])


async def log_reader(access: KafkaAccess, size: int) -> AIOKafkaConsumer:
    """A consumer in a group of its own that stands before `size` new records."""
    consumer = AIOKafkaConsumer(
        TOPIC, **access.options(), group_id=f"bench-{new_id()}", auto_offset_reset="latest", enable_auto_commit=False
    )
    await access.start(consumer)
    await consumer.seek_to_end()
    for place in consumer.assignment():
        await consumer.position(place)
    await publish(access, [record_of(fact, version) for fact, version in facts(size)])
    return consumer


async def _plain_faststream(stage: Stage, size: int) -> float:
    pool = await asyncpg.create_pool(stage.database("scheduler", EFFECTS).run, min_size=1, max_size=1)
    count = Count(size)
    access = stage.admin
    broker = KafkaBroker(
        access.bootstrap, security=SASLScram256(username=access.user, password=access.password), logger=None
    )
    ready = asyncio.Event()

    @broker.subscriber(
        TOPIC, group_id=f"bench-{new_id()}", ack_policy=AckPolicy.NACK_ON_ERROR, auto_offset_reset="latest"
    )
    async def on_declined(body: dict[str, Any], message: KafkaMessage) -> None:
        if body["reason"] == "warm-up":
            ready.set()
            return
        count.begin()
        async with pool.acquire() as conn, conn.transaction():
            if await conn.fetchval(REMEMBER, message.headers["ce_id"]):
                await conn.execute(EFFECT, body["visit_id"], body["reason"])
        count.done()

    await broker.start()
    try:
        while not ready.is_set():
            ((fact, version),) = facts(1)
            await publish(access, [record_of(fact.model_copy(update={"reason": "warm-up"}), version)])
            await asyncio.sleep(0.1)
        await publish(access, [record_of(fact, version) for fact, version in facts(size)])
        return await count.seconds
    finally:
        await broker.stop()
        pool.terminate()
