"""A connection to PostgreSQL as ours are: types read the same way everywhere, handed on as it is, few round trips.

A transaction's BEGIN, and statements whose outcome nobody looks at (`shared.db.write`), are not said by themselves: they
stand in front of the statement that comes next, at the latest of COMMIT, and travel with it. They are done in their order,
before whatever comes after them. One that fails is raised by what it travelled with, and the server does nothing of what stands behind it:
so a transaction of which any part failed is never committed.
"""

import json
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import asyncpg

from shared.wire import MICROSECOND, POSTGRES_EPOCH, Encode, as_json, encoder_of, microseconds, run_once, run_prepared

_FIRST_TYPE_OF_A_DATABASE = 16384
_TYPES: dict[tuple[int, frozenset[int]], Any] = {}
_NOTHING_PREPARED = SimpleNamespace(name="known")
"""In place of the statement that asked: asyncpg prepares its own again after one without a name."""

COMMIT_AND_GO_ON = "commit and chain"
_BEGIN, _COMMIT, _ROLLBACK, _RELEASE = "BEGIN;", "COMMIT;", "ROLLBACK", "RELEASE SAVEPOINT "
"""As asyncpg's transactions say it; any other BEGIN (an isolation level) is said by itself."""
_BEGUN = run_once("begin")
_NOTHING = "select"
_UNFIT = (TypeError, ValueError, AttributeError, struct.error)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A statement that was not sent yet."""

    statement: str
    values: tuple[Any, ...]
    message: bytes
    prepared: Any


@dataclass(frozen=True, slots=True)
class _Form:
    """How the values of a prepared statement travel; None where it has to travel by itself."""

    prepared: Any
    encoders: Sequence[Encode] | None


class HandedOn(asyncpg.Connection):  # type: ignore[misc]  # it has no types of its own
    """A connection that is given back as it is: no use of ours leaves a setting, a lock or a cursor on it.

    asyncpg would ask the server to forget all of that each time, a round trip beside every transaction. That nothing is
    left is held by `test_no_statement_of_ours_leaves_anything_on_its_connection`; what was begun is still rolled back.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begins = False
        self._waiting: list[_Waiting] = []
        self._without_sync = False
        self._forms: dict[str, _Form] = {}

    def get_reset_query(self) -> str:
        return ""

    async def write(self, statement: str, *values: Any) -> None:
        """Run a statement that returns no rows with whatever comes next; by itself where it cannot wait for that."""
        self._check_open()
        if self._top_xact is not None:
            prepared = await self._get_statement(statement, None)
            encoders = self._form_of(statement, prepared).encoders
            if encoders is not None:
                with suppress(*_UNFIT):  # asyncpg says what is wrong with a value
                    message = run_prepared(prepared.name, encoders, values)
                    prepared.attach()  # the server is not asked to forget it meanwhile
                    self._waiting.append(_Waiting(statement, values, message, prepared))
                    return
        await self.execute(statement, *values)

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """As asyncpg's, which also begins, commits and rolls back by it."""
        self._check_open()
        if args:
            status: str = await super().execute(query, *args, timeout=timeout)
            return status
        if query == _BEGIN:
            self._begins = True
            return "BEGIN"
        if query in {_COMMIT, COMMIT_AND_GO_ON} and (self._begins or self._waiting or self._without_sync):
            return await self._commit(query)
        if query.startswith(_ROLLBACK):
            if await self._drop_waiting():
                return "ROLLBACK"
        elif query.startswith(_RELEASE):
            await self._release(query)
        else:
            await self._send_waiting()
        return await super().execute(query, timeout=timeout)  # type: ignore[no-any-return]

    async def _commit(self, query: str) -> str:
        if self._begins and not self._waiting:  # nothing was done since
            self._begins = query != _COMMIT
            return "COMMIT"
        try:
            # Under a name that says so on the wire: whoever looks on finds commits by it.
            await self._get_statement(query, None, named=self._get_unique_id("COMMIT"))
            _, status, _ = await self._execute(query, (), 0, None, return_status=True)
        except asyncpg.PostgresError:
            if self._protocol is not None and self._protocol.is_in_transaction():
                await super().execute("ROLLBACK;")
            raise
        told: str = status.decode()
        return told

    async def _release(self, query: str) -> None:
        try:
            await self._send_waiting()
        except asyncpg.PostgresError:
            await super().execute(f"ROLLBACK TO {query.removeprefix(_RELEASE)}")
            raise

    async def _send_waiting(self) -> None:
        """Before what asyncpg says without preparing it: the last one carries the others."""
        if self._waiting:
            last = self._waiting.pop()
            last.prepared.detach()
            await self._execute(last.statement, last.values, 0, None)
        elif self._begins:
            self._begins = False
            await super().execute(_BEGIN)
        elif self._without_sync:
            await self.fetch(_NOTHING)

    async def _drop_waiting(self) -> bool:
        """Nothing of it is done; returns whether the transaction had not even begun."""
        for one in self._waiting:
            one.prepared.detach()
        had_not_begun, self._begins, self._waiting = self._begins, False, []
        if self._without_sync:
            with suppress(asyncpg.PostgresError):  # of what was sent before; it is rolled back
                await self.fetch(_NOTHING)
        return had_not_begun

    async def _do_execute(self, query: str, executor: Any, timeout: float | None, *args: Any, **options: Any) -> Any:
        """The one way in which asyncpg runs a prepared statement: what waits is sent in front of it.

        It may then not come to say anything itself (a value of the wrong type, a caller who was cancelled). What was sent is left
        without its `Sync`, and a server that found a fault in it reads nothing but that.
        """
        if self._begins or self._waiting:
            self._transport.write((_BEGUN if self._begins else b"") + b"".join(one.message for one in self._waiting))
            for one in self._waiting:
                one.prepared.detach()
            self._begins, self._waiting, self._without_sync = False, [], True
        said = self._protocol.queries_count
        try:
            return await super()._do_execute(query, executor, timeout, *args, **options)
        finally:
            if self._protocol is None or self._protocol.queries_count != said:
                self._without_sync = False

    def _form_of(self, statement: str, prepared: Any) -> _Form:
        known = self._forms.get(statement)
        if known is None or known.prepared is not prepared:
            encoders = [encoder_of(one.name) for one in prepared._get_parameters()]  # noqa: SLF001
            fits = prepared.name and not prepared._get_attributes() and None not in encoders  # noqa: SLF001
            known = self._forms[statement] = _Form(prepared, [one for one in encoders if one] if fits else None)
        return known

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
        await connection.set_type_codec(kind, encoder=as_json, decoder=json.loads, schema="pg_catalog")
    await connection.set_type_codec(
        "timestamptz", encoder=_encode_instant, decoder=_decode_instant, schema="pg_catalog", format="tuple"
    )


def _encode_instant(value: datetime) -> tuple[int]:
    return (microseconds(value),)


def _decode_instant(value: tuple[int]) -> datetime:
    return POSTGRES_EPOCH + value[0] * MICROSECOND
