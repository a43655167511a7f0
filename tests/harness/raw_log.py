"""The whole log as it is: every record of every topic with its raw bytes, and what a fact's headers say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from aiokafka import TopicPartition

from deploy.local.installation import Installation
from deploy.local.topology import OBSERVER
from shared.kafka.access import KafkaAccess
from shared.kafka.topics import TOPICS


@dataclass(frozen=True, slots=True)
class Record:
    """One record, with nothing decoded but its headers' names."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        return next((value.decode() for found, value in self.headers if found == name), "")

    @property
    def everything(self) -> bytes:
        """All its bytes, to be searched."""
        return b"\n".join((self.key, self.value, *(name.encode() + b"=" + value for name, value in self.headers)))


async def read_log(installation: Installation) -> list[Record]:
    """Every record that is on the log now, of fact, state and dead-letter topics."""
    address = installation.kafka
    access = KafkaAccess(address.bootstrap, OBSERVER, installation.kafka_password(OBSERVER), address.tls)
    consumer = access.reader()
    await access.start(consumer)
    try:
        places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        left = {place for place in places if ends[place] > begins[place]}
        consumer.pause(*(set(places) - left))
        for place in left:
            consumer.seek(place, begins[place])
        records = []
        while left:
            for place, batch in (await consumer.getmany(*left, timeout_ms=1000)).items():
                records += [
                    Record(
                        place.topic, each.key or b"", each.value or b"", tuple((n, v or b"") for n, v in each.headers)
                    )
                    for each in batch
                ]
            left = {place for place in left if await consumer.position(place) < ends[place]}
        return records
    finally:
        await consumer.stop()


def facts_by_id(records: list[Record]) -> Counter[tuple[str, str, str, str]]:
    """How often each fact is there: topic, key, version and event id."""
    states = {topic.name for topic in TOPICS if topic.is_state}
    return Counter(
        (each.topic, each.key.decode(), each.header("ce_version"), each.header("ce_id"))
        for each in records
        if each.topic not in states
    )


def newest_states(records: list[Record]) -> dict[tuple[str, str], tuple[int, bytes]]:
    """The newest version of each key of the state topics."""
    found: dict[tuple[str, str], tuple[int, bytes]] = {}
    for each in records:
        if each.topic in {topic.name for topic in TOPICS if topic.is_state}:
            place, version = (each.topic, each.key.decode()), int(each.header("ce_version"))
            if version >= found.get(place, (0, b""))[0]:
                found[place] = version, each.value
    return found
