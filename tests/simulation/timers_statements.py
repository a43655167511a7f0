"""What the SQL of deadlines means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from shared import timers
from tests.simulation.database import Row, Statement, Transaction
from tests.simulation.meanings import means, on_hold


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
async def disarm(tx: Transaction, kind: str, aggregates: Sequence[Any]) -> list[Any]:
    for aggregate in aggregates:
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
    taken: list[Any] = []
    if on_hold(tx):
        return taken
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
