"""What the SQL of the outbox, the relay, replays, lives and leases means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from shared import lives
from shared.kafka import log_state, outbox, relay
from shared.kafka.topics import STATE
from tests.simulation.database import Row, Transaction
from tests.simulation.meanings import means


@means(outbox.APPEND_FACT)
async def append_fact(
    tx: Transaction, event_id: Any, topic: str, aggregate: Any, kind: Any, body: Any, at: Any, trace: str, lane: str,
    wakes: bool,
) -> list[Any]:
    last = tx.get("outbox_last", (topic, aggregate))
    version = (last["version"] if last else 0) + 1
    lane = last["lane"] if last else lane
    await tx.lock("outbox_version", (topic, aggregate, version))
    if tx.get("outbox_version", (topic, aggregate, version)):
        raise asyncpg.UniqueViolationError(
            "duplicate key value violates unique constraint on (topic, aggregate, version)"
        )
    seq = tx.database.next_of("outbox")
    tx.put("outbox_version", (topic, aggregate, version), Row(seq=seq))
    tx.put("outbox_last", (topic, aggregate), Row(version=version, lane=lane))
    tx.put("outbox_event", event_id, Row(seq=seq))
    tx.put("outbox", seq, Row(
        seq=seq, event_id=event_id, topic=topic, aggregate=aggregate, version=version, type=kind, body=body,
        occurred_at=at, traceparent=trace, lane=lane,
    ))  # fmt: skip
    tx.put("outbox_pending", seq, Row(lane=lane))
    if wakes:
        tx.notifies.append("outbox")
    return [Row(version=version, lane=lane)]


@means(outbox.APPEND_FACTS)
async def append_facts(
    tx: Transaction, ids: Any, topics: Any, aggregates: Any, kinds: Any, bodies: Any, lanes: Any, at: Any, trace: str,
    wakes: bool,
) -> list[Any]:
    taken = []
    for event_id, topic, aggregate, kind, body, lane in zip(
        ids, topics, aggregates, kinds, bodies, lanes, strict=True
    ):
        taken += await append_fact(tx, event_id, topic, aggregate, kind, body, at, trace, lane, wakes)
    return [Row(lane=lane) for lane in dict.fromkeys(row["lane"] for row in taken)]


@means(outbox.COUNT_PENDING)
@means("select count(*) from outbox_pending")
async def count_pending(tx: Transaction) -> list[Any]:
    return [Row(count=sum(1 for _ in tx.rows("outbox_pending")))]


@means("select pg_notify('outbox', '')")
async def notify_outbox(tx: Transaction) -> list[Any]:
    tx.notifies.append("outbox")
    return []


@means(relay.READ_PENDING)
async def read_pending(tx: Transaction, lane: str, limit: int) -> list[Any]:
    state = tx.get("log_state", 1)
    assert state is not None
    under = {"cluster": state["cluster"], "epoch": state["epoch"]}
    seqs = sorted(seq for seq, row in tx.rows("outbox_pending") if row["lane"] == lane)
    return [Row(under | (tx.get("outbox", seq) or {})) for seq in seqs[:limit]] or [Row(under | {"seq": None})]


@means(relay.DELETE_PENDING)
async def delete_pending(tx: Transaction, seqs: list[int], cluster: str, epoch: int) -> list[Any]:
    state = (await lock_log_state(tx))[0]
    if (state["cluster"], state["epoch"]) != (cluster, epoch):
        return [Row(exists=False)]
    for seq in seqs:
        if tx.get("outbox_pending", seq) is not None:
            await tx.lock("outbox_pending", seq)
            tx.put("outbox_pending", seq, None)
    return [Row(exists=True)]


@means(relay.GET_OWN_VERSIONS)
async def get_own_versions(tx: Transaction, topic: str, aggregates: list[Any]) -> list[Any]:
    found = ((one, tx.get("state_copies", (topic, one))) for one in aggregates)
    return [Row(aggregate=one, version=row["version"], erased=row["erased"]) for one, row in found if row]


@means(outbox.SAVE_OWN_VERSION)
async def save_own_version(tx: Transaction, topic: str, aggregate: Any, version: int, erased: bool) -> list[Any]:
    await tx.lock("state_copies", (topic, aggregate))
    tx.put("state_copies", (topic, aggregate), Row(version=version, erased=erased))
    return []


@means(log_state.GET_LOG_STATE)
async def get_log_state(tx: Transaction) -> list[Any]:
    return [tx.get("log_state", 1)]


async def lock_log_state(tx: Transaction) -> list[Any]:
    """As it stays until the transaction ends."""
    await tx.lock("log_state", 1)
    return [tx.get("log_state", 1)]


@means(log_state.IS_LEFT)
async def is_left(tx: Transaction, cluster: str) -> list[Any]:
    return [Row(exists=any(row["left_cluster"] == cluster for _, row in tx.rows("lives")))]


@means(lives.GET_LIFE)
async def get_life(tx: Transaction) -> list[Any]:
    number, row = max(tx.rows("lives"))
    return [Row(number=number, began_at=row["began_at"], on_hold=row["released_at"] is None)]


@means(lives.BEGIN_LIFE)
async def begin_life(tx: Transaction, restore_id: Any) -> list[Any]:
    if any(row["restore_id"] == restore_id for _, row in tx.rows("lives")):
        return []
    number = max(number for number, _ in tx.rows("lives")) + 1
    left = (await lock_log_state(tx))[0]["cluster"]
    tx.put("lives", number, Row(
        restore_id=restore_id, left_cluster=left, began_at=tx.database.machine_now, released_at=None
    ))  # fmt: skip
    return [Row(number=number)]


@means(lives.RELEASE)
async def release(tx: Transaction, by: Any) -> list[Any]:
    held = [(number, row) for number, row in tx.rows("lives") if row["released_at"] is None]
    for number, row in held:
        tx.put("lives", number, Row(row | {"released_at": tx.database.machine_now}))
    return [Row(number=number) for number, _ in held]


@means(lives.OTHERS_OUT)
async def others_out(tx: Transaction, begins: bool) -> list[Any]:
    if begins:
        tx.database.cut(spare=tx.process)
    return []


@means(lives.WAKE)
async def wake_all(tx: Transaction) -> list[Any]:
    tx.notifies += ["timers", "messages", "outbox"]
    return []


@means(log_state.ADOPT_CLUSTER)
async def adopt_cluster(tx: Transaction, cluster: str) -> list[Any]:
    row = await lock_log_state(tx)
    if row[0]["cluster"] is not None:
        return []
    tx.put("log_state", 1, Row(cluster=cluster, epoch=row[0]["epoch"]))
    return [Row(cluster=cluster)]


@means(log_state.START_EPOCH)
async def start_epoch(tx: Transaction, cluster: str) -> list[Any]:
    epoch = (await lock_log_state(tx))[0]["epoch"] + 1
    tx.put("log_state", 1, Row(cluster=cluster, epoch=epoch))
    return [Row(epoch=epoch)]


@means(log_state.REFILL_PENDING)
async def refill_pending(tx: Transaction) -> list[Any]:
    await _make_pending(tx, [seq for seq, row in tx.rows("outbox") if row["lane"] != STATE])
    return await snapshot_states(tx)


@means(log_state.SNAPSHOT_STATES)
async def snapshot_states(tx: Transaction) -> list[Any]:
    newest: dict[Any, int] = {}
    for seq, row in tx.rows("outbox"):
        if row["lane"] == STATE:
            place = (row["topic"], row["aggregate"])
            newest[place] = max(seq, newest.get(place, 0))
    await _make_pending(tx, list(newest.values()))
    return []


async def _make_pending(tx: Transaction, seqs: list[int]) -> None:
    for seq in seqs:
        await tx.lock("outbox_pending", seq)
        if tx.get("outbox_pending", seq) is None:
            row = tx.get("outbox", seq)
            assert row is not None
            tx.put("outbox_pending", seq, Row(lane=row["lane"]))


@means(log_state.TAKE_LEASE)
async def take_lease(tx: Transaction, name: str, holder: str, seconds: float) -> list[Any]:
    await tx.lock("leases", name)
    known, now = tx.get("leases", name), tx.database.machine_now
    if known and known["holder"] != holder and known["until"] >= now:
        return []
    tx.put("leases", name, Row(holder=holder, until=now + timedelta(seconds=seconds)))
    return [Row(true=True)]


@means(log_state.RELEASE_LEASE)
async def release_lease(tx: Transaction, name: str, holder: str) -> list[Any]:
    await tx.lock("leases", name)
    known = tx.get("leases", name)
    if known and known["holder"] == holder:
        tx.put("leases", name, None)
    return []
