"""The relay: what is visible and pending, in the order of `seq`, to the broker; acknowledged rows leave the to-do list.

One per service and lane holds a lease. Any send error discards the producer: aiokafka drops an expired
batch and sends the next one, which would put version 2 before version 1. Rows are deleted only after
the broker's acknowledgement, and only under the cluster and epoch under which they were sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts import State
from shared.db import Connection, Pool, Record, session, transaction
from shared.errors import Transient
from shared.kafka.access import KafkaAccess, cluster_of, end_quietly
from shared.kafka.envelope import Envelope
from shared.kafka.log_state import (
    LogState,
    UnknownCluster,
    release_lease,
    take_lease,
)
from shared.kafka.publishing import Outgoing, publish
from shared.kafka.topics import STATE
from shared.wakeups import Wakeup

LoadStates = Callable[[Connection, str, Sequence[UUID]], Awaitable[Mapping[UUID, State]]]
"""Reads the current state of keys of an owned state topic; a key that is missing is erased."""

_BATCH = 2000
"""Facts a batch: reading, waiting for the acknowledgement and striking off are paid once for all of them."""
_STATES = 500
"""Keys a batch: the state of each is read when it is published."""
LEASE_SECONDS = 5.0
_POLL_SECONDS = 0.5
_PAUSE_SECONDS = 0.5
_LAST_BATCH_SECONDS = 3.0
_DISCARD_TRIES = 20

_log = structlog.get_logger(__name__)

READ_PENDING = """
    select log_state.cluster, log_state.epoch, pending.* from log_state left join lateral (
        select o.* from outbox_pending p join outbox o using (seq)
        where p.lane = $1 order by p.seq limit $2
    ) pending on true order by pending.seq
"""
# A replay waits for this statement, or this one sees it and strikes off nothing. The commit need not wait for the disk:
# a crash that loses it publishes again what readers know already.
DELETE_PENDING = """
    with same_log as (
        select 1 from log_state where cluster = $2 and epoch = $3 for share
    ), gone as (
        delete from outbox_pending where seq = any($1::bigint[]) and exists (select from same_log)
    )
    select exists (select from same_log), set_config('synchronous_commit', 'off', true)
"""
GET_OWN_VERSIONS = """
    select aggregate, version, erased from state_copies where topic = $1 and aggregate = any($2::uuid[])
"""


class Relay:
    """Publishes one lane of one service until cancelled."""

    def __init__(
        self,
        pool: Pool,
        access: KafkaAccess,
        wakeup: Wakeup,
        *,
        service: str,
        source: str,
        holder: str,
        lane: str,
        load_states: LoadStates | None = None,
    ) -> None:
        self._pool = pool
        self._access = access
        self._wakeup = wakeup
        self._service = service
        self._source = source
        self._holder = holder
        self._lane = lane
        self._load_states = load_states
        self._most = _STATES if lane == STATE else _BATCH
        self._renew_at = 0.0
        self.published = 0
        """Records acknowledged so far by this process; only grows."""
        self.trouble: str | None = None
        """Why nothing is being published, for readiness; None while all is well."""

    @property
    def lease(self) -> str:
        """The name of the lease that one relay of this lane holds."""
        return f"relay.{self._lane}"

    async def run(self) -> None:
        """Hold the lease and publish; on any fault start again from what is pending."""
        try:
            while True:
                try:
                    if await self._holds_lease():
                        await self._publish_while_holding()
                    else:
                        self.trouble = None  # the database answers, and another one publishes
                except (Transient, KafkaError, UnknownCluster) as fault:
                    self._complain(fault)
                except Exception:
                    _log.exception("relay.bug", lane=self._lane)
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            await asyncio.shield(self._release())

    async def _publish_while_holding(self) -> None:
        producer = self._access.producer(
            transactional_id=f"{self._service}.{self._lane}" if self._lane == STATE else None
        )
        await self._access.start(producer)
        try:
            while await self._holds_lease():
                self._wakeup.clear()  # what it announced is seen by the read that follows
                if await _to_its_end(self.publish_batch(producer)) < self._most:
                    await self._wakeup.wait(_POLL_SECONDS)  # what came since that read has announced itself
        finally:
            await asyncio.shield(_discard(producer))

    async def publish_batch(self, producer: AIOKafkaProducer) -> int:
        """Publish what is pending, up to a batch; returns how many rows left the to-do list."""
        met = await cluster_of(producer.client)
        async with session(self._pool) as conn:
            rows = await conn.fetch(READ_PENDING, self._lane, self._most)
        under = LogState(rows[0]["cluster"], rows[0]["epoch"])
        if under.cluster != met:
            raise UnknownCluster(met, under.cluster)
        if rows[0]["seq"] is None:
            self.trouble = None
            return 0
        if self._lane == STATE:
            await self._send_states(producer, rows)
        else:
            await self._send_facts(producer, rows)
        return await self._forget(rows, under)

    async def _send_facts(self, producer: AIOKafkaProducer, rows: Sequence[Record]) -> None:
        await publish(producer, [self._outgoing(row, row["version"], row["type"], row["body"]) for row in rows])

    async def _send_states(self, producer: AIOKafkaProducer, rows: Sequence[Record]) -> None:
        """Each key once, with state and version read together; a later relay's producer fences this one."""
        newest = {(row["topic"], row["aggregate"]): row for row in rows}
        async with producer.transaction():
            outgoing = []
            for topic in dict.fromkeys(topic for topic, _ in newest):
                keys = [aggregate for name, aggregate in newest if name == topic]
                for aggregate, version, state in await self._read_states(topic, keys):
                    body = state.model_dump_json().encode() if state else None
                    row = newest[topic, aggregate]
                    outgoing.append(self._outgoing(row, version, state.type if state else "", body))
            await publish(producer, outgoing)  # a commit does not notice a batch that ran out of time

    async def _read_states(self, topic: str, keys: Sequence[UUID]) -> list[tuple[UUID, int, State | None]]:
        assert self._load_states is not None, "A service that owns a state topic says how to load it."
        async with session(self._pool) as conn, conn.transaction(isolation="repeatable_read"):
            versions = await conn.fetch(GET_OWN_VERSIONS, topic, keys)
            states = await self._load_states(conn, topic, keys)
        return [
            (row["aggregate"], row["version"], None if row["erased"] else states[row["aggregate"]]) for row in versions
        ]

    async def _forget(self, rows: Sequence[Record], under: LogState) -> int:
        async with session(self._pool) as conn:
            seqs = [row["seq"] for row in rows]
            if not await conn.fetchval(DELETE_PENDING, seqs, under.cluster, under.epoch):
                return 0  # a replay was asked for meanwhile: these acknowledgements are another log's
        self.published += len(rows)
        self.trouble = None
        return len(rows)

    def _outgoing(self, row: Record, version: int, type_: str, body: bytes | None) -> Outgoing:
        envelope = Envelope(
            event_id=row["event_id"],
            source=self._source,
            type=type_,
            time=row["occurred_at"],
            subject=row["aggregate"],
            version=version,
            traceparent=row["traceparent"],
        )
        return Outgoing(row["topic"], str(row["aggregate"]).encode(), body, envelope.headers())

    async def _holds_lease(self) -> bool:
        """Renewed when half of it is gone: a renewal is a commit, which would stand before every batch."""
        machine_time = asyncio.get_running_loop().time()
        if machine_time < self._renew_at:
            return True
        async with transaction(self._pool) as conn:
            held = await take_lease(conn, self.lease, self._holder, LEASE_SECONDS)
        self._renew_at = machine_time + LEASE_SECONDS / 2 if held else 0.0
        return held

    async def _release(self) -> None:
        self._renew_at = 0.0
        try:
            async with transaction(self._pool) as conn:
                await release_lease(conn, self.lease, self._holder)
        except Transient:
            return  # it lapses by itself

    def _complain(self, fault: Exception) -> None:
        if self.trouble != str(fault):
            _log.warning("relay.interrupted", lane=self._lane, fault=type(fault).__name__, reason=str(fault))
        self.trouble = str(fault)


async def _to_its_end(publishing: Coroutine[Any, Any, int]) -> int:
    """A batch in hand is finished when the process is asked to stop, so that nothing need be sent twice."""
    task = asyncio.ensure_future(publishing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_LAST_BATCH_SECONDS)
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _discard(producer: AIOKafkaProducer) -> None:
    """Let go of a producer without sending what it still holds: all of it is still pending.

    Its own `stop()` would flush: after a lost batch, the next one of the same partition, and so version 2 before 1.
    """
    producer._closed = True  # noqa: SLF001 (there is no public way to stop without a flush)
    sending = producer._sender.sender_task  # noqa: SLF001
    if sending is not None:
        sending.cancel()
    try:
        await end_quietly(producer.client.close(), 2)
    finally:
        for _ in range(_DISCARD_TRIES):
            if sending is None or sending.done():
                break
            sending.cancel()  # once more for each request in flight, which it waits for
            await asyncio.wait({sending}, timeout=0.05)
