"""What one record does, in one transaction: the watermark and the handler's effect, or neither."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts import Command, Fact, State
from shared.contracts.registry import Contract
from shared.db import Connection
from shared.ids import new_id
from shared.kafka.consumer import Consumer
from shared.kafka.envelope import Envelope, Head, Headers, read_body, read_envelope
from shared.kafka.inbox import Verdict, accept_state, advance
from shared.kafka.topics import BY_NAME


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the broker had it, and the cluster it came from."""

    cluster: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Readable:
    """A record that could be decoded."""

    raw: Raw
    envelope: Envelope
    body: Contract | None

    @property
    def is_state(self) -> bool:
        """Whether it travels on a compacted topic."""
        return BY_NAME[self.raw.topic].is_state


def read(raw: Raw) -> Readable:
    """Decode; raises `Poison`."""
    envelope = read_envelope(raw.headers, raw.key)
    return Readable(raw, envelope, read_body(envelope, raw.topic, raw.value))


REMEMBER_REQUEST = """
    insert into commands (scope, key, request_hash, result_id) values ('gemba.command', $1, '', $2)
    on conflict do nothing returning true
"""


async def apply(record: Readable, consumer: Consumer, conn: Connection, deps: Any) -> Verdict:
    """Handle the record if its turn has come. A refused handler's exception passes through, and rolls all back."""
    raw, envelope, body = record.raw, record.envelope, record.body
    if record.is_state:
        return await _apply_state(record, consumer, conn, deps)
    if isinstance(body, Command):
        return await _apply_command(body, consumer, conn, deps)
    verdict = await advance(conn, consumer.group, raw.topic, envelope.subject, envelope.version, envelope.event_id)
    if verdict is Verdict.HANDLE and isinstance(body, Fact):
        handler = consumer.facts.get(type(body))
        if handler is not None:
            await handler(body, conn=conn, deps=deps)
        elif (projection := consumer.projections.get(type(body))) is not None:
            await projection([body], conn=conn, deps=deps)
    return verdict


async def pass_over(conn: Connection, consumer: Consumer, topic: str, head: Envelope | Head) -> Verdict:
    """A no-op in a record's place: it passes the watermark in its turn, and only then."""
    if not BY_NAME[topic].is_counted or head.subject is None or head.version is None:
        return Verdict.HANDLE
    return await advance(conn, consumer.group, topic, head.subject, head.version, head.event_id or new_id())


async def _apply_state(record: Readable, consumer: Consumer, conn: Connection, deps: Any) -> Verdict:
    key, state = record.envelope.subject, record.body
    newer = await accept_state(conn, record.raw.topic, key, record.envelope.version, erased=state is None)
    if not newer:
        return Verdict.REPEAT
    of_topic = {model: handler for model, handler in consumer.states.items() if model.topic == record.raw.topic}
    if isinstance(state, State):
        handlers = [of_topic[type(state)]] if type(state) in of_topic else []
    else:
        handlers = list(dict.fromkeys(of_topic.values()))
    for handler in handlers:
        await handler(key, state, conn=conn, deps=deps)
    return Verdict.HANDLE


async def _apply_command(command: Command, consumer: Consumer, conn: Connection, deps: Any) -> Verdict:
    request_id: UUID = command.key
    if not await conn.fetchval(REMEMBER_REQUEST, str(request_id), request_id):
        return Verdict.REPEAT
    handler = consumer.commands.get(type(command))
    if handler is not None:
        await handler(command, conn=conn, deps=deps)
    return Verdict.HANDLE
