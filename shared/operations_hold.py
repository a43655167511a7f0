"""What stands still since a restore, and letting it go: `/api/operations/hold`, for administrators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from shared.acts import Administrator, IdempotencyKey, asked, audit, remember, service_of
from shared.commands import command
from shared.db import transaction
from shared.lives import get_life, list_held, release


class HeldItem(BaseModel):
    """`what` is deadline, message or mail; `aggregate` is what it is about. `due_at` is business time."""

    what: str
    kind: str
    aggregate: UUID
    due_at: datetime


class Hold(BaseModel):
    """What stands still since a restore. `life` counts restores from 1; `since` is machine time."""

    on_hold: bool
    life: int
    since: datetime | None
    items: list[HeldItem]
    next: None = None


class Released(BaseModel):
    """Whether there was a hold to release."""

    released: bool


def add_hold(routes: APIRouter) -> None:
    """Routes of a service's operations."""

    @routes.get("/hold")
    async def get_hold(request: Request, by: Administrator, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> Hold:
        """What fell due since the instant that was restored, and stands still; the oldest first."""
        service = service_of(request)
        assert service.parts is not None
        async with transaction(service.pool) as conn:
            life = await get_life(conn)
            held = await list_held(conn, service.clock.now(), limit, service.parts.list_held)
        items = [HeldItem(what=h.what, kind=h.kind, aggregate=h.aggregate, due_at=h.due_at) for h in held]
        since = life.began_at if life.on_hold else None
        return Hold(on_hold=life.on_hold, life=life.number, since=since, items=items)

    @routes.post("/hold/release")
    async def release_hold(request: Request, by: Administrator, key: IdempotencyKey) -> Released:
        """Let everything that is due happen now: deadlines fire, messages go out. There is no way back."""
        released = False
        async with command(service_of(request).pool, asked(key, by, "hold", {"release": True})) as act:
            if not act.repeated:
                released = await release(act.conn, UUID(by.person_id))
            await remember(act)
        audit(act, by, "hold.release", released=released)
        return Released(released=released or act.repeated)
