"""A simulated consumer. Like aiokafka's it repeats a commit that failed in a rebalance under whatever assignment there is then."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError

from tests.simulation.connection import Client
from tests.simulation.log import Cluster, Network, Stored
from tests.simulation.loop import lapse


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
