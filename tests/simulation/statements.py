"""What each SQL constant of the kit means to the simulated database: one function for each, by the constant itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from shared import commands, lives, timers
from shared.kafka import effect, inbox, log_reader, log_state, outbox, parked, relay
from shared.kafka.topics import STATE
from tests.simulation.database import Row, Statement, Transaction

KIT: dict[str, Statement] = {}


def means(sql: str) -> Callable[[Statement], Statement]:
    """Register what a statement means."""

    def register(statement: Statement) -> Statement:
        KIT[sql] = statement
        return statement

    return register


@means(outbox.APPEND_FACT)
async def append_fact(
    tx: Transaction, event_id: Any, topic: str, aggregate: Any, kind: Any, body: Any, at: Any, trace: str, lane: str
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
    tx.notifies.append("outbox")
    return [Row(version=version)]


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
    seqs = sorted(seq for seq, row in tx.rows("outbox_pending") if row["lane"] == lane)
    return [tx.get("outbox", seq) for seq in seqs[:limit]]


@means(relay.DELETE_PENDING)
async def delete_pending(tx: Transaction, seqs: list[int]) -> list[Any]:
    for seq in seqs:
        if tx.get("outbox_pending", seq) is not None:
            await tx.lock("outbox_pending", seq)
            tx.put("outbox_pending", seq, None)
    return []


@means(relay.GET_OWN_VERSIONS)
async def get_own_versions(tx: Transaction, topic: str, aggregates: list[Any]) -> list[Any]:
    found = ((one, tx.get("state_copies", (topic, one))) for one in aggregates)
    return [Row(aggregate=one, version=row["version"], erased=row["erased"]) for one, row in found if row]


@means(outbox.SAVE_OWN_VERSION)
async def save_own_version(tx: Transaction, topic: str, aggregate: Any, version: int, erased: bool) -> list[Any]:
    await tx.lock("state_copies", (topic, aggregate))
    tx.put("state_copies", (topic, aggregate), Row(version=version, erased=erased))
    return []


@means(inbox.NEWER_STATE)
async def newer_state(tx: Transaction, topic: str, aggregate: Any, version: int, erased: bool) -> list[Any]:
    await tx.lock("state_copies", (topic, aggregate))
    known = tx.get("state_copies", (topic, aggregate))
    if known and known["version"] >= version:
        return []
    tx.put("state_copies", (topic, aggregate), Row(version=version, erased=erased))
    return [Row(true=True)]


@means("select true from state_copies where topic = $1 and aggregate = $2")
async def is_known(tx: Transaction, topic: str, aggregate: Any) -> list[Any]:
    return [Row(true=True)] if tx.get("state_copies", (topic, aggregate)) else []


@means(log_state.GET_LOG_STATE)
async def get_log_state(tx: Transaction) -> list[Any]:
    return [tx.get("log_state", 1)]


@means(log_state.LOCK_LOG_STATE)
async def lock_log_state(tx: Transaction) -> list[Any]:
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


@means(lives.LEAVE_LOG)
async def leave_log(tx: Transaction) -> list[Any]:
    epoch = (await lock_log_state(tx))[0]["epoch"] + 1
    tx.put("log_state", 1, Row(cluster=None, epoch=epoch))
    return []


@means(lives.RELEASE)
async def release(tx: Transaction, by: Any) -> list[Any]:
    held = [(number, row) for number, row in tx.rows("lives") if row["released_at"] is None]
    for number, row in held:
        tx.put("lives", number, Row(row | {"released_at": tx.database.machine_now}))
    return [Row(number=number) for number, _ in held]


@means(lives.WAKE)
async def wake_all(tx: Transaction) -> list[Any]:
    tx.notifies += ["timers", "messages", "outbox"]
    return []


def on_hold(tx: Transaction) -> bool:
    """The SQL function of that name."""
    return any(row["released_at"] is None for _, row in tx.rows("lives"))


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


@means(inbox.INSERT_FIRST)
async def insert_first(tx: Transaction, consumer: str, topic: str, one: Any, version: int, event_id: Any) -> list[Any]:
    await tx.lock("watermarks", (consumer, topic, one))
    if tx.get("watermarks", (consumer, topic, one)):
        return [Row(exists=False, count=0)]
    return await _moved(tx, consumer, topic, one, version, event_id)


@means(inbox.MOVE_ON)
async def move_on(tx: Transaction, consumer: str, topic: str, one: Any, version: int, event_id: Any) -> list[Any]:
    place = (consumer, topic, one)
    for _ in range(2):  # as it was before the wait for its lock, and as it is after
        row = tx.get("watermarks", place)
        if row is None or row["version"] != version - 1:
            return [Row(exists=False, count=0)]
        if not await tx.lock("watermarks", place):
            break
    else:
        row = tx.get("watermarks", place)
        if row is None or row["version"] != version - 1:
            return [Row(exists=False, count=0)]
    return await _moved(tx, consumer, topic, one, version, event_id)


async def _moved(tx: Transaction, consumer: str, topic: str, one: Any, version: int, event_id: Any) -> list[Any]:
    tx.put("watermarks", (consumer, topic, one), Row(version=version, event_id=event_id))
    freed = 0
    wanted = {"consumer": consumer, "topic": topic, "aggregate": one, "version": version + 1}
    for key, row in list(tx.rows("parked")):
        if all(row[name] == value for name, value in wanted.items()) and row["state"] in {"waiting", "skip"}:
            await tx.lock("parked", key)
            now = tx.get("parked", key)
            if now is not None and now["state"] in {"waiting", "skip"}:
                tx.put("parked", key, Row(now | {"next_at": tx.database.machine_now}))
                tx.notifies.append("parked")
                freed += 1
    return [Row(exists=True, count=freed)]


@means(inbox.GET_WATERMARK)
async def get_watermark(tx: Transaction, consumer: str, topic: str, aggregate: Any) -> list[Any]:
    row = tx.get("watermarks", (consumer, topic, aggregate))
    return [row] if row else []


@means(effect.REMEMBER_REQUEST)
async def remember_request(tx: Transaction, key: str, result_id: Any) -> list[Any]:
    return await insert_command(tx, "gemba.command", key, b"", result_id)


@means(commands.INSERT_COMMAND)
async def insert_command(tx: Transaction, scope: str, key: str, digest: bytes, result: Any = None) -> list[Any]:
    await tx.lock("commands", (scope, key))
    if tx.get("commands", (scope, key)):
        return []
    tx.put("commands", (scope, key), Row(request_hash=digest, result_id=result))
    return [Row(true=True)]


@means(commands.GET_COMMAND)
async def get_command(tx: Transaction, scope: str, key: str) -> list[Any]:
    row = tx.get("commands", (scope, key))
    return [row] if row else []


@means(commands.SET_RESULT)
async def set_result(tx: Transaction, scope: str, key: str, result_id: Any) -> list[Any]:
    row = tx.get("commands", (scope, key))
    assert row is not None
    tx.put("commands", (scope, key), Row(row | {"result_id": result_id}))
    return []


@means(log_reader.KNOWN_EVENT)
async def known_event(tx: Transaction, event_id: Any) -> list[Any]:
    return [Row(true=True)] if tx.get("outbox_event", event_id) else []


@means(log_reader.KNOWN_VERSION)
async def known_version(tx: Transaction, topic: str, aggregate: Any, version: int) -> list[Any]:
    row = tx.get("state_copies", (topic, aggregate))
    return [Row(true=True)] if row and row["version"] >= version else []


_PARKED = (
    "consumer", "cluster", "topic", "partition", "position", "key", "headers", "value", "aggregate", "version",
    "event_id", "state", "reason", "failures",
)  # fmt: skip


@means(parked.INSERT_PARKED)
async def insert_parked(tx: Transaction, *values: Any) -> list[Any]:
    place = values[:5]
    await tx.lock("parked_place", place)
    if tx.get("parked_place", place):
        return []
    parked_id, now = tx.database.next_of("parked"), tx.database.machine_now
    next_at = None if values[14] is None else now + values[14]
    row = Row(zip(_PARKED, values[:14], strict=True))
    tx.put("parked_place", place, Row(id=parked_id))
    tx.put("parked", parked_id, Row({"id": parked_id} | row | {"tries": 0, "next_at": next_at}))
    return [Row(id=parked_id)]


@means(parked.CLAIM_DUE)
async def claim_due(tx: Transaction, consumer: str) -> list[Any]:
    now = tx.database.machine_now
    due = [
        (row["next_at"], row["version"] is None, row["version"] or 0, key)
        for key, row in tx.rows("parked")
        if row["consumer"] == consumer and row["next_at"] is not None and row["next_at"] <= now
    ]
    for *_, key in sorted(due):
        if tx.is_free("parked", key):
            await tx.lock("parked", key)
            return [tx.get("parked", key)]
    return []


@means(parked.CLAIM)
async def claim(tx: Transaction, parked_id: int) -> list[Any]:
    row = tx.get("parked", parked_id)
    if row is None or row["next_at"] is None or row["next_at"] > tx.database.machine_now:
        return []
    if not tx.is_free("parked", parked_id):
        return []
    await tx.lock("parked", parked_id)
    return [row]


@means(parked.DELETE_PARKED)
async def delete_parked(tx: Transaction, parked_id: int) -> list[Any]:
    await tx.lock("parked", parked_id)
    row = tx.get("parked", parked_id)
    if row is not None:
        tx.put("parked", parked_id, None)
        place = tuple(row[name] for name in _PARKED[:5])
        tx.put("parked_place", place, None)
    return []


@means(parked.TRY_LATER)
async def try_later(
    tx: Transaction, parked_id: int, state: str, reason: str, failures: int, next_in: timedelta
) -> list[Any]:
    await tx.lock("parked", parked_id)
    row = tx.get("parked", parked_id)
    if row is not None:
        changes = {"state": state, "reason": reason, "failures": failures, "tries": row["tries"] + 1}
        tx.put("parked", parked_id, Row(row | changes | {"next_at": tx.database.machine_now + next_in}))
    return []


@means(parked.SET_ASIDE)
async def set_aside(tx: Transaction, parked_id: int, state: str, reason: str, failures: int) -> list[Any]:
    await tx.lock("parked", parked_id)
    row = tx.get("parked", parked_id)
    if row is not None:
        changes = {"state": state, "reason": reason, "failures": failures, "next_at": None}
        tx.put("parked", parked_id, Row(row | changes))
    return []


@means(parked.REPLAY)
async def replay_parked(tx: Transaction, ids: list[int]) -> list[Any]:
    return [found for one in ids for found in await _wake(tx, one, {"state": "failing", "failures": 0})]


@means(parked.SKIP)
async def skip_parked(tx: Transaction, parked_id: int, reason: str) -> list[Any]:
    return await _wake(tx, parked_id, {"state": "skip", "reason": f"skipped: {reason}"})


async def _wake(tx: Transaction, parked_id: int, changes: dict[str, Any]) -> list[Any]:
    await tx.lock("parked", parked_id)
    row = tx.get("parked", parked_id)
    if row is None or row["state"] != "quarantined":
        return []
    tx.put("parked", parked_id, Row(row | changes | {"next_at": tx.database.machine_now}))
    tx.notifies.append("parked")
    return [Row(id=parked_id)]


@means(timers.ARM)
async def arm(tx: Transaction, kind: str, aggregate: Any, due_at: datetime, now: datetime) -> list[Any]:
    await tx.lock("timers", (kind, aggregate))
    generation = tx.database.next_of("timer_generation")
    tx.put("timers", (kind, aggregate), Row(
        kind=kind, aggregate=aggregate, generation=generation, due_at=due_at, armed_at=now, failures=0, retry_at=None,
    ))  # fmt: skip
    tx.notifies.append("timers")
    return []


@means(timers.DISARM)
async def disarm(tx: Transaction, kind: str, aggregate: Any) -> list[Any]:
    if tx.get("timers", (kind, aggregate)):
        await tx.lock("timers", (kind, aggregate))
        tx.put("timers", (kind, aggregate), None)
    return []


def _may_fire(tx: Transaction, row: Row, now: datetime) -> bool:
    return row["due_at"] <= now and (row["retry_at"] is None or row["retry_at"] <= tx.database.machine_now)


@means(timers.READ_DUE)
async def read_due(tx: Transaction, now: datetime, kinds: list[str], limit: int) -> list[Any]:
    if on_hold(tx):
        return []
    due = [row for _, row in tx.rows("timers") if row["kind"] in kinds and _may_fire(tx, row, now)]
    due.sort(key=lambda row: (row["due_at"], row["kind"], row["aggregate"]))
    return [Row({name: row[name] for name in ("kind", "aggregate", "generation", "due_at")}) for row in due[:limit]]


@means(timers.READ_AHEAD)
async def read_ahead(tx: Transaction, now: datetime, until: datetime, kinds: list[str], limit: int) -> list[Any]:
    if on_hold(tx):
        return []
    rows = [row for _, row in tx.rows("timers") if row["kind"] in kinds and row["retry_at"] is None]
    ahead = sorted(
        (row for row in rows if now < row["due_at"] <= until),
        key=lambda row: (row["due_at"], row["kind"], row["aggregate"]),
    )
    return [Row({name: row[name] for name in ("kind", "aggregate", "generation", "due_at")}) for row in ahead[:limit]]


@means(timers.NEXT_DUE)
async def next_due(tx: Transaction, kinds: list[str]) -> list[Any]:
    rows = [row for _, row in tx.rows("timers") if row["kind"] in kinds and row["retry_at"] is None]
    due = [] if on_hold(tx) else [row["due_at"] for row in rows]
    return [Row(min=min(due, default=None))]


@means(timers.TAKE)
async def take(tx: Transaction, kind: str, aggregates: list[Any], generations: list[int], now: datetime) -> list[Any]:
    taken = []
    for aggregate, generation in zip(aggregates, generations, strict=True):
        for _ in range(2):
            row = tx.get("timers", (kind, aggregate))
            if row is None or row["generation"] != generation or not _may_fire(tx, row, now):
                break
            if not await tx.lock("timers", (kind, aggregate)):
                tx.put("timers", (kind, aggregate), None)
                taken.append(Row({name: row[name] for name in ("kind", "aggregate", "generation", "due_at")}))
                break
    return taken


@means(timers.FAILED)
async def failed(tx: Transaction, kind: str, aggregate: Any, generation: int, longest: float) -> list[Any]:
    await tx.lock("timers", (kind, aggregate))
    row = tx.get("timers", (kind, aggregate))
    if row is None or row["generation"] != generation:
        return []
    pause = min(longest, 2.0 ** min(row["failures"], 10))
    retry_at = tx.database.machine_now + timedelta(seconds=pause)
    tx.put("timers", (kind, aggregate), Row(row | {"failures": row["failures"] + 1, "retry_at": retry_at}))
    return [Row(true=True)]


def of_kind(kind: timers.TimerKind) -> dict[str, Statement]:
    """The two statements that a kind of deadline makes of its table's name."""

    async def lock(tx: Transaction, keys: list[Any]) -> list[Any]:
        free = [key for key in sorted(keys) if tx.get(kind.table, key) is not None and tx.is_free(kind.table, key)]
        for key in free:
            await tx.lock(kind.table, key)
        return [Row({kind.key: key}) for key in free]

    async def exists(tx: Transaction, keys: list[Any]) -> list[Any]:
        return [Row({kind.key: key}) for key in keys if tx.get(kind.table, key) is not None]

    return {kind.lock_sql: lock, kind.exists_sql: exists}
