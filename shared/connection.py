"""A connection to PostgreSQL as ours are: types read the same way everywhere, and handed on as it is."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_TYPE_OF_A_DATABASE = 16384
_TYPES: dict[tuple[int, frozenset[int]], Any] = {}
_NOTHING_PREPARED = SimpleNamespace(name="known")
"""In place of the statement that asked: asyncpg prepares its own again after one without a name."""


class HandedOn(asyncpg.Connection):  # type: ignore[misc]  # it has no types of its own
    """A connection that is given back as it is: no use of ours leaves a setting, a lock or a cursor on it.

    asyncpg would ask the server to forget all of that each time, a round trip beside every transaction. That nothing is
    left is held by `test_no_statement_of_ours_leaves_anything_on_its_connection`; what was begun is still rolled back.
    """

    def get_reset_query(self) -> str:
        return ""

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> tuple[Any, Any]:
        """What PostgreSQL's own types consist of is the same in every database: it is asked once, not by each connection.

        The question takes the server 15 ms, before the first statement with an array.
        """
        wanted = frozenset(typeoids)
        if max(wanted) >= _FIRST_TYPE_OF_A_DATABASE:
            return await super()._introspect_types(wanted, timeout)  # type: ignore[no-any-return]
        asked = (self.get_server_version().major, wanted)
        if asked not in _TYPES:
            _TYPES[asked], _ = await super()._introspect_types(wanted, timeout)
        return _TYPES[asked], _NOTHING_PREPARED


async def set_codecs(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """JSON is what it holds, and instants are aware; naive ones are refused."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_dump, decoder=json.loads, schema="pg_catalog")
    await connection.set_type_codec(
        "timestamptz", encoder=_encode_instant, decoder=_decode_instant, schema="pg_catalog", format="tuple"
    )


def _dump(value: Any) -> str:
    return json.dumps(value, default=str)


def _encode_instant(value: datetime) -> tuple[int]:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; instants are aware.")
    return ((value - _POSTGRES_EPOCH) // _MICROSECOND,)


def _decode_instant(value: tuple[int]) -> datetime:
    return _POSTGRES_EPOCH + value[0] * _MICROSECOND
