"""CloudEvents 1.0 in Kafka's binary mode: the record's headers say what it is, its value is the JSON of the data.

<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>. Extension attributes: `ce_version`
(the aggregate's own count of its facts), `traceparent` (W3C Trace Context).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg.pgproto import pgproto
from pydantic import ValidationError

from shared.contracts import model_for
from shared.contracts.registry import Contract
from shared.kafka.topics import BY_NAME

Headers = Sequence[tuple[str, bytes | None]]

MAX_BODY_BYTES = 256 * 1024
"""Checked when the outbox row is inserted; a record over the broker's limit would never leave."""

_LARGEST_VERSION = 2**63 - 1
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


class Poison(Exception):
    """A record that no retry can make readable. `reason` is for the operator and never quotes the body."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers say. `type` is empty on a tombstone of a state topic."""

    event_id: UUID
    source: str
    type: str
    time: datetime
    subject: UUID
    version: int
    traceparent: str

    def headers(self) -> list[tuple[str, bytes]]:
        """As they travel."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(self.event_id).encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_time", self.time.isoformat().encode()),
            ("ce_subject", str(self.subject).encode()),
            ("ce_version", str(self.version).encode()),
            ("traceparent", self.traceparent.encode()),
            ("content-type", b"application/json"),
        ]


@dataclass(frozen=True, slots=True)
class Head:
    """What can be read of an unreadable record: enough to put a no-op in its place, if it says where that is."""

    subject: UUID | None
    version: int | None
    event_id: UUID | None


def read_head(headers: Headers, key: bytes | None) -> Head:
    """Never raises: whatever is wrong or missing is None."""
    texts = {name: (value or b"").decode(errors="replace") for name, value in headers}
    version = texts.get("ce_version", "")
    known = version.isascii() and version.isdigit() and len(version) < 19 and int(version) > 0
    return Head(
        _uuid_or_none((key or b"").decode(errors="replace")),
        int(version) if known else None,
        _uuid_or_none(texts.get("ce_id", "")),
    )


def read_envelope(headers: Headers, key: bytes | None) -> Envelope:
    """Parse the headers of a record; raises `Poison` naming the header that is wrong."""
    texts = _texts(headers)
    if texts.get("ce_specversion") != "1.0":
        raise Poison("ce_specversion is not 1.0")
    subject = _uuid(texts, "ce_subject")
    if key is None or key != str(subject).encode():
        raise Poison("the record's key is not its ce_subject")
    try:
        version = int(texts.get("ce_version", ""))
    except ValueError:
        raise Poison("ce_version is not a whole number") from None
    if not 1 <= version <= _LARGEST_VERSION:
        raise Poison("ce_version is not between 1 and 2^63 - 1")
    try:
        time = datetime.fromisoformat(texts.get("ce_time", ""))
    except ValueError:
        raise Poison("ce_time is not an RFC 3339 instant") from None
    if time.tzinfo is None:
        raise Poison("ce_time has no time zone")
    traceparent = texts.get("traceparent", "")
    return Envelope(
        event_id=_uuid(texts, "ce_id"),
        source=texts.get("ce_source", ""),
        type=texts.get("ce_type", ""),
        time=time,
        subject=subject,
        version=version,
        traceparent=traceparent if _TRACEPARENT.match(traceparent) else "",
    )


def read_body(envelope: Envelope, topic: str, value: bytes | None) -> Contract | None:
    """The model of a record, or None for a tombstone; raises `Poison` for anything else that is not a known contract."""
    if value is None:
        if BY_NAME[topic].is_state:
            return None
        raise Poison("a null value on a fact topic")
    if len(value) > MAX_BODY_BYTES:
        raise Poison(f"the body has {len(value)} bytes; the limit is {MAX_BODY_BYTES}")
    model = model_for(envelope.type)
    if model is None:
        raise Poison(f"unknown type or version {envelope.type[:100]!r}")
    if model.topic != topic:
        raise Poison(f"{envelope.type} does not belong on {topic}")
    try:
        body = model.model_validate_json(value)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, fault["loc"])) or "the whole body" for fault in error.errors()[:5])
        raise Poison(f"{envelope.type} does not match its schema at: {where}") from None
    if body.key != envelope.subject:
        raise Poison(f"{model.key_field} in the body is not the record's key")
    return body


def _texts(headers: Headers) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers}  # type: ignore[union-attr]  # None: see below
    except (AttributeError, UnicodeDecodeError):
        raise Poison(f"header {_unreadable(headers)}") from None


def _unreadable(headers: Headers) -> str:
    """Which of them cannot be read, and why."""
    for name, value in headers:
        if value is None:
            return f"{name!r} is null"
        try:
            value.decode()
        except UnicodeDecodeError:
            return f"{name!r} is not UTF-8"
    raise AssertionError("all of them can be read")


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _uuid(texts: dict[str, str], name: str) -> UUID:
    try:
        found: UUID = pgproto.UUID(texts.get(name, ""))  # a `uuid.UUID` like any other, read at a seventh of the cost
    except ValueError:
        raise Poison(f"{name} is not a UUID") from None
    return found
