"""What the SQL of watermarks, state copies, set-aside records and commands means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared import commands
from shared.kafka import effect, inbox, log_reader, parked
from tests.simulation.database import Row, Transaction
from tests.simulation.meanings import means


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


@means(parked.HAS_DUE)
async def has_due(tx: Transaction, consumer: str) -> list[Any]:
    now = tx.database.machine_now
    due = (row for _, row in tx.rows("parked") if row["consumer"] == consumer and row["next_at"] is not None)
    return [Row(exists=any(row["next_at"] <= now for row in due))]


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
