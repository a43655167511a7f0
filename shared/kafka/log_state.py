"""Which log this service publishes to: the cluster's id, how often it was asked to replay, and leases.

A replay is one transaction: new cluster id, epoch + 1, everything pending again. The ordinary relay does the rest.
"""

from dataclasses import dataclass

from shared.db import Connection, Pool, transaction
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class LogState:
    """`cluster` is None until the service met its first one."""

    cluster: str | None
    epoch: int


class UnknownCluster(Exception):
    """The broker is not the one whose records this service accounts for: nothing may be published or consumed."""

    def __init__(self, met: str, known: str | None) -> None:
        super().__init__(
            f"Met Kafka cluster {met!r} but this database publishes to {known!r}. If the log was lost or replaced, "
            "ask for a replay (gemba outbox replay); if not, correct the broker's address."
        )


class SurvivingLog(Rejected):
    """The broker holds the log of a life before a restore: its records would be taken for news, and ours for repeats."""

    def __init__(self, met: str) -> None:
        super().__init__(
            "surviving_log",
            409,
            f"Kafka cluster {met!r} is the log from before this database was restored. Format a new one: "
            "everything is published to it again.",
        )


GET_LOG_STATE = "select cluster, epoch from log_state"
IS_LEFT = "select exists (select from lives where left_cluster = $1)"
ADOPT_CLUSTER = "update log_state set cluster = $1 where cluster is null returning cluster"
START_EPOCH = "update log_state set cluster = $1, epoch = epoch + 1 returning epoch"
REFILL_PENDING = """
    insert into outbox_pending (seq, lane)
    select seq, lane from outbox where lane <> 'state'
    union all
    select max(seq), lane from outbox where lane = 'state' group by topic, aggregate, lane
    on conflict (seq) do nothing
"""
SNAPSHOT_STATES = """
    insert into outbox_pending (seq, lane)
    select max(seq), lane from outbox where lane = 'state' group by topic, aggregate, lane
    on conflict (seq) do nothing
"""


async def get_log_state(conn: Connection) -> LogState:
    """As it is now."""
    row = await conn.fetchrow(GET_LOG_STATE)
    assert row is not None
    return LogState(row["cluster"], row["epoch"])


async def recognise_cluster(pool: Pool, met: str) -> None:
    """Adopt the first cluster ever met; raise `UnknownCluster` for any other than the known one.

    Raises `SurvivingLog` for one that was left behind by a restore.
    """
    async with transaction(pool) as conn:
        if await conn.fetchval(IS_LEFT, met):
            raise SurvivingLog(met)
        state = await get_log_state(conn)
        if state.cluster is None and await conn.fetchval(ADOPT_CLUSTER, met):
            return
        state = await get_log_state(conn)
        if state.cluster != met:
            raise UnknownCluster(met, state.cluster)


async def ask_for_replay(pool: Pool, cluster: str) -> int:
    """Publish everything again, to `cluster`; consumers know what they had. Returns how many records are pending."""
    async with transaction(pool) as conn:
        return await start_replay(conn, cluster)


async def start_replay(conn: Connection, cluster: str) -> int:
    """The same in a transaction that is open: all of it, or nothing."""
    if await conn.fetchval(IS_LEFT, cluster):
        raise SurvivingLog(cluster)
    await conn.execute(START_EPOCH, cluster)
    await conn.execute(REFILL_PENDING, timeout=600)
    pending: int = await conn.fetchval("select count(*) from outbox_pending")
    await conn.execute("select pg_notify('outbox', '')")
    return pending


async def snapshot_states(pool: Pool) -> None:
    """Publish every key of the owned state topics again, tombstones included: nightly, and with every replay."""
    async with transaction(pool) as conn:
        await conn.execute(SNAPSHOT_STATES, timeout=600)
        await conn.execute("select pg_notify('outbox', '')")


TAKE_LEASE = """
    insert into leases (name, holder, until) values ($1, $2, clock_timestamp() + make_interval(secs => $3))
    on conflict (name) do update set holder = excluded.holder, until = excluded.until
    where leases.holder = excluded.holder or leases.until < clock_timestamp()
    returning true
"""
RELEASE_LEASE = "delete from leases where name = $1 and holder = $2"


async def take_lease(conn: Connection, name: str, holder: str, seconds: float) -> bool:
    """Take or renew; in database time, so that it lapses while business time stands still."""
    return bool(await conn.fetchval(TAKE_LEASE, name, holder, seconds))


async def release_lease(conn: Connection, name: str, holder: str) -> None:
    """Let the next one in at once."""
    await conn.execute(RELEASE_LEASE, name, holder)
