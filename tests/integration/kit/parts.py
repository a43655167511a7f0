"""One publishing and one listening service, reduced to the kit: real database, real broker, an effect that is counted."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

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
from shared.kafka.effect import Raw
from shared.kafka.envelope import Envelope
from shared.kafka.guard import Guard
from shared.kafka.log_state import recognise_cluster
from shared.kafka.outbox import count_pending, emit
from shared.kafka.parking import Parking
from shared.kafka.relay import LoadStates, Relay
from shared.telemetry import new_traceparent
from shared.wakeups import Wakeup, Wakeups
from tests.harness.servers import Servers

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PATIENCE_SECONDS = float(os.environ.get("GEMBA_TEST_PATIENCE_SECONDS", "60"))
_offsets = itertools.count(1)


def declined(reason: str = "ill", **changes: Any) -> VisitDeclined:
    """A fact of a visit of its own."""
    values = {"visit_id": new_id(), "offer": 1, "country": "BD", "trainer_id": new_id(), "reason": reason}
    return VisitDeclined(**(values | changes))


def declined_again(visit_id: UUID, count: int) -> list[VisitDeclined]:
    """The first `count` facts of one visit; their reasons are their versions."""
    return [declined(str(version), visit_id=visit_id) for version in range(1, count + 1)]


def raw_of(body: Contract, version: int, **changes: Any) -> Raw:
    """The record of a fact as the broker would have it; `changes` replace what is to be wrong with it."""
    envelope = Envelope(new_id(), "/test", body.type, NOON, body.key, version, new_traceparent())
    raw = {
        "cluster": "test-cluster",
        "topic": body.topic,
        "partition": 0,
        "offset": next(_offsets),
        "key": str(body.key).encode(),
        "headers": envelope.headers(),
        "value": body.model_dump_json().encode(),
    }
    return Raw(**(raw | changes))


def with_header(raw: Raw, name: str, value: bytes | None) -> list[tuple[str, bytes | None]]:
    """The record's headers with one replaced or added."""
    return [(known, text) for known, text in raw.headers if known != name] + [(name, value)]


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
    access: KafkaAccess

    async def emit(self, *facts: Any) -> None:
        """Each in a transaction of its own."""
        for fact in facts:
            async with transaction(self.pool) as conn:
                await emit(conn, fact, now=NOON)

    async def pending(self) -> int:
        async with transaction(self.pool) as conn:
            return await count_pending(conn)

    async def is_empty(self) -> None:
        """Wait until nothing is pending."""

        async def empty() -> bool:
            return await self.pending() == 0

        await eventually(empty, "the outbox is empty")


class Listener:
    """A service that listens. What its handler did is counted in its database, so that an undone effect is not."""

    def __init__(self, pool: Pool, group: str, facts: Iterable[Any], states: Iterable[Any] = ()) -> None:
        self.pool = pool
        self.behave: Callable[[Any, Connection], Awaitable[None]] | None = None
        self.stuck: list[tuple[str, UUID | None]] = []
        self.calls = 0
        """How often the handler was called, whatever became of it."""
        self.seen_states: list[tuple[UUID, Any]] = []
        self.clock = FrozenClock(NOON)
        self.consumer = Consumer(
            group,
            facts=dict.fromkeys(facts, self.on_fact),
            states=dict.fromkeys(states, self.on_state),
            on_stuck=self.on_stuck,
        )
        self.guard = Guard(self.consumer, pool, self.clock, None)
        self.parking: Parking | None = None
        self.subscription: Subscription | None = None
        self.broker: Any = None
        self.wakeup = Wakeup()

    def parking_with(self, access: KafkaAccess | None) -> Parking:
        self.parking = Parking(self.consumer, self.pool, self.clock, None, access, self.wakeup)  # type: ignore[arg-type]
        return self.parking

    async def on_fact(self, fact: Contract, *, conn: Connection, deps: Any) -> None:
        self.calls += 1
        if self.behave:
            await self.behave(fact, conn)
        await conn.execute(
            "insert into commands (scope, key, request_hash, result_id) values ('effect', $1, '', $2)",
            f"{getattr(fact, 'reason', '')}|{new_id()}",
            fact.key,
        )

    async def on_state(self, key: UUID, state: Any, *, conn: Connection, deps: Any) -> None:
        if self.behave:
            await self.behave(state, conn)
        self.seen_states.append((key, state))

    async def on_stuck(self, topic: str, aggregate: UUID | None, conn: Connection, deps: Any) -> None:
        self.stuck.append((topic, aggregate))

    async def deliver(self, *raws: Raw) -> None:
        """As one poll."""
        await self.guard.process(raws)

    async def retry(self) -> None:
        """Try whatever is parked, as if its next time had come."""
        assert self.parking
        await self.pool.execute("update parked set next_at = clock_timestamp() where next_at is not null")
        while await self.parking.retry_next():
            pass

    async def effects(self, *aggregates: UUID) -> list[str]:
        """The reasons of the facts of these aggregates that took effect, in that order."""
        rows = await self.pool.fetch(
            "select key from commands where scope = 'effect' and result_id = any($1::uuid[]) order by created_at",
            aggregates,
        )
        return [row["key"].split("|")[0] for row in rows]

    async def has_effects(self, aggregate: UUID, *reasons: str) -> None:
        """Wait until these facts of the aggregate took effect, in this order."""

        async def all_there() -> bool:
            return await self.effects(aggregate) == list(reasons)

        try:
            await eventually(all_there, "")
        except AssertionError:
            assert await self.effects(aggregate) == list(reasons)

    async def parked(self) -> list[tuple[str, int | None]]:
        """State and version of what is set aside, in the order of versions."""
        rows = await self.pool.fetch("select state, version from parked order by version nulls first, id")
        return [(row["state"], row["version"]) for row in rows]

    async def parked_rows(self) -> list[Any]:
        return list(await self.pool.fetch("select * from parked order by id"))

    async def watermark(self, aggregate: UUID) -> int | None:
        version: int | None = await self.pool.fetchval(
            "select version from watermarks where aggregate = $1 and consumer = $2", aggregate, self.consumer.group
        )
        return version


def access_of(servers: Servers, passwords: dict[str, str], service: str) -> KafkaAccess:
    """The service's own principal."""
    return KafkaAccess(servers.kafka_bootstrap, service, passwords[service])


@dataclass
class _Running:
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    brokers: list[Any] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(broker.stop() for broker in self.brokers))
        for pool in self.pools:
            pool.terminate()


@pytest.fixture
async def publisher(
    database: Callable[[str], DatabaseUrls], kafka_server: Servers, kafka_passwords: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Publisher]]]:
    """Await it with a service's name: its database, and a relay that runs. `dsn` makes a second replica of it."""
    running = _Running()

    async def make(
        service: str,
        *,
        lane: str = "general",
        start: bool = True,
        load_states: LoadStates | None = None,
        dsn: str | None = None,
        access: KafkaAccess | None = None,
        holder: str | None = None,
    ) -> Publisher:
        dsn = dsn or database(service).run
        pool = await open_pool(dsn, size=6, name="publisher")
        running.pools.append(pool)
        access = access or access_of(kafka_server, kafka_passwords, service)
        await recognise_cluster(pool, await access.cluster_id())
        wakeups = Wakeups(dsn)
        relay = Relay(
            pool,
            access,
            wakeups.on("outbox"),
            service=service,
            source="/test",
            holder=holder or str(new_id()),
            lane=lane,
            load_states=load_states,
        )
        if start:
            running.tasks.append(asyncio.create_task(relay.run()))
            running.tasks.append(asyncio.create_task(wakeups.run()))
        return Publisher(pool, relay, access)

    yield make
    await running.stop()


@pytest.fixture
async def listener(
    database: Callable[[str], DatabaseUrls], kafka_server: Servers, kafka_passwords: dict[str, str]
) -> AsyncIterator[Callable[..., Awaitable[Listener]]]:
    """Await it with a service's name: its database, and a subscription that runs. `dsn` makes a second replica of it."""
    running = _Running()

    async def make(
        service: str,
        *,
        facts: tuple[Any, ...] = (VisitDeclined,),
        states: tuple[Any, ...] = (),
        group: str = "general",
        dsn: str | None = None,
        consume: bool = True,
        cluster: str | None = None,
    ) -> Listener:
        dsn = dsn or database(service).run
        pool = await open_pool(dsn, size=10, name="listener")
        running.pools.append(pool)
        access = access_of(kafka_server, kafka_passwords, service)
        heard = Listener(pool, f"{service}.{group}", facts, states)
        wakeups = Wakeups(dsn)
        heard.wakeup = wakeups.on("parked")
        parking = heard.parking_with(access)
        running.tasks.append(asyncio.create_task(parking.run()))
        running.tasks.append(asyncio.create_task(wakeups.run()))
        heard.broker = build_broker(access)
        running.brokers.append(heard.broker)
        heard.subscription = Subscription(heard.guard, cluster or await access.cluster_id())
        heard.subscription.attach(heard.broker)
        if consume:
            await heard.broker.start()
        return heard

    yield make
    await running.stop()


@pytest.fixture
async def desk(open_database: Callable[[str], Awaitable[Pool]]) -> Callable[..., Awaitable[Listener]]:
    """Await it: a listener without a log, to whom a test hands its records itself."""

    async def make(service: str = "notifications", **options: Any) -> Listener:
        pool = options.pop("pool", None) or await open_database(service)
        heard = Listener(pool, f"{service}.{options.pop('group', 'general')}", options.pop("facts", (VisitDeclined,)))
        heard.parking_with(None)
        return heard

    return make


def later(seconds: float) -> datetime:
    """That long after noon."""
    return NOON + timedelta(seconds=seconds)
