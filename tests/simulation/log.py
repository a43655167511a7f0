"""A simulated Kafka cluster: partitions, idempotent and fenced appends, groups with generations, compaction.

Only the broker's side is here; what its clients do (and get wrong, as aiokafka does) is in `producer.py` and `consumer.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced
from aiokafka.partitioner import DefaultPartitioner

from shared.kafka.topics import BY_NAME
from tests.simulation.loop import Process, lapse

_SESSION_SECONDS = 6.0
_partition_of = DefaultPartitioner()


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(slots=True)
class Partition:
    """What is kept, in order; compaction and transactions leave holes in the offsets."""

    records: list[Stored] = field(default_factory=list)
    end: int = 0

    def from_offset(self, offset: int, limit: int) -> list[Stored]:
        """The records at and behind an offset."""
        low, high = 0, len(self.records)
        while low < high:
            middle = (low + high) // 2
            if self.records[middle].offset < offset:
                low = middle + 1
            else:
                high = middle
        return self.records[low : low + limit]


@dataclass(slots=True)
class Group:
    """A consumer group as its coordinator knows it."""

    generation: int = 0
    members: dict[int, float] = field(default_factory=dict)
    """When each was heard of last."""
    topics: dict[int, tuple[str, ...]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)

    def join(self, member: int, topics: tuple[str, ...], now: float) -> None:
        """A rebalance begins: everybody has to come again."""
        if member not in self.members:
            self.generation += 1
        self.members[member] = now
        self.topics[member] = topics

    def leave(self, member: int) -> None:
        if self.members.pop(member, None) is not None:
            self.topics.pop(member, None)
            self.generation += 1

    def heard(self, member: int, now: float) -> None:
        """A heartbeat; those that were not heard of for too long are out."""
        if member in self.members:
            self.members[member] = now
        for other in [one for one, at in self.members.items() if now - at > _SESSION_SECONDS]:
            self.leave(other)

    def share_of(self, member: int, topics: tuple[str, ...]) -> list[TopicPartition]:
        """The partitions of a member in the present generation."""
        members = sorted(self.members)
        places = [TopicPartition(topic, number) for topic in topics for number in range(BY_NAME[topic].partitions)]
        mine = members.index(member)
        return [place for index, place in enumerate(places) if index % len(members) == mine]


class Cluster:
    """One life of the log."""

    def __init__(self, cluster_id: str) -> None:
        self.id = cluster_id
        self.partitions: defaultdict[TopicPartition, Partition] = defaultdict(Partition)
        self.groups: defaultdict[str, Group] = defaultdict(Group)
        self.epochs: defaultdict[str, int] = defaultdict(int)
        self.up = True
        self.events: set[tuple[str, bytes | None]] = set()
        """(topic, ce_id) of everything ever stored here: what a relay may strike off its list."""
        self.versions: dict[tuple[str, str], int] = {}
        """The highest version ever stored here, by topic and key."""
        self._seen: set[tuple[Any, ...]] = set()
        self.arrivals = 0
        """How often something was added or taken away; only grows."""
        self._arrivals: list[asyncio.Future[None]] = []

    def place_of(self, topic: str, key: bytes | None) -> TopicPartition:
        """As a producer chooses it."""
        places = list(range(BY_NAME[topic].partitions))
        return TopicPartition(topic, _partition_of(key or b"", places, places))

    def append(self, place: TopicPartition, records: list[tuple[Any, Any, Any]], batch: tuple[Any, ...]) -> None:
        """An idempotent producer's batch: the same one again changes nothing."""
        if batch in self._seen:
            return
        self._seen.add(batch)
        for key, value, headers in records:
            self._store(place, key, value, tuple(headers))
        self._wake()

    def commit_transaction(
        self, transactional_id: str, epoch: int, batches: dict[TopicPartition, list[tuple[Any, Any, Any]]]
    ) -> None:
        """All of a transaction becomes readable at once; raises `ProducerFenced` when a later producer has come."""
        if self.epochs[transactional_id] != epoch:
            raise ProducerFenced
        for place, records in batches.items():
            for key, value, headers in records:
                self._store(place, key, value, tuple(headers))
            self.partitions[place].end += 1  # the marker
        self._wake()

    def put_garbage(self, rng: random.Random, topic: str, key: bytes) -> None:
        """Something that no retry can read."""
        place = self.place_of(topic, key)
        headers: list[tuple[str, bytes | None]] = [("ce_id", b"\xff\xfe"), ("ce_version", None)]
        self._store(place, key, rng.choice([None, b"{", b"\xff"]), tuple(headers))
        self._wake()

    def compact(self, rng: random.Random, topic: str) -> None:
        """Older copies of a key go; now and then a tombstone too (its retention is over)."""
        for place, partition in self.partitions.items():
            if place.topic != topic:
                continue
            newest = {record.key: record.offset for record in partition.records}
            partition.records = [
                record
                for record in partition.records
                if newest[record.key] == record.offset and not (record.value is None and rng.random() < 0.3)
            ]

    async def arrival(self, seconds: float) -> None:
        """Return when something arrives, or the time is over."""
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self._arrivals.append(waiting)
        timer = loop.call_later(seconds, lambda: waiting.done() or waiting.set_result(None))
        try:
            await waiting
        finally:
            timer.cancel()
            if waiting in self._arrivals:
                self._arrivals.remove(waiting)

    def _store(
        self, place: TopicPartition, key: Any, value: Any, headers: tuple[tuple[str, bytes | None], ...]
    ) -> None:
        partition = self.partitions[place]
        partition.records.append(Stored(place.topic, place.partition, partition.end, key, value, headers))
        partition.end += 1
        named = dict(headers)
        self.events.add((place.topic, named.get("ce_id")))
        if version := named.get("ce_version"):
            about = (place.topic, (key or b"").decode())
            self.versions[about] = max(self.versions.get(about, 0), int(version))

    def _wake(self) -> None:
        self.arrivals += 1
        for waiting in self._arrivals:
            if not waiting.done():
                waiting.set_result(None)
        self._arrivals.clear()


class Network:
    """Which process reaches which cluster, and how well."""

    def __init__(self, rng: random.Random, cluster: Cluster) -> None:
        self.rng = rng
        self.cluster = cluster
        self.ids = itertools.count(1)
        """Of producers and members."""
        self.elsewhere: dict[str, Cluster] = {}
        """Processes that still reach another cluster than the present one."""
        self.cut: set[str] = set()
        """Processes that reach no broker."""
        self.slowest = 0.004
        self.loss = 0.0
        """How often an answer is lost on its way back."""
        self.expiry = 0.0
        """How often a batch runs out of time without having been stored."""

    def cluster_for(self, process: Process) -> Cluster | None:
        """What a process reaches now, if anything."""
        cluster = self.elsewhere.get(process.name, self.cluster)
        return cluster if cluster.up and process.name not in self.cut else None

    async def travel(self) -> None:
        """One way."""
        await lapse(self.rng.random() * self.slowest)
