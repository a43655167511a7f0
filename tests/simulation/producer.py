"""A simulated producer, with the habits of aiokafka's that cost something.

A batch that runs out of time is dropped, and the next one of its partition is sent all the same; `stop()` sends what is
still held.
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
from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaTimeoutError, ProducerFenced

from shared.kafka.topics import BY_NAME
from tests.simulation.connection import Client
from tests.simulation.log import Cluster, Network
from tests.simulation.loop import lapse


class Batch:
    """`BatchBuilder`: full after so many records."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.records: list[tuple[Any, Any, Any]] = []

    def append(self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: Any) -> bool | None:
        if len(self.records) >= self._most:
            return None
        self.records.append((key, value, headers))
        return True


class Producer:
    """`AIOKafkaProducer`, idempotent, or transactional where it has an id."""

    def __init__(self, network: Network, transactional_id: str | None) -> None:
        self.client = Client(network)
        self._network = network
        self._transactional_id = transactional_id
        self._id = next(network.ids)
        self._epoch: tuple[Cluster, int] | None = None
        self._queues: defaultdict[TopicPartition, list[tuple[list[Any], asyncio.Future[Any]]]] = defaultdict(list)
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

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(BY_NAME[topic].partitions))

    def create_batch(self) -> Batch:
        return Batch(1 + self._network.rng.randrange(8))

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        if self._closed:
            raise KafkaConnectionError("producer is closed")
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queues[TopicPartition(topic, partition)].append((batch.records, acknowledged))
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
                await self._deliver(place, *self._queues[place].pop(0))
            self._filled.clear()
            await self._filled.wait()

    async def _deliver(self, place: TopicPartition, records: list[Any], acknowledged: asyncio.Future[Any]) -> None:
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
            self._store(cluster, place, records, name)
            await self._network.travel()
            if self._network.rng.random() >= self._network.loss:
                _settle(acknowledged, None)
                return
            if self._network.rng.random() < 0.3:
                break
        _settle(acknowledged, KafkaTimeoutError("batch expired"))

    def _store(self, cluster: Cluster, place: TopicPartition, records: list[Any], name: tuple[Any, ...]) -> None:
        if self._transactional_id is None:
            cluster.append(place, records, name)
        elif self._transaction is not None and name not in self._stored:
            self._stored.add(name)
            self._transaction[place].extend(records)


def _settle(acknowledged: asyncio.Future[Any], fault: Exception | None) -> None:
    if acknowledged.done():
        return
    if fault is None:
        acknowledged.set_result(None)
    else:
        acknowledged.set_exception(fault)
