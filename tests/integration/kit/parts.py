"""One publishing and one listening service, reduced to the kit: real database, real broker, a handler that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.databases import DatabaseUrls
from shared.clock import FrozenClock
from shared.contracts.registry import Contract
from shared.contracts.visit import VisitDeclined
from shared.db import Connection, Pool, open_pool, transaction
from shared.ids import new_id
from shared.kafka.access import KafkaAccess
from shared.kafka.broker import Subscription, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.log_state import recognise_cluster
from shared.kafka.outbox import count_pending
from shared.kafka.parking import Parking
from shared.kafka.relay import Relay
from shared.wakeups import Wakeups
from tests.harness.servers import Servers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PATIENCE_SECONDS = 30.0


def declined(reason: str = "ill", **changes: Any) -> VisitDeclined:
    """A fact of a visit of its own."""
    values = {"visit_id": new_id(), "offer": 1, "country": "BD", "trainer_id": new_id(), "reason": reason}
    return VisitDeclined(**(values | changes))


async def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Wait until the condition holds; it may be a coroutine function."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"This did not become true in {_PATIENCE_SECONDS:.0f} s: {what}")
        await asyncio.sleep(0.02)


@dataclass
class Publisher:
    """A service that publishes."""

    pool: Pool
    relay: Relay

    async def is_empty(self) -> None:
        """Wait until nothing is pending."""

        async def empty() -> bool:
            async with transaction(self.pool) as conn:
                return await count_pending(conn) == 0

        await eventually(empty, "the outbox is empty")


@dataclass
class Listener:
    """A service that listens and remembers what its handler was given in a committed transaction."""

    pool: Pool
    guard: Guard | None = None
    handled: list[Any] = field(default_factory=list)
    behave: Callable[[Any, Connection], Awaitable[None]] | None = None

    async def on_fact(self, fact: Contract, *, conn: Connection, deps: Any) -> None:
        if self.behave:
            await self.behave(fact, conn)
        self.handled.append(fact)

    async def has_handled(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """Wait until what was handled is enough."""
        await eventually(lambda: enough(self.handled), f"handled facts (so far {len(self.handled)})")
        return self.handled


def access_of(servers: Servers, passwords: dict[str, str], service: str) -> KafkaAccess:
    """The service's own principal."""
    return KafkaAccess(servers.kafka_bootstrap, service, passwords[service])


@pytest.fixture
async def publisher(
    database: Callable[[str], DatabaseUrls], kafka_server: Servers, kafka_passwords: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Publisher]]]:
    """Await it with a service's name: its database, and a relay that runs."""
    tasks: list[asyncio.Task[None]] = []
    pools: list[Pool] = []

    async def make(service: str, *, lane: str = "general", start: bool = True) -> Publisher:
        dsn = database(service).run
        pool = await open_pool(dsn, size=6, name="publisher")
        pools.append(pool)
        access = access_of(kafka_server, kafka_passwords, service)
        await recognise_cluster(pool, await access.cluster_id())
        wakeups = Wakeups(dsn)
        relay = Relay(
            pool, access, wakeups.on("outbox"), service=service, source="/test", holder=str(new_id()), lane=lane
        )
        if start:
            tasks.append(asyncio.create_task(relay.run()))
            tasks.append(asyncio.create_task(wakeups.run()))
        return Publisher(pool, relay)

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for pool in pools:
        pool.terminate()


@pytest.fixture
async def listener(
    database: Callable[[str], DatabaseUrls], kafka_server: Servers, kafka_passwords: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    """Await it with a service's name: its database, and a subscription that runs."""
    tasks: list[asyncio.Task[None]] = []
    brokers: list[Any] = []
    pools: list[Pool] = []

    async def make(service: str, *, facts: tuple[Any, ...] = (VisitDeclined,), group: str = "general") -> Listener:
        dsn = database(service).run
        pool = await open_pool(dsn, size=10, name="listener")
        pools.append(pool)
        access = access_of(kafka_server, kafka_passwords, service)
        cluster = await access.cluster_id()
        heard = Listener(pool)
        consumer = Consumer(f"{service}.{group}", facts=dict.fromkeys(facts, heard.on_fact))
        clock = FrozenClock(NOON)
        heard.guard = Guard(consumer, pool, clock, None)
        wakeups = Wakeups(dsn)
        parking = Parking(consumer, pool, clock, None, access, wakeups.on("parked"))
        tasks.append(asyncio.create_task(parking.run()))
        tasks.append(asyncio.create_task(wakeups.run()))
        broker = build_broker(access)
        brokers.append(broker)
        Subscription(heard.guard, cluster).attach(broker)
        await broker.start()
        return heard

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for broker in brokers:
        await broker.stop()
    for pool in pools:
        pool.terminate()
