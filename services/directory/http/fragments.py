"""Parts that pages of other services show: they authorise themselves, and a stranger's is as one that is missing."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from markupsafe import escape

from services.directory.domain.people import may_see_person
from services.directory.http.asking import CurrentDeps, actor_of
from services.directory.storage.people import get_person
from shared.auth import CurrentIdentity
from shared.db import transaction
from shared.errors import not_found


def router() -> APIRouter:
    """`/fragments/person/{id}`: the name and nothing else."""
    routes = APIRouter(prefix="/fragments", include_in_schema=False)

    @routes.get("/person/{person_id}")
    async def person_name(person_id: UUID, identity: CurrentIdentity, deps: CurrentDeps) -> HTMLResponse:
        async with transaction(deps.pool) as conn:
            person = await get_person(conn, person_id)
        if person is None or not may_see_person(actor_of(identity), person):
            raise not_found("person")
        return HTMLResponse(f"<span>{escape(person.name)}</span>")

    return routes
