"""The HTTP interface: the delivery log, and one's own preferences."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request

from services.notifications.deps import Deps
from services.notifications.http.wire import MessageOut, MessagePage, PreferencesBody, State
from services.notifications.storage.log import Filter
from services.notifications.storage.people import get_preferences
from services.notifications.use_cases.read_log import read_log, reader_of
from services.notifications.use_cases.set_preferences import SetPreferences, set_preferences
from shared.auth import CurrentIdentity
from shared.commands import Idempotency
from shared.db import transaction


def deps_of(request: Request) -> Deps:
    """What the lifespan opened."""
    found: Deps = request.app.state.deps
    return found


def router() -> APIRouter:
    """Routes under `/notifications/api`."""
    routes = APIRouter(prefix="/api", tags=["notifications"])

    @routes.get("/messages")
    async def get_messages(
        request: Request,
        identity: CurrentIdentity,
        about: UUID | None = None,
        recipient: UUID | None = None,
        state: State | None = None,
        cursor: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> MessagePage:
        """Who was told what, the newest first.

        Everybody sees their own; a coordinator the ordinary ones of their countries; officer, deputy and head those
        of the cases that they were themselves told of.
        """
        wanted = Filter(about, recipient, state, cursor)
        rows, following = await read_log(reader_of(identity), wanted, deps=deps_of(request), limit=limit)
        return MessagePage(items=[MessageOut.of(row) for row in rows], next=following)

    @routes.get("/me/preferences")
    async def get_my_preferences(request: Request, identity: CurrentIdentity) -> PreferencesBody:
        async with transaction(deps_of(request).pool) as conn:
            return PreferencesBody.of(await get_preferences(conn, UUID(identity.person_id)))

    @routes.put("/me/preferences")
    async def put_my_preferences(
        request: Request,
        identity: CurrentIdentity,
        body: PreferencesBody,
        key: Annotated[str, Header(alias="Idempotency-Key")],
    ) -> PreferencesBody:
        idempotency = Idempotency.of(key, f"preferences:{identity.person_id}", body.model_dump(mode="json"))
        cmd = SetPreferences(UUID(identity.person_id), body.to_domain(), idempotency)
        await set_preferences(cmd, deps=deps_of(request))
        async with transaction(deps_of(request).pool) as conn:
            return PreferencesBody.of(await get_preferences(conn, cmd.person_id))

    return routes
