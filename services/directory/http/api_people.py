"""People: lists, one of them, erasure."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.directory.deps import Deps
from services.directory.domain.people import Person, may_see_contacts, may_see_person
from services.directory.http.asking import PAGE, CurrentDeps, IdempotencyKey, actor_of, next_cursor, read_cursor
from services.directory.http.shapes import PeopleOut, PersonOut, person_of
from services.directory.storage.people import get_person, list_people
from services.directory.use_cases.erase_person import erase_person
from shared.auth import CurrentIdentity, Identity, require
from shared.contracts.values import Role
from shared.db import transaction
from shared.errors import not_found

MayList = Annotated[Identity, Depends(require("coordinator", "administrator", "officer", "deputy", "head"))]
MayErase = Annotated[Identity, Depends(require("administrator"))]


class PersonIdOut(BaseModel):
    """Whom it was about."""

    person_id: UUID


async def page_of_people(
    identity: Identity,
    deps: Deps,
    *,
    role: str | None,
    country: str | None,
    containing: str | None,
    cursor: str | None,
) -> tuple[list[Person], str | None]:
    """People the caller may see, by name, and the cursor of the next page."""
    actor = actor_of(identity)
    async with transaction(deps.pool) as conn:
        found = await list_people(
            conn,
            within=None if actor.is_administrator else sorted(actor.countries),
            role=role,
            country=country,
            containing=containing,
            after=read_cursor(cursor),
            limit=PAGE + 1,
        )
    shown = found[:PAGE]
    return shown, next_cursor(shown[-1].name, shown[-1].person_id) if len(found) > PAGE else None


def router() -> APIRouter:
    """`/api/people…`."""
    routes = APIRouter(prefix="/api/people", tags=["people"])

    @routes.get("")
    async def list_some(
        identity: MayList,
        deps: CurrentDeps,
        role: Role | None = None,
        country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
        q: Annotated[str | None, Query(max_length=100)] = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
    ) -> PeopleOut:
        people, following = await page_of_people(
            identity, deps, role=role, country=country, containing=q, cursor=cursor
        )
        actor = actor_of(identity)
        items = [person_of(person, contacts=may_see_contacts(actor, person)) for person in people]
        return PeopleOut(items=items, next=following)

    @routes.get("/{person_id}")
    async def show_one(person_id: UUID, identity: CurrentIdentity, deps: CurrentDeps) -> PersonOut:
        actor = actor_of(identity)
        async with transaction(deps.pool) as conn:
            person = await get_person(conn, person_id)
        if person is None or not may_see_person(actor, person):
            raise not_found("person")
        return person_of(person, contacts=may_see_contacts(actor, person))

    @routes.post("/{person_id}/erase")
    async def erase(person_id: UUID, identity: MayErase, key: IdempotencyKey, deps: CurrentDeps) -> PersonIdOut:
        return PersonIdOut(person_id=await erase_person(person_id, actor_of(identity), key, deps=deps))

    return routes
