"""Simulated Kafka clients, with the habits of aiokafka that cost something.

- A batch that runs out of time is dropped, and the next one of its partition is sent all the same.
- `stop()` sends what is still held.
- A commit that failed in a rebalance is repeated under whatever assignment there is by then.
- A client that loses its cluster connects to whatever answers at the same address, and goes on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    ProducerFenced,
)

from shared.kafka.access import KafkaAccess, cluster_of
from tests.simulation.log import Cluster, Network, Stored
from tests.simulation.loop import current_process, lapse

_NODE = 1


class _Connection:
    """Leads to one broker for as long as it lives."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def connected(self) -> bool:
        return True


class Client:
    """As much of `AIOKafkaClient` as the kit looks at."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.process = current_process()
        self._conns: dict[Any, _Connection] = {}

    def reach(self) -> Cluster | None:
        """The cluster at the other end now; connections to another one are gone."""
        cluster = self.network.cluster_for(self.process)
        connection = self._conns.get((_NODE, ConnectionGroup.DEFAULT))
        if connection is not None and connection.cluster is not cluster:
            del self._conns[_NODE, ConnectionGroup.DEFAULT]
        if cluster is not None and not self._conns:
            self._conns[_NODE, ConnectionGroup.DEFAULT] = _Connection(cluster)
        return cluster

    def get_random_node(self) -> int | None:
        return _NODE if self.reach() is not None else None

    async def _get_conn(self, node: int) -> _Connection | None:
        self.reach()
        return self._conns.get((node, ConnectionGroup.DEFAULT))

    async def send(self, node: int, request: Any) -> Any:
        """Metadata, the only thing that is asked for directly."""
        await self.network.travel()
        cluster = self.reach()
        if cluster is None:
            raise KafkaConnectionError("no broker")
        await self.network.travel()
        return SimpleNamespace(cluster_id=cluster.id)

    async def wait_for_broker(self) -> Cluster:
        """Until there is one."""
        while (cluster := self.reach()) is None:
            await lapse(0.1)
        await self.network.travel()
        return cluster

    async def close(self) -> None:
        self._conns.clear()


class Producer:
    """`AIOKafkaProducer`, idempotent, or transactional where it has an id."""

    def __init__(self, network: Network, transactional_id: str | None) -> None:
        self.client = Client(network)
        self._network = network
        self._transactional_id = transactional_id
        self._id = next(network.ids)
        self._epoch: tuple[Cluster, int] | None = None
        self._queues: defaultdict[TopicPartition, list[tuple[Any, asyncio.Future[Any]]]] = defaultdict(list)
        self._batches = itertools.count()
        self._filled = asyncio.Event()
        self._transaction: defaultdict[TopicPartition, list[Any]] | None = None
        self._stored: set[tuple[Any, ...]] = set()
        self._closed = False
        self._sender = SimpleNamespace(sender_task=None)

    async def start(self) -> None:
        cluster = await self.client.wait_for_broker()
        if self._transactional_id is not None:
            cluster.epochs[self._transactional_id] += 1
            self._epoch = (cluster, cluster.epochs[self._transactional_id])
        self._sender.sender_task = asyncio.create_task(self._send_queued())

    async def stop(self) -> None:
        """Sends what is still held: aiokafka's own stop does."""
        self._closed = True
        while any(self._queues.values()):
            await lapse(0.01)
        self._sender.sender_task.cancel()

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Any) -> asyncio.Future[Any]:
        if self._closed:
            raise KafkaConnectionError("producer is closed")
        place = TopicPartition(topic, 0)._replace(
            partition=(self.client.reach() or self._network.cluster).place_of(topic, key).partition
        )
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queues[place].append(((key, value, headers), acknowledged))
        self._filled.set()
        return acknowledged

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if self._epoch is None or self._transactional_id is None:
            raise IllegalStateError("this producer has no transactional id")
        self._transaction = defaultdict(list)
        try:
            yield
        except BaseException:
            self._transaction = None
            raise
        written, self._transaction = self._transaction, None
        await self._network.travel()
        cluster = self.client.reach()
        started_at, epoch = self._epoch
        if cluster is None:
            raise KafkaTimeoutError("the transaction was not committed")
        if cluster is not started_at:
            raise ProducerFenced
        cluster.commit_transaction(self._transactional_id, epoch, written)
        await self._network.travel()
        if self._network.rng.random() < self._network.loss:
            raise KafkaTimeoutError("whether it was committed is open")

    async def _send_queued(self) -> None:
        while True:
            while places := [place for place, queue in self._queues.items() if queue]:
                place = places[self._network.rng.randrange(len(places))]
                size = 1 + self._network.rng.randrange(8)
                batch, self._queues[place] = self._queues[place][:size], self._queues[place][size:]
                await self._deliver(place, batch)
            self._filled.clear()
            await self._filled.wait()

    async def _deliver(self, place: TopicPartition, batch: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        name = (self._id, place, next(self._batches))
        give_up = asyncio.get_running_loop().time() + 10
        while True:
            await self._network.travel()
            cluster = self.client.reach()
            if cluster is None:
                if asyncio.get_running_loop().time() > give_up:
                    break
                await lapse(0.05)
                continue
            if self._network.rng.random() < self._network.expiry:
                break
            self._store(cluster, place, [record for record, _ in batch], name)
            await self._network.travel()
            if self._network.rng.random() >= self._network.loss:
                _settle(batch, None)
                return
            if self._network.rng.random() < 0.3:
                break
        _settle(batch, KafkaTimeoutError("batch expired"))

    def _store(self, cluster: Cluster, place: TopicPartition, records: list[Any], name: tuple[Any, ...]) -> None:
        if self._transactional_id is None:
            cluster.append(place, records, name)
        elif self._transaction is not None and name not in self._stored:
            self._stored.add(name)
            self._transaction[place].extend(records)


def _settle(batch: list[tuple[Any, asyncio.Future[Any]]], fault: Exception | None) -> None:
    for _, acknowledged in batch:
        if acknowledged.done():
            continue
        if fault is None:
            acknowledged.set_result(None)
        else:
            acknowledged.set_exception(fault)


class Consumer:
    """`AIOKafkaConsumer`: in a group with a listener, or on its own."""

    def __init__(
        self, network: Network, topics: tuple[str, ...] = (), group: str | None = None, listener: Any = None
    ) -> None:
        self._client = Client(network)
        self._network = network
        self._topics = topics
        self._group = group
        self._listener = listener
        self._member = next(network.ids)
        self._generation = -1
        self._joined_at: Cluster | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._empty: tuple[Any, ...] | None = None
        """The state of the log in which there was nothing to fetch: nothing need be fetched until it is another."""
        self._heartbeat: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._client.wait_for_broker()
        if self._group is not None:
            self._heartbeat = asyncio.create_task(self._keep_membership())

    async def stop(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._group is not None and (cluster := self._client.reach()) is not None:
            cluster.groups[self._group].leave(self._member)

    async def _keep_membership(self) -> None:
        while True:
            cluster = self._client.reach()
            if cluster is not None:
                group = cluster.groups[self._group or ""]
                now = asyncio.get_running_loop().time()
                group.heard(self._member, now)
                if (
                    cluster is not self._joined_at
                    or self._member not in group.members
                    or group.generation != self._generation
                ):
                    await self._rejoin(cluster)
                    continue
            await lapse(1.0)

    async def _rejoin(self, cluster: Cluster) -> None:
        group = cluster.groups[self._group or ""]
        if self._positions:
            await self._listener.on_partitions_revoked(set(self._positions))
        self._positions = {}
        group.join(self._member, self._topics, asyncio.get_running_loop().time())
        await lapse(0.05 + self._network.rng.random() * 0.3)
        if self._client.reach() is not cluster or self._member not in group.members:
            return
        self._generation, self._joined_at = group.generation, cluster
        positions = {place: group.committed.get(place, 0) for place in group.share_of(self._member, self._topics)}
        await self._listener.on_partitions_assigned(set(positions))
        self._positions = positions

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int = 0, max_records: int = 500
    ) -> dict[TopicPartition, list[Stored]]:
        until = asyncio.get_running_loop().time() + timeout_ms / 1000
        while True:
            cluster = self._client.reach()
            if cluster is None or self._empty != (cluster, cluster.arrivals, self._generation):
                await self._network.travel()
                cluster = self._client.reach()
                looked = (cluster, cluster.arrivals if cluster else 0, self._generation)
                if found := self._fetch(places or tuple(self._positions), max_records):
                    self._empty = None
                    return found
                self._empty = looked if self._group and self._positions else None
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return {}
            if cluster is None:
                await lapse(min(left, 0.1))
            else:
                await cluster.arrival(left)

    def _fetch(self, places: tuple[TopicPartition, ...], most: int) -> dict[TopicPartition, list[Stored]]:
        cluster = self._client.reach()
        found: dict[TopicPartition, list[Stored]] = {}
        if cluster is None:
            return found
        for place in places:
            if place in self._paused or place not in self._positions or most <= 0:
                continue
            partition = cluster.partitions[place]
            if self._positions[place] > partition.end:
                self._positions[place] = 0  # out of range: earliest
            records = partition.from_offset(self._positions[place], min(most, 1 + self._network.rng.randrange(20)))
            if records:
                found[place] = records
                most -= len(records)
                self._positions[place] = records[-1].offset + 1
                if records[-1] is partition.records[-1]:
                    self._positions[place] = partition.end
            else:
                self._positions[place] = max(self._positions[place], partition.end)
        return found

    async def commit(self, ends: dict[TopicPartition, int]) -> None:
        while True:
            await self._network.travel()
            cluster = self._client.reach()
            if cluster is not None:
                if any(place not in self._positions for place in ends) and self._positions:
                    raise IllegalStateError("a partition is not assigned")
                group = cluster.groups[self._group or ""]
                here = cluster is self._joined_at and group.generation == self._generation
                if here and self._member in group.members and self._positions:
                    group.committed |= ends
                    await self._network.travel()
                    return
                if self._network.rng.random() < 0.2:
                    raise CommitFailedError("rebalanced")
            await lapse(0.1)

    async def getone(self, place: TopicPartition) -> Stored:
        while True:
            found = await self.getmany(place, timeout_ms=1000, max_records=1)
            if found:
                return found[place][0]

    def assign(self, places: list[TopicPartition]) -> None:
        self._positions = dict.fromkeys(places, 0)

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def pause(self, *places: TopicPartition) -> None:
        self._paused |= set(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    async def committed(self, place: TopicPartition) -> int | None:
        cluster = self._client.reach()
        return cluster.groups[self._group or ""].committed.get(place) if cluster else None

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        cluster = await self._cluster()
        return {
            place: cluster.partitions[place].records[0].offset if cluster.partitions[place].records else 0
            for place in places
        }

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        cluster = await self._cluster()
        return {place: cluster.partitions[place].end for place in places}

    async def _cluster(self) -> Cluster:
        await self._network.travel()
        cluster = self._client.reach()
        if cluster is None:
            raise KafkaConnectionError("no broker")
        return cluster


class Access(KafkaAccess):
    """A principal's way to the simulated broker; `start` is the kit's own."""

    def __init__(self, network: Network) -> None:
        super().__init__("simulated", "simulated", "")
        object.__setattr__(self, "network", network)

    def producer(self, *, transactional_id: str | None = None) -> Any:
        return Producer(self.network, transactional_id)  # type: ignore[attr-defined]

    def reader(self, *topics: str) -> Any:
        return Consumer(self.network, topics)  # type: ignore[attr-defined]

    async def cluster_id(self) -> str:
        client = Client(self.network)  # type: ignore[attr-defined]
        async with asyncio.timeout(15):
            await client.wait_for_broker()
        return await cluster_of(client)  # type: ignore[arg-type]


class Subscriber:
    """What FastStream makes of a batch subscriber, as the kit sets it: poll, hand over, and swallow what it raises."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.get_msg: Any = None
        self.in_hand = False
        self._handle: Any = None

    def __call__(self, handle: Any) -> None:
        self._handle = handle

    async def run(self) -> None:
        while True:
            polled = await self.get_msg(self.consumer)
            if polled:
                self.in_hand = True
                try:
                    await self._handle(list(polled), SimpleNamespace(consumer=self.consumer))
                except Exception:
                    asyncio.get_running_loop().call_exception_handler(
                        {"message": "a poll raised: FastStream swallows it"}
                    )
                finally:
                    self.in_hand = False


class Broker:
    """FastStream's broker, for consuming."""

    def __init__(self, access: Access, grace: float = 5.0) -> None:
        self._network: Network = access.network  # type: ignore[attr-defined]
        self._grace = grace
        self._subscribers: list[Subscriber] = []
        self._tasks: list[asyncio.Task[None]] = []

    def subscriber(self, *topics: str, group_id: str, listener: Any, **settings: Any) -> Subscriber:
        made = Subscriber(Consumer(self._network, topics, group_id, listener))
        self._subscribers.append(made)
        return made

    async def start(self) -> None:
        for subscriber in self._subscribers:
            await subscriber.consumer.start()
            self._tasks.append(asyncio.create_task(subscriber.run()))

    async def stop(self) -> None:
        """A poll in hand has its time; then everything ends, and the group is left."""
        until = asyncio.get_running_loop().time() + self._grace
        while any(one.in_hand for one in self._subscribers) and asyncio.get_running_loop().time() < until:
            await lapse(0.05)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for subscriber in self._subscribers:
            await subscriber.consumer.stop()
