"""Facts as a consumer meets them, and facts as a service emitted them, without a broker in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from shared.clock import Clock
from shared.contracts import State, model_for
from shared.contracts.registry import Contract
from shared.db import Connection, Pool, transaction
from shared.ids import new_id
from shared.kafka.consumer import Consumer
from shared.kafka.effect import Raw, apply, read
from shared.kafka.envelope import Envelope
from shared.kafka.guard import Guard
from shared.kafka.inbox import Verdict
from shared.telemetry import new_traceparent


class Feeder:
    """Delivers contracts to a service's consumers in order, as the guard does: one transaction each, versions counted."""

    def __init__(self, pool: Pool, consumers: tuple[Consumer, ...], clock: Clock, deps: Any) -> None:
        self._pool = pool
        self._consumers = consumers
        self._clock = clock
        self._deps = deps
        self._versions: dict[tuple[str, UUID], int] = {}
        self._log: list[Raw] = []

    async def deliver(self, body: Contract, *, times: int = 1) -> Verdict:
        """Deliver a fact, state or command to every consumer group that reads its topic, `times` over."""
        return await self._deliver(body.topic, body.key, body.type, body.model_dump_json().encode(), times)

    async def erase(self, model: type[State], key: UUID) -> Verdict:
        """Deliver a tombstone."""
        return await self._deliver(model.topic, key, "", None, 1)

    async def deliver_together(self, bodies: Sequence[Contract]) -> None:
        """One poll with all of them, through the guard."""
        raws = [self._record(body.topic, body.key, body.type, body.model_dump_json().encode()) for body in bodies]
        for consumer in self._consumers:
            topics = {topic.name for topic in consumer.topics}
            guard = Guard(consumer, self._pool, self._clock, self._deps)
            await guard.process([raw for raw in raws if raw.topic in topics])

    async def _deliver(self, topic: str, key: UUID, type_: str, value: bytes | None, times: int) -> Verdict:
        raw = self._record(topic, key, type_, value)
        verdict = Verdict.REPEAT
        for _ in range(times):
            verdict = await self._apply(raw)
        return verdict

    def _record(self, topic: str, key: UUID, type_: str, value: bytes | None) -> Raw:
        version = self._versions[topic, key] = self._versions.get((topic, key), 0) + 1
        envelope = Envelope(new_id(), "/test", type_, self._clock.now(), key, version, new_traceparent())
        self._log.append(Raw("test", topic, 0, version, str(key).encode(), envelope.headers(), value))
        return self._log[-1]

    async def replay(self, cluster: str) -> None:
        """Everything comes once more, from the beginning, out of another log."""
        for raw in self._log:
            await self._apply(replace(raw, cluster=cluster))

    async def _apply(self, raw: Raw) -> Verdict:
        verdict = Verdict.REPEAT
        for consumer in self._consumers:
            if any(read_topic.name == raw.topic for read_topic in consumer.topics):
                async with transaction(self._pool) as conn:
                    verdict = await apply(read(raw), consumer, conn, self._deps)
        return verdict


async def emitted(pool_or_conn: Pool | Connection, *kinds: type[Contract]) -> list[Any]:
    """Facts in the outbox, oldest first, as models; all of them, or only these kinds."""
    rows = await pool_or_conn.fetch("select type, body from outbox where type is not null order by seq")
    facts = []
    for row in rows:
        model = model_for(row["type"])
        assert model is not None, f"{row['type']} is in the outbox but in no contract"
        if not kinds or model in kinds:
            facts.append(model.model_validate_json(row["body"]))
    return facts
