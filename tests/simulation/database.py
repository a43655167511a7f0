"""A simulated PostgreSQL: read committed, row locks, unique keys, NOTIFY at commit; it dies and cuts sessions when told to.

Only storage is simulated: what each SQL constant of the kit means is written down in `*_statements.py`, held against real
PostgreSQL by `tests/integration/kit/test_simulated_statements.py`. A statement without a meaning fails loudly.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from shared.db import COMMIT_AND_GO_ON
from shared.wakeups import Wakeup
from tests.simulation.loop import Process, current_process, lapse

Key = tuple[str, Any]
Statement = Callable[..., Awaitable[list[Any]]]

_EPOCH = datetime(2026, 3, 2, 9, tzinfo=UTC)
_LOCK_SECONDS = 5.0


class Row(dict[str, Any]):
    """A record: by name or by place. Never changed once it is stored."""

    def __getitem__(self, name: Any) -> Any:
        return list(self.values())[name] if name.__class__ is int else dict.__getitem__(self, name)


class Transaction:
    """What one session has done and not yet committed."""

    def __init__(self, database: Database, process: Process) -> None:
        self.database = database
        self.process = process
        self.writes: dict[Key, Row | None] = {}
        self.notifies: list[str] = []
        self.held: set[Key] = set()
        self.waits_for: Key | None = None
        self.over = False

    def get(self, table: str, key: Any) -> Row | None:
        """As this transaction sees it now."""
        place = (table, key)
        return self.writes[place] if place in self.writes else self.database.tables[table].get(key)

    def rows(self, table: str) -> Iterator[tuple[Any, Row]]:
        """Every row that this transaction sees."""
        own = {key: row for (name, key), row in self.writes.items() if name == table}
        for key, row in list(self.database.tables[table].items()):
            if key not in own:
                yield key, row
        for key, row in own.items():
            if row is not None:
                yield key, row

    def put(self, table: str, key: Any, row: Row | None) -> None:
        """Write (None deletes) a row that is locked, or that nobody else can write."""
        self.writes[table, key] = row

    def is_free(self, table: str, key: Any) -> bool:
        """Whether `for update skip locked` would take it."""
        return self.database.locks.get((table, key), self) is self

    async def lock(self, table: str, key: Any) -> bool:
        """Wait for the row, however it ends there; True when somebody else had it, so that it must be looked at again."""
        return await self.database.lock(self, (table, key))


class Database:
    """One service's database: survives its service's processes."""

    def __init__(self, name: str, rng: random.Random, statements: dict[str, Statement]) -> None:
        self.name = name
        self.rng = rng
        self.statements = statements
        self.tables: defaultdict[str, dict[Any, Row]] = defaultdict(dict)
        self.locks: dict[Key, Transaction] = {}
        self.waiting: defaultdict[Key, deque[tuple[Transaction, asyncio.Future[None]]]] = defaultdict(deque)
        self.sequences: defaultdict[str, int] = defaultdict(int)
        self.sessions: list[Connection] = []
        self.cuts = 0
        """How often sessions were broken; only grows."""
        self.only: Process | None = None
        """The one process that is let in while a backup is being put back; None: everybody."""
        self.listeners: list[tuple[Process, str, Wakeup]] = []
        self.up = True
        self.slowest = 0.004
        """The longest that a statement's way takes, in seconds."""
        self.deaf = 0.0
        """How often a NOTIFY does not arrive."""
        self.on_commit: Callable[[Database, dict[Key, tuple[Row | None, Row | None]]], None] = lambda *_: None
        self.tables["log_state"][1] = Row(cluster=None, epoch=0)
        self.tables["lives"][1] = Row(restore_id=None, left_cluster=None, began_at=_EPOCH, released_at=_EPOCH)

    @property
    def on_hold(self) -> bool:
        """Whether it was restored and not yet released."""
        return any(row["released_at"] is None for row in self.tables["lives"].values())

    @property
    def machine_now(self) -> datetime:
        """clock_timestamp()."""
        return _EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def next_of(self, sequence: str) -> int:
        """nextval: never given back."""
        self.sequences[sequence] += 1
        return self.sequences[sequence]

    async def lock(self, tx: Transaction, place: Key) -> bool:
        holder = self.locks.get(place)
        if holder is None or holder is tx:
            self.locks[place] = tx
            tx.held.add(place)
            return False
        self._refuse_deadlock(tx, holder)
        granted = asyncio.get_running_loop().create_future()
        entry = (tx, granted)
        self.waiting[place].append(entry)
        tx.waits_for = place
        try:
            async with asyncio.timeout(_LOCK_SECONDS):
                await granted
        except TimeoutError:
            if entry in self.waiting[place]:
                self.waiting[place].remove(entry)
            raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from None
        finally:
            tx.waits_for = None
        if tx.over:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return True

    def _refuse_deadlock(self, tx: Transaction, holder: Transaction) -> None:
        seen = holder
        for _ in range(50):
            if seen is tx:
                raise asyncpg.DeadlockDetectedError("deadlock detected")
            if seen.waits_for is None or seen.waits_for not in self.locks:
                return
            seen = self.locks[seen.waits_for]

    def commit(self, tx: Transaction) -> None:
        """All of it at one instant."""
        if tx.over:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        changed: dict[Key, tuple[Row | None, Row | None]] = {}
        for (table, key), row in tx.writes.items():
            changed[table, key] = (self.tables[table].get(key), row)
            if row is None:
                self.tables[table].pop(key, None)
            else:
                self.tables[table][key] = row
        self.end(tx)
        for channel in dict.fromkeys(tx.notifies):
            self._notify(channel)
        if changed:
            self.on_commit(self, changed)

    def end(self, tx: Transaction) -> None:
        """Locks go to whoever waits."""
        tx.over = True
        for place in sorted(tx.held, key=str):
            del self.locks[place]
            queue = self.waiting.get(place)
            while queue:
                next_tx, granted = queue.popleft()
                if not next_tx.over and not granted.done():
                    self.locks[place] = next_tx
                    next_tx.held.add(place)
                    granted.set_result(None)
                    break
            if not queue:
                self.waiting.pop(place, None)
        tx.held.clear()

    def _notify(self, channel: str) -> None:
        for process, name, wakeup in self.listeners:
            if name == channel and process.alive and self.rng.random() >= self.deaf:
                wakeup.set()

    def cut(self, process: Process | None = None, *, spare: Process | None = None) -> None:
        """Break the sessions of a process, or all but those of one: what was not committed is gone, what is being committed may be either."""
        self.cuts += 1
        for session in list(self.sessions):
            if session.process is not spare and (process is None or session.process is process):
                session.broken = True
                if session.tx is not None and not session.tx.over:
                    self.end(session.tx)
                self.sessions.remove(session)
        self.listeners = [one for one in self.listeners if one[0].alive]

    def snapshot(self) -> dict[str, dict[Any, Row]]:
        """What a backup holds."""
        return {name: dict(rows) for name, rows in self.tables.items()}

    def restore(self, backup: dict[str, dict[Any, Row]]) -> None:
        """Back to the instant of the backup. Sequences too: their values of after may be given again."""
        self.cut()
        self.tables.clear()
        for name, rows in backup.items():
            self.tables[name] = dict(rows)


class Connection:
    """What the kit uses of an asyncpg connection."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.process = current_process()
        self.tx: Transaction | None = None
        self.broken = False

    async def fetch(self, sql: str, *values: Any, timeout: float | None = None) -> list[Any]:
        statement = self.database.statements.get(sql)
        if statement is None:
            raise NotImplementedError(f"tests/simulation/*_statements.py do not say what this means: {sql}")
        first = self.database.rng.random() < 0.5
        if first:
            await self._travel()
        tx = self.tx
        if tx is not None:
            rows = await statement(tx, *values)
        else:
            tx = Transaction(self.database, self.process)
            try:
                rows = await statement(tx, *values)
                self.database.commit(tx)
            finally:
                self.database.end(tx)
        if not first:
            await self._travel()
        return rows

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *values: Any, timeout: float | None = None) -> str:
        if sql != COMMIT_AND_GO_ON:
            await self.fetch(sql, *values)
            return ""
        await self._commit()
        self._check()
        self.tx = Transaction(self.database, self.process)
        return "COMMIT"

    async def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        for each in values:
            await self.fetch(sql, *each)

    @asynccontextmanager
    async def transaction(self, isolation: str | None = None) -> AsyncIterator[None]:
        """A transaction, or within one a savepoint."""
        if self.tx is not None:
            before = (dict(self.tx.writes), list(self.tx.notifies))
            try:
                yield
            except BaseException:
                if not self.tx.over:
                    self.tx.writes, self.tx.notifies = before
                raise
            return
        self._check()
        self.tx = Transaction(self.database, self.process)
        try:
            yield
        except BaseException:
            if self.tx is not None:
                self.database.end(self.tx)
                self.tx = None
            raise
        await self._commit()

    async def _commit(self) -> None:
        tx = self.tx
        assert tx is not None
        try:
            arrived = self.database.rng.random() < 0.5
            if arrived:
                self._check()
                self.database.commit(tx)
            await self._travel()  # a cut here leaves it open whether it took effect
            if not arrived:
                self.database.commit(tx)
        finally:
            self.database.end(tx)
            self.tx = None

    async def _travel(self) -> None:
        self._check()
        await lapse(self.database.rng.random() * self.database.slowest)
        self._check()

    def _check(self) -> None:
        if self.broken:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Pool:
    """What the kit uses of an asyncpg pool."""

    def __init__(
        self, database: Database, size: int = 12, meet: Callable[[Any], Awaitable[None]] | None = None
    ) -> None:
        self.database = database
        self._free = asyncio.Semaphore(size)
        self._meet = meet
        self._met: int | None = None
        """How often the database had broken sessions when a new one was met last: those since then are new ones."""

    @asynccontextmanager
    async def acquire(self, timeout: float | None = None) -> AsyncIterator[Connection]:
        async with asyncio.timeout(timeout):
            await self._free.acquire()
        try:
            if not self.database.up or self.database.only not in {None, current_process()}:
                await lapse(0.01)
                raise ConnectionRefusedError(f"{self.database.name} is down")
            connection = Connection(self.database)
            self.database.sessions.append(connection)
            try:
                if self._meet is not None and self._met != (cuts := self.database.cuts):
                    await self._meet(connection)
                    self._met = cuts
                yield connection
            finally:
                if connection in self.database.sessions:
                    self.database.sessions.remove(connection)
        finally:
            self._free.release()

    async def close(self) -> None:
        return

    def terminate(self) -> None:
        return
