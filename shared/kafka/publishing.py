"""Records onto the log: those of one partition go in batches, in their order, each batch after the one before it is there.

A record at a time, the client makes a promise and looks for a partition for each; a batch costs once for all of them. And
a batch that ran out of time is never overtaken by the next one of its partition: that one has not been handed over yet.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.errors import Transient
from shared.kafka.envelope import Headers

_SEND_SECONDS = 10.0

_partition_of = DefaultPartitioner()
"""As every Kafka client places a key."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record. A `value` of None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers


async def publish(producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> None:
    """Return when the broker has acknowledged all of them. After any error the producer is to be discarded.

    An idempotent producer would try for ever: after a while `Transient` says so.
    """
    sending = [
        asyncio.ensure_future(_in_order(producer, topic, partition, batches))
        for (topic, partition), batches in (await _batched(producer, records)).items()
    ]
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            await asyncio.gather(*sending)
    except TimeoutError as fault:
        raise Transient(f"Kafka did not acknowledge a batch within {_SEND_SECONDS:.0f} s.") from fault
    finally:
        for one in sending:
            one.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


async def _batched(
    producer: AIOKafkaProducer, records: Iterable[Outgoing]
) -> dict[tuple[str, int], list[BatchBuilder]]:
    partitions: dict[str, list[int]] = {}
    batches: dict[tuple[str, int], list[BatchBuilder]] = {}
    for record in records:
        if record.topic not in partitions:
            partitions[record.topic] = sorted(await producer.partitions_for(record.topic))
        of_topic = partitions[record.topic]
        place = (record.topic, _partition_of(record.key, of_topic, of_topic))
        of_place = batches.setdefault(place, [])
        if not of_place or not _fits(of_place[-1], record):
            of_place.append(producer.create_batch())
            _fits(of_place[-1], record)  # the first record of a batch fits whatever its size
    return batches


def _fits(batch: BatchBuilder, record: Outgoing) -> bool:
    """Whether it found a place in the batch."""
    added = batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers)
    return added is not None


async def _in_order(producer: AIOKafkaProducer, topic: str, partition: int, batches: Iterable[BatchBuilder]) -> None:
    for batch in batches:
        await (await producer.send_batch(batch, topic, partition=partition))
