"""PostgreSQL through asyncpg: one pool a process, one transaction a use case, passing faults named as such."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Self, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Transient

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ACQUIRE_SECONDS = 10
_REFUSED_RETRY_SECONDS = 0.1
_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's parting words were read, and its end of the connection not yet
    asyncpg.InvalidCachedStatementError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process stood still for too long
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is about to be promoted
    asyncpg.InvalidPasswordError,
    asyncpg.PostgresSystemError,  # the server's own disk
    OSError,
    TimeoutError,
)

_log = structlog.get_logger(__name__)


async def open_pool(
    dsn: str,
    *,
    size: int,
    name: str,
    min_size: int = 1,
    password: Callable[[], str] | None = None,
    meet: Callable[[Connection], Awaitable[None]] | None = None,
) -> Pool:
    """A pool whose sessions are set the same way for good. `meet` is given each new connection, and may refuse it.

    `password` is asked for each new connection, so that one that is replaced while the process runs is learnt
    (`shared.secret_files.PasswordInFile`); without it the one in `dsn` holds. Raises `Transient` while the server is away or starting.
    """

    async def prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await _prepare(connection)
        if meet is not None:
            await meet(connection)

    try:
        return await asyncpg.create_pool(
            dsn,
            **({"password": password} if password else {}),
            min_size=min_size,
            max_size=size,
            init=prepare,
            connection_class=_Untouched,
            command_timeout=30,
            max_inactive_connection_lifetime=300,
            server_settings={
                "application_name": name,
                "timezone": "UTC",
                "jit": "off",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "30s",
            },
        )
    except _PASSING as fault:
        raise Transient(f"The database could not be reached: {type(fault).__name__}.") from fault


_FIRST_TYPE_OF_A_DATABASE = 16384
_TYPES: dict[tuple[int, frozenset[int]], Any] = {}
_NOTHING_PREPARED = SimpleNamespace(name="known")
"""In place of the statement that asked: asyncpg prepares its own again after one without a name."""


class _Untouched(asyncpg.Connection):  # type: ignore[misc]  # it has no types of its own
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


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction on a connection of its own; a passing fault of the database is raised as `Transient`.

    A fault during COMMIT leaves open whether it took effect: commands carry an idempotency key and
    facts a version, so that doing it again is safe.
    """
    try:
        async with _acquired(pool) as connection, connection.transaction():
            yield connection
    except _PASSING as fault:
        raise Transient(f"The database did not answer as it should: {type(fault).__name__}.") from fault


@asynccontextmanager
async def session(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for single statements, each a transaction of its own: one round trip where `transaction` takes three.

    For reading, and where one statement does all; passing faults are named as in `transaction`.
    """
    try:
        async with _acquired(pool) as connection:
            yield connection
    except _PASSING as fault:
        raise Transient(f"The database did not answer as it should: {type(fault).__name__}.") from fault


@asynccontextmanager
async def _acquired(pool: Pool) -> AsyncIterator[Connection]:
    """A connection within a time limit; asyncpg's own limit would start a task for each, which costs as much as a query.

    While a password is being replaced, server and file differ for some seconds: who needs a new connection waits then.
    """
    async with AsyncExitStack() as held:
        async with asyncio.timeout(_ACQUIRE_SECONDS):
            refusals = 0
            while True:
                try:
                    connection = await held.enter_async_context(pool.acquire())
                    break
                except asyncpg.InvalidPasswordError:
                    refusals += 1
                    if refusals == 2:  # the first may be the turn of the other password
                        _log.warning("database.password_refused", again_for_seconds=_ACQUIRE_SECONDS)
                await asyncio.sleep(_REFUSED_RETRY_SECONDS)
        yield connection


class Session:
    """A connection kept over several transactions, for a worker that has one after another.

    So that others who wait for a connection get their turn, it is given back between two transactions when it was kept
    for long, and after a fault.
    """

    _LONGEST_SECONDS = 0.05

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: AsyncExitStack | None = None
        self._connection: Connection | None = None
        self._until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._give_back()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As `shared.db.transaction`, on the connection of this session."""
        try:
            connection = await self._take()
            async with connection.transaction():
                yield connection
        except BaseException as fault:
            with suppress(*_PASSING):
                await self._give_back()
            if isinstance(fault, _PASSING):
                raise Transient(f"The database did not answer as it should: {type(fault).__name__}.") from fault
            raise
        if _machine_time() > self._until:
            await self._give_back()

    async def _take(self) -> Connection:
        if self._connection is None:
            held = AsyncExitStack()
            self._connection = await held.enter_async_context(_acquired(self._pool))
            self._held, self._until = held, _machine_time() + self._LONGEST_SECONDS
        return self._connection

    async def _give_back(self) -> None:
        held, self._held, self._connection = self._held, None, None
        if held is not None:
            await held.aclose()


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """A part of a transaction that may fail by itself; passing faults are named as in `transaction`."""
    try:
        async with conn.transaction():
            yield
    except _PASSING as fault:
        raise Transient(f"The database did not answer as it should: {type(fault).__name__}.") from fault


async def refuse_unsafe_server(pool: Pool) -> None:
    """Refuse to start on a server that can lose what it acknowledged, or that is older than we need."""
    async with pool.acquire() as connection:
        await refuse_unsafe_session(connection)


async def refuse_unsafe_session(connection: Connection) -> None:
    """The same for one connection. Raises `RuntimeError` with what would be right."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        value = await connection.fetchval("select current_setting($1)", name)
        if value == "off":
            raise RuntimeError(
                f"PostgreSQL runs with {name} = off: a crash could lose an acknowledged report. Set it to on."
            )
    version = connection.get_server_version()
    if version.major < 15:
        raise RuntimeError(f"PostgreSQL {version.major} is too old; 15 or later is needed.")


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_dump, decoder=json.loads, schema="pg_catalog")
    await connection.set_type_codec(
        "timestamptz", encoder=_encode_instant, decoder=_decode_instant, schema="pg_catalog", format="tuple"
    )


def _machine_time() -> float:
    return asyncio.get_running_loop().time()


def _dump(value: Any) -> str:
    return json.dumps(value, default=str)


def _encode_instant(value: datetime) -> tuple[int]:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; instants are aware.")
    return ((value - _POSTGRES_EPOCH) // _MICROSECOND,)


def _decode_instant(value: tuple[int]) -> datetime:
    return _POSTGRES_EPOCH + value[0] * _MICROSECOND
