"""What a restore begins: another life of the installation, on another log, on hold until an operator releases it.

Between the instant that was restored and now the former life told people things that these databases do not know of.
So nothing that is due fires and nothing is sent until somebody has seen the list. All of it is one row in one
transaction: `on_hold()` in SQL is what timers and senders ask, so that no process can overlook it. A process of the
former life that nobody stopped (on a machine that was out of reach) still reads the former log: it is told so by its next
connection to the database, and ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection, Pool, session, transaction
from shared.errors import Transient
from shared.kafka.log_state import start_replay


@dataclass(frozen=True, slots=True)
class Life:
    """`number` is part of `ce_source`. `began_at` is machine time."""

    number: int
    began_at: datetime
    on_hold: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is due and stands still: a deadline, a message, a mail. `due_at` is business time."""

    what: str
    kind: str
    aggregate: UUID
    due_at: datetime


ListHeld = Callable[[Connection, datetime, int], Awaitable[Sequence[Held]]]
"""`async def list_held(conn, now, limit)`: what a service holds back besides deadlines, the oldest first."""

GET_LIFE = "select number, began_at, released_at is null as on_hold from lives order by number desc limit 1"
BEGIN_LIFE = """
    insert into lives (number, restore_id, left_cluster)
    select max(number) + 1, $1, (select cluster from log_state) from lives
    on conflict (restore_id) do nothing
    returning number
"""
RELEASE = (
    "update lives set released_at = clock_timestamp(), released_by = $1 where released_at is null returning number"
)
OTHERS_OUT = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
      and ($1 or backend_start < (select max(began_at) from lives))
"""
"""All of them when the life has just begun. A start that is repeated sends away who is older than the life, in case the one
before it did not come so far; who came since has met it."""
WAKE = "select pg_notify(channel, '') from unnest(array['timers', 'messages', 'sign_in', 'outbox']) channel"


async def get_life(conn: Connection) -> Life:
    """The one that runs now."""
    row = await conn.fetchrow(GET_LIFE)
    assert row is not None
    return Life(**dict(row))


class FormerLife(Transient):
    """The database was restored since this process began: what it holds of the log is of a life that has ended."""

    def __init__(self, began_in: int, now: int) -> None:
        super().__init__(
            f"The databases were restored: this process began in life {began_in} and it is life {now}. It ends; start it again."
        )


class OneLife:
    """The life that a process belongs to: the one that its first connection to the database met.

    Every later connection is asked, and none survives a restore, so that nothing of the former life is written into the
    next one without a question beside each statement.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_over = asyncio.Event()

    async def meet(self, conn: Connection) -> None:
        """For each new connection of a pool. Raises `FormerLife`."""
        number = (await get_life(conn)).number
        if self.number is None:
            self.number = number
        if number != self.number:
            self.is_over.set()
            raise FormerLife(self.number, number)


async def begin_life(pool: Pool, restore_id: UUID, cluster: str) -> bool:
    """Begin the life after a restore; False when it has begun already. Everything is to be published again, to `cluster`.

    That is the log that was formatted for it, and no other one is taken for it, whichever is met first. Whoever else is
    connected has to connect again, and meets the new life. Raises `SurvivingLog` when it is the log of the life before.
    """
    async with transaction(pool) as conn:
        begins = await conn.fetchval(BEGIN_LIFE, restore_id)
        if begins is not None:
            await start_replay(conn, cluster)
    async with session(pool) as conn:
        await conn.execute(OTHERS_OUT, begins is not None)
    return begins is not None


async def release(conn: Connection, by: UUID) -> bool:
    """Let go what is held, in this transaction; False when nothing was on hold."""
    released = await conn.fetchval(RELEASE, by)
    await conn.execute(WAKE)
    return released is not None


LIST_HELD_TIMERS = """
    select 'deadline' as what, kind, aggregate, due_at from timers where due_at <= $1 order by due_at limit $2
"""


async def list_held(conn: Connection, now: datetime, limit: int, more: ListHeld | None = None) -> list[Held]:
    """What would happen at once without the hold, the oldest first; nothing when there is no hold."""
    if not (await get_life(conn)).on_hold:
        return []
    held = [Held(**dict(row)) for row in await conn.fetch(LIST_HELD_TIMERS, now, limit)]
    if more is not None:
        held += await more(conn, now, limit)
    return sorted(held, key=lambda one: one.due_at)[:limit]
