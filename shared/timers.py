"""Deadlines are rows: armed in the transaction that makes them necessary, fired in the one that holds their effect.

Here is what one is, how it is armed, and how those that are due are found; `shared/timer_runner.py` fires them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection, Record


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline whose time has come. `due_at` may lie long before `now` after an outage."""

    kind: str
    aggregate: UUID
    generation: int
    due_at: datetime


Fire = Callable[..., Awaitable[None]]
"""`async def on_due(due, *, now, conn, deps)`: the effect, in the transaction that deletes the timer."""

FireTogether = Callable[..., Awaitable[None]]
"""`async def on_all_due(dues, *, now, conn, deps)`: the effects of one or several, in the order of their times."""


@dataclass(frozen=True, slots=True)
class TimerKind:
    """One kind of deadline. `table` and `key` name the aggregate's row, which is locked before the timer."""

    name: str
    table: str
    key: str
    fire: Fire | None = None
    """The effect of one; either this or `fire_together`."""
    on_failure: Fire | None = None
    """A smaller effect, in a transaction of its own, when `fire` raised: for deadlines that must not go quiet."""
    fire_together: FireTogether | None = None
    """The effects of a whole batch, for kinds that come by the hundred: a statement for all, not one for each.
    When it raises, the batch is halved, down to a batch of one."""

    def __post_init__(self) -> None:
        if (self.fire is None) == (self.fire_together is None):
            raise ValueError(f"deadline {self.name}: give it either fire or fire_together")

    @property
    def lock_sql(self) -> str:
        """Locks the aggregates that nobody else holds, in the order of their ids."""
        return (
            f"select {self.key} from {self.table} where {self.key} = any($1::uuid[]) "
            f"order by {self.key} for update skip locked"
        )

    @property
    def exists_sql(self) -> str:
        """Which of the aggregates exist: a deadline without one is a defect that must not spin."""
        return f"select {self.key} from {self.table} where {self.key} = any($1::uuid[])"


ARM = """
    insert into timers (kind, aggregate, generation, due_at, armed_at)
    values ($1, $2, nextval('timer_generation'), $3, $4)
    on conflict (kind, aggregate) do update
    set generation = excluded.generation, due_at = excluded.due_at, armed_at = excluded.armed_at,
        failures = 0, retry_at = null
    returning pg_notify('timers', floor(extract(epoch from due_at))::text)
"""
DISARM = "delete from timers where kind = $1 and aggregate = any($2::uuid[])"


async def arm(conn: Connection, kind: str, aggregate: UUID, due_at: datetime, *, now: datetime) -> None:
    """Set the one deadline of this kind for an aggregate whose row is locked; an earlier one is replaced."""
    await conn.execute(ARM, kind, aggregate, due_at, now)


async def arm_all(
    conn: Connection, aggregate: UUID, deadlines: Sequence[tuple[str, datetime]], *, now: datetime
) -> None:
    """Several kinds for one aggregate, each with its time, sent together."""
    await conn.executemany(ARM, [(kind, aggregate, due_at, now) for kind, due_at in deadlines])


async def disarm(conn: Connection, kind: str, *aggregates: UUID) -> None:
    """What they waited for has happened. The aggregates' rows are locked."""
    await conn.execute(DISARM, kind, aggregates)


# Kind by kind, and those that failed apart: so each of these reads what it returns and no more, whatever the statistics say.
READ_DUE = """
    select due.* from unnest($2::text[]) as wanted (kind) cross join lateral (
        (select t.kind, aggregate, generation, due_at from timers t
         where t.kind = wanted.kind and due_at <= $1 and retry_at is null
         order by due_at limit $3)
        union all
        (select t.kind, aggregate, generation, due_at from timers t
         where t.kind = wanted.kind and due_at <= $1 and retry_at <= clock_timestamp()
         limit $3)
    ) as due
    where not (select on_hold()) order by due_at, kind, aggregate limit $3
"""
READ_AHEAD = """
    select due.* from unnest($3::text[]) as wanted (kind) cross join lateral (
        select t.kind, aggregate, generation, due_at from timers t
        where t.kind = wanted.kind and due_at > $1 and due_at <= $2 and retry_at is null
        order by due_at limit $4
    ) as due
    where not (select on_hold()) order by due_at, kind, aggregate limit $4
"""
NEXT_DUE = """
    select min(first.due_at) from unnest($1::text[]) as wanted (kind) cross join lateral (
        select due_at from timers t where t.kind = wanted.kind and retry_at is null order by due_at limit 1
    ) as first
    where not (select on_hold())
"""
TAKE = """
    delete from timers
    where kind = $1 and aggregate = any($2::uuid[]) and generation = any($3::bigint[]) and due_at <= $4
      and (retry_at is null or retry_at <= clock_timestamp()) and not (select on_hold())
    returning kind, aggregate, generation, due_at
"""
"""A generation belongs to one deadline, so two lists say what a list of pairs would."""
FAILED = """
    update timers set failures = failures + 1,
           retry_at = clock_timestamp() + make_interval(secs => least($4, power(2, least(failures, 10))))
    where kind = $1 and aggregate = $2 and generation = $3
    returning true
"""
COUNT_DUE = "select count(*) from timers where due_at <= $1 and kind = any($2::text[]) and not (select on_hold())"
LIST_TIMERS = "select * from timers order by due_at limit $1"


async def count_due(conn: Connection, kinds: Sequence[str], now: datetime) -> int:
    """How many deadlines have come and not been acted upon; after a restore none, until they are released."""
    count: int = await conn.fetchval(COUNT_DUE, now, kinds)
    return count


FIRST_DUE = "select min(due_at) from timers where kind = any($1::text[]) and not (select on_hold())"


async def next_due(conn: Connection, kinds: Sequence[str]) -> datetime | None:
    """The earliest armed deadline, in business time."""
    due_at: datetime | None = await conn.fetchval(FIRST_DUE, kinds)
    return due_at


async def list_timers(conn: Connection, limit: int = 200) -> list[Record]:
    """Armed deadlines, the next one first."""
    rows: list[Record] = await conn.fetch(LIST_TIMERS, limit)
    return rows
