"""Sign-in for programs: ask for a link, see who one is, end sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from services.directory.domain.people import Actor
from services.directory.http.asking import CurrentDeps, IdempotencyKey, actor_of
from services.directory.http.shapes import MeOut, me_of
from services.directory.storage.people import get_person
from services.directory.storage.sessions import list_sessions_of
from services.directory.use_cases.end_sessions import revoke_sessions
from services.directory.use_cases.request_sign_in import RequestSignIn, request_sign_in
from shared.auth import CurrentIdentity
from shared.db import transaction
from shared.errors import not_found

SAME_WORDS = (
    "If this address is known here, a link to sign in is on its way. It is good for 15 minutes and for one use."
)


class SignInIn(BaseModel):
    """`next` is the page to come to afterwards: a path of this installation."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern="@")]
    next: Annotated[str, StringConstraints(max_length=500)] | None = None


class SignInOut(BaseModel):
    """The same words whether or not the address is known."""

    detail: str = SAME_WORDS


class RevokedOut(BaseModel):
    """How many sessions and tokens ended."""

    person_id: UUID
    ended: int


def router() -> APIRouter:
    """`/api/sign-in`, `/api/me`, `/api/people/{id}/revoke-sessions`."""
    routes = APIRouter(prefix="/api", tags=["sign-in"])

    @routes.post("/sign-in", status_code=202)
    async def ask_for_a_link(body: SignInIn, deps: CurrentDeps) -> SignInOut:
        await request_sign_in(RequestSignIn(body.email, body.next), deps=deps)
        return SignInOut()

    @routes.get("/me")
    async def show_me(identity: CurrentIdentity, deps: CurrentDeps) -> MeOut:
        async with transaction(deps.pool) as conn:
            person = await get_person(conn, UUID(identity.person_id))
            sessions = await list_sessions_of(conn, UUID(identity.person_id))
        if person is None:
            raise not_found("person")
        return me_of(person, sessions, current=identity.session_id)

    @routes.post("/people/{person_id}/revoke-sessions")
    async def end_all_sessions(
        person_id: UUID, identity: CurrentIdentity, key: IdempotencyKey, deps: CurrentDeps
    ) -> RevokedOut:
        actor: Actor = actor_of(identity)
        return RevokedOut(person_id=person_id, ended=await revoke_sessions(person_id, actor, key, deps=deps))

    return routes
