"""Messages of PostgreSQL's protocol (its manual, "Message Formats") for statements that ask for no answer.

Several of them may stand before one `Sync`, and the server answers all of it together: that is a pipeline. asyncpg says
`Sync` after each statement and waits; what is made here stands in front of what it says next (`shared/connection.py`).
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

Encode = Callable[[Any], bytes]

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_ALL_BINARY = struct.pack("!hh", 1, 1)
_NO_RESULTS = struct.pack("!h", 0)
_EXECUTE = b"E" + struct.pack("!i", 9) + b"\0" + struct.pack("!i", 0)
_NULL = struct.pack("!i", -1)
_length, _two, _four, _eight, _real = (struct.Struct(f"!{kind}").pack for kind in "ihiqd")


def microseconds(value: datetime) -> int:
    """As PostgreSQL counts instants. Raises `ValueError` for one without a time zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; instants are aware.")
    return (value - POSTGRES_EPOCH) // MICROSECOND


def as_json(value: Any) -> str:
    """What stands in a column of JSON."""
    return json.dumps(value, default=str)


def _uuid(value: UUID) -> bytes:
    return value.bytes


def _bool(value: bool) -> bytes:
    if value is not True and value is not False:
        raise TypeError(f"{value!r} is neither true nor false.")
    return b"\1" if value else b"\0"


def _interval(value: timedelta) -> bytes:
    within_a_day = timedelta(seconds=value.seconds, microseconds=value.microseconds) // MICROSECOND
    return struct.pack("!qii", within_a_day, value.days, 0)


_SCALARS: Mapping[str, tuple[int, Encode]] = {
    "uuid": (2950, _uuid),
    "text": (25, str.encode),
    "bool": (16, _bool),
    "int2": (21, _two),
    "int4": (23, _four),
    "int8": (20, _eight),
    "float8": (701, _real),
    "bytea": (17, bytes),
    "timestamptz": (1184, lambda value: _eight(microseconds(value))),
    "interval": (1186, _interval),
    "jsonb": (3802, lambda value: b"\1" + as_json(value).encode()),
}
"""The types that our statements take, and their numbers (the same in every database)."""


def encoder_of(type_name: str) -> Encode | None:
    """How a value of a type travels in binary; None for a type that is left to asyncpg."""
    if type_name in _SCALARS:
        return _SCALARS[type_name][1]
    if type_name.endswith("[]") and type_name[:-2] in _SCALARS:
        return _array_of(*_SCALARS[type_name[:-2]])
    return None


def _array_of(number: int, encode: Encode) -> Encode:
    def encode_all(values: Sequence[Any]) -> bytes:
        if isinstance(values, str | bytes):
            raise TypeError(f"{type(values).__name__} is not a list.")
        head = struct.pack("!iii", min(len(values), 1), int(any(one is None for one in values)), number)
        size = struct.pack("!ii", len(values), 1) if values else b""
        return head + size + b"".join(_parameter(encode, one) for one in values)

    return encode_all


def _parameter(encode: Encode, value: Any) -> bytes:
    if value is None:
        return _NULL
    encoded = encode(value)
    return _length(len(encoded)) + encoded


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _length(len(body) + 4) + body


def run_prepared(name: str, encoders: Sequence[Encode], values: Sequence[Any]) -> bytes:
    """`Bind` and `Execute` of a statement that the server knows by a name.

    Raises `TypeError`, `ValueError`, `AttributeError` or `struct.error` for a value that is not of its type.
    """
    if len(values) != len(encoders):
        raise TypeError(f"The statement takes {len(encoders)} values and was given {len(values)}.")
    given = b"".join(map(_parameter, encoders, values))
    body = b"\0" + name.encode() + b"\0" + _ALL_BINARY + _two(len(values)) + given + _NO_RESULTS
    return _message(b"B", body) + _EXECUTE


def run_once(statement: str) -> bytes:
    """`Parse`, `Bind` and `Execute` of a statement without values."""
    parse = _message(b"P", b"\0" + statement.encode() + b"\0" + _two(0))
    return parse + _message(b"B", b"\0\0" + _two(0) * 3) + _EXECUTE
