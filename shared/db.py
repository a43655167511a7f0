"""PostgreSQL through asyncpg: one pool a process, one transaction a use case, passing faults named as such."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from shared.connection import HandedOn, set_codecs
from shared.endings import at_hand, part_at_hand
from shared.errors import Transient

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record

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
        await set_codecs(connection)
        if meet is not None:
            await meet(connection)

    try:
        return await asyncpg.create_pool(
            dsn,
            **({"password": password} if password else {}),
            min_size=min_size,
            max_size=size,
            init=prepare,
            connection_class=HandedOn,
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


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction on a connection of its own; a passing fault of the database is raised as `Transient`.

    A fault during COMMIT leaves open whether it took effect: commands carry an idempotency key and
    facts a version, so that doing it again is safe.
    """
    try:
        with at_hand():
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


COMMIT_AND_GO_ON = "commit and chain"


class Session:
    """A connection kept over several transactions, for a worker that has one after another.

    So that others who wait for a connection get their turn, it is given back between two transactions when it was kept
    for long, and after a fault. Where the next transaction follows at once, the commit of the one before begins it: that is
    one round trip less of four.
    """

    _LONGEST_SECONDS = 0.05

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: AsyncExitStack | None = None
        self._connection: Connection | None = None
        self._begun: Any = None
        self._until = 0.0
        self.goes_on = False
        """Whether another transaction follows the present one at once, as far as the worker knows."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._give_back()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As `shared.db.transaction`, on the connection of this session."""
        try:
            connection = await self._take()
            with at_hand():
                if self._begun is None:
                    self._begun = await self._begin(connection)
                yield connection
                await self._commit(connection)
        except BaseException as fault:
            with suppress(*_PASSING):
                await self._give_back(fault)
            if isinstance(fault, _PASSING):
                raise Transient(f"The database did not answer as it should: {type(fault).__name__}.") from fault
            raise
        if self._begun is None and _machine_time() > self._until:
            await self._give_back()

    async def _begin(self, connection: Connection) -> Any:
        transaction = connection.transaction()
        await transaction.__aenter__()
        return transaction

    async def _commit(self, connection: Connection) -> None:
        if self.goes_on and _machine_time() <= self._until:
            if await connection.execute(COMMIT_AND_GO_ON) != "COMMIT":
                raise RuntimeError("A transaction that had failed was to be committed.")
        else:
            begun, self._begun = self._begun, None
            await begun.__aexit__(None, None, None)

    async def _take(self) -> Connection:
        if self._connection is None:
            held = AsyncExitStack()
            self._connection = await held.enter_async_context(_acquired(self._pool))
            self._held, self._until = held, _machine_time() + self._LONGEST_SECONDS
        return self._connection

    async def _give_back(self, fault: BaseException | None = None) -> None:
        """After a fault what was begun is rolled back; otherwise nothing was done in it yet."""
        begun, self._begun = self._begun, None
        held, self._held, self._connection = self._held, None, None
        try:
            if begun is not None:
                await begun.__aexit__(type(fault) if fault else None, fault, None)
        finally:
            if held is not None:
                await held.aclose()


@asynccontextmanager
async def savepoint(conn: Connection) -> AsyncIterator[None]:
    """A part of a transaction that may fail by itself; passing faults are named as in `transaction`."""
    try:
        with part_at_hand():
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


def _machine_time() -> float:
    return asyncio.get_running_loop().time()
