"""Enterprises: lists and one of them. Which one an enterprise's own contact may see: their own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.directory.deps import Deps
from services.directory.domain.enterprises import Enterprise
from services.directory.http.asking import PAGE, CurrentDeps, actor_of, next_cursor, read_cursor
from services.directory.http.shapes import EnterpriseOut, EnterprisesOut, enterprise_of
from services.directory.storage.enterprises import get_enterprise, list_closed_days, list_enterprises
from services.directory.storage.people import get_person
from shared.auth import CurrentIdentity, Identity
from shared.db import Connection, transaction
from shared.errors import not_found


async def page_of_enterprises(
    identity: Identity, deps: Deps, *, country: str | None, cursor: str | None
) -> tuple[list[Enterprise], str | None]:
    """Enterprises the caller may see, by name, and the cursor of the next page."""
    actor = actor_of(identity)
    async with transaction(deps.pool) as conn:
        found = await list_enterprises(
            conn,
            within=None if actor.is_administrator else sorted(actor.countries),
            country=country,
            only=await _own_enterprise(conn, identity),
            after=read_cursor(cursor),
            limit=PAGE + 1,
        )
    shown = found[:PAGE]
    return shown, next_cursor(shown[-1].name, shown[-1].enterprise_id) if len(found) > PAGE else None


async def _own_enterprise(conn: Connection, identity: Identity) -> UUID | None:
    """The only one that somebody sees who is nothing but an enterprise's contact; None: no such bound."""
    if identity.roles - {"enterprise"} or not identity.roles:
        return None
    person = await get_person(conn, UUID(identity.person_id))
    return (person.enterprise_id if person else None) or UUID(int=0)


def router() -> APIRouter:
    """`/api/enterprises…`."""
    routes = APIRouter(prefix="/api/enterprises", tags=["enterprises"])

    @routes.get("")
    async def list_some(
        identity: CurrentIdentity,
        deps: CurrentDeps,
        country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
    ) -> EnterprisesOut:
        found, following = await page_of_enterprises(identity, deps, country=country, cursor=cursor)
        return EnterprisesOut(items=[enterprise_of(one) for one in found], next=following)

    @routes.get("/{enterprise_id}")
    async def show_one(enterprise_id: UUID, identity: CurrentIdentity, deps: CurrentDeps) -> EnterpriseOut:
        actor = actor_of(identity)
        async with transaction(deps.pool) as conn:
            enterprise = await get_enterprise(conn, enterprise_id)
            own = await _own_enterprise(conn, identity)
            closed = (await list_closed_days(conn, [enterprise_id])).get(enterprise_id, {})
        foreign = enterprise is None or not (actor.is_administrator or enterprise.country in actor.countries)
        if enterprise is None or foreign or own not in (None, enterprise_id):
            raise not_found("enterprise")
        return enterprise_of(enterprise, list(closed.values()))

    return routes
