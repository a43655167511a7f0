"""How old the oldest record is that a consumer group has not settled: the one figure that notices a consumer gone silent.

Counted by the log and the group's committed offsets alone, never by the consumer itself: one that has silently stopped
would say that all is well (aiokafka issue 1037).
"""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Transient
from shared.kafka.access import KafkaAccess, end_client
from shared.kafka.topics import Topic

_ANSWER_SECONDS = 5.0
_LOOK_MILLISECONDS = 500


class Lateness:
    """Looks at what one group reads without being a member of it. Use as an async context manager."""

    def __init__(self, access: KafkaAccess, group: str, topics: Sequence[Topic]) -> None:
        self._access = access
        self._places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        self._consumer = AIOKafkaConsumer(
            **access.options(), group_id=group, enable_auto_commit=False, isolation_level="read_committed"
        )

    async def __aenter__(self) -> Self:
        await self._access.start(self._consumer)
        self._consumer.assign(self._places)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        await end_client(self._consumer.stop())

    async def seconds(self) -> float:
        """Machine time since the oldest unsettled record was written to the log; 0 when all is settled."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._measure()
        except (KafkaError, TimeoutError) as fault:
            raise Transient(f"Kafka did not say how far a group is: {type(fault).__name__}.") from fault

    async def _measure(self) -> float:
        consumer = self._consumer
        begins, ends = await consumer.beginning_offsets(self._places), await consumer.end_offsets(self._places)
        behind = []
        for place in self._places:
            if ends[place] > begins[place]:
                settled = max(await consumer.committed(place) or 0, begins[place])
                if settled < ends[place]:
                    consumer.seek(place, settled)
                    behind.append(place)
        if not behind:
            return 0.0
        consumer.resume(*behind)
        consumer.pause(*(set(self._places) - set(behind)))
        # Nothing comes where only a transaction's end marker is left, which no poll returns.
        polled = await consumer.getmany(*behind, timeout_ms=_LOOK_MILLISECONDS, max_records=len(behind) * 500)
        oldest = [min(record.timestamp for record in records) for records in polled.values() if records]
        return max(0.0, _epoch_seconds() - min(oldest) / 1000) if oldest else 0.0


def _epoch_seconds() -> float:
    """The machine's clock, which the log's timestamps are of."""
    return time.clock_gettime(time.CLOCK_REALTIME)
