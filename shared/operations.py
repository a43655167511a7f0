"""What an operator does to a running service: look, publish again, let a quarantined record go on or be passed over.

Mounted by every service under `/<service>/api/operations`, for administrators. Every act is logged as an audit line
with who did it. Nothing here shows the body of a record: it may hold personal data.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from shared.acts import Administrator, IdempotencyKey, asked, audit, remember, service_of
from shared.commands import command
from shared.db import Record, transaction
from shared.errors import Rejected, not_found
from shared.health import Status
from shared.kafka.log_state import start_replay
from shared.kafka.outbox import count_pending
from shared.kafka.parked import get_parked, list_parked, mark_replay, mark_skip, read_headers
from shared.operations_hold import add_hold
from shared.timers import list_timers

State = Literal["quarantined", "waiting", "failing", "refused", "skip", "skipped"]


class SetAside(BaseModel):
    """A record that is set aside. `parked_at` and `next_at` are machine time."""

    id: int
    consumer: str
    topic: str
    partition: int
    position: int
    aggregate: UUID | None
    version: int | None
    state: State
    reason: str
    failures: int
    tries: int
    parked_at: datetime
    next_at: datetime | None
    bytes: int | None
    """The size of its body; null for one of a state topic, which is kept in the log alone."""


class SetAsidePage(BaseModel):
    """`next` is the cursor of the next page, null on the last one."""

    items: list[SetAside]
    next: str | None


class SetAsideDetail(SetAside):
    """The same with what came around its body."""

    cluster: str
    event_id: UUID | None
    headers: list[tuple[str, str | None]]


class Deadline(BaseModel):
    """An armed deadline. `due_at` is business time; `retry_at`, after a failure, machine time."""

    kind: str
    aggregate: UUID
    due_at: datetime
    overdue: bool
    failures: int
    retry_at: datetime | None


class Deadlines(BaseModel):
    """The next one first."""

    items: list[Deadline]
    next: None = None


class Replayed(BaseModel):
    """How many records are to be published."""

    pending: int


class Skip(BaseModel):
    """Why a record is passed over: kept with it."""

    reason: str = Field(min_length=3, max_length=200)


def operations_router(status: Status) -> APIRouter:
    """Routes under `/api/operations`; the running service is `app.state.service`."""
    routes = APIRouter(prefix="/api/operations", tags=["operations"])

    @routes.get("/status")
    async def get_status(by: Administrator) -> dict[str, Any]:
        """What waits and is due now, what is in trouble, and counters that only grow."""
        return await status()

    @routes.post("/outbox/replay")
    async def replay_outbox(request: Request, by: Administrator, key: IdempotencyKey) -> Replayed:
        """Publish everything again, to the broker that answers now; whoever had a record passes it over."""
        service = service_of(request)
        cluster = await service.access.cluster_id()
        async with command(service.pool, asked(key, by, "outbox", {"replay": True})) as act:
            pending = await count_pending(act.conn) if act.repeated else await start_replay(act.conn, cluster)
            await remember(act)
        audit(act, by, "outbox.replay", pending=pending, cluster=cluster)
        return Replayed(pending=pending)

    @routes.get("/quarantine")
    async def get_quarantine(
        request: Request,
        by: Administrator,
        state: State = "quarantined",
        cursor: int = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 200,
    ) -> SetAsidePage:
        """Records that are set aside, oldest first; in another state than quarantine when asked for."""
        async with transaction(service_of(request).pool) as conn:
            rows = await list_parked(conn, [state], limit + 1, cursor)
        items = [SetAside(**dict(row)) for row in rows[:limit]]
        return SetAsidePage(items=items, next=str(items[-1].id) if len(rows) > limit else None)

    @routes.get("/quarantine/{parked_id}")
    async def get_quarantined(request: Request, parked_id: int, by: Administrator) -> SetAsideDetail:
        """One of them, with its headers and without its body."""
        async with transaction(service_of(request).pool) as conn:
            row = await get_parked(conn, parked_id)
        return _detail(row)

    @routes.post("/quarantine/{parked_id}/replay")
    async def replay_quarantined(
        request: Request, parked_id: int, by: Administrator, key: IdempotencyKey
    ) -> SetAsideDetail:
        """Try it again from the start; facts that wait behind it follow in their order."""
        async with command(service_of(request).pool, asked(key, by, parked_id, {"replay": True})) as act:
            if not act.repeated:
                done = await mark_replay(act.conn, [parked_id])
                _refuse_unless(bool(done), await get_parked(act.conn, parked_id))
            row = await get_parked(act.conn, parked_id)
            await remember(act)
        audit(act, by, "quarantine.replay", parked_id=parked_id)
        return _detail(row, gone_is_fine=act.repeated)

    @routes.post("/quarantine/{parked_id}/skip")
    async def skip_quarantined(
        request: Request, parked_id: int, body: Skip, by: Administrator, key: IdempotencyKey
    ) -> SetAsideDetail:
        """Put a no-op in its place, which passes in its turn. There is no way back."""
        async with command(service_of(request).pool, asked(key, by, parked_id, {"skip": body.reason})) as act:
            if not act.repeated:
                done = await mark_skip(act.conn, parked_id, body.reason)
                _refuse_unless(done, await get_parked(act.conn, parked_id))
            row = await get_parked(act.conn, parked_id)
            await remember(act)
        audit(act, by, "quarantine.skip", parked_id=parked_id)
        return _detail(row, gone_is_fine=act.repeated)

    @routes.get("/timers")
    async def get_timers(
        request: Request, by: Administrator, limit: Annotated[int, Query(ge=1, le=500)] = 200
    ) -> Deadlines:
        """Armed deadlines, the next one first."""
        service = service_of(request)
        now = service.clock.now()
        async with transaction(service.pool) as conn:
            rows = await list_timers(conn, limit)
        return Deadlines(items=[Deadline(**dict(row), overdue=row["due_at"] <= now) for row in rows])

    add_hold(routes)
    return routes


def _refuse_unless(done: bool, row: Record | None) -> None:
    if row is None:
        raise not_found("record")
    if not done:
        raise Rejected(
            "not_quarantined",
            409,
            f"This record is {row['state']}, not quarantined: there is nothing to replay or to skip.",
        )


def _detail(row: Record | None, *, gone_is_fine: bool = False) -> SetAsideDetail:
    if row is None and gone_is_fine:
        raise Rejected("handled", 409, "This record was handled meanwhile.")
    if row is None:
        raise not_found("record")
    return SetAsideDetail(**(dict(row) | {"headers": read_headers(row)}))
