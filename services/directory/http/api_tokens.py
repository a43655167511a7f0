"""CLI tokens: everybody makes, lists and revokes their own; an administrator others' too."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.directory.http.asking import CurrentDeps, IdempotencyKey, actor_of
from services.directory.storage.sessions import list_tokens
from services.directory.use_cases.tokens import CreateToken, create_token, revoke_token
from shared.auth import CurrentIdentity
from shared.db import transaction


class TokenIn(BaseModel):
    """`person_id` is who the token acts as; the asker unless given."""

    label: Annotated[str, Field(min_length=1, max_length=100)]
    person_id: UUID | None = None
    days: Annotated[int, Field(ge=1, le=366)] = 90


class TokenMadeOut(BaseModel):
    """`token` is shown this once; it is null when the command is repeated."""

    token_id: UUID
    token: str | None


class TokenOut(BaseModel):
    """A token, without what makes it one. Instants are the machine's."""

    token_id: UUID
    person_id: UUID
    person_name: str
    label: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class TokensOut(BaseModel):
    """All that are good."""

    items: list[TokenOut]
    next: None = None


def router() -> APIRouter:
    """`/api/tokens…`."""
    routes = APIRouter(prefix="/api/tokens", tags=["tokens"])

    @routes.post("", status_code=201)
    async def make_token(
        body: TokenIn, identity: CurrentIdentity, key: IdempotencyKey, deps: CurrentDeps
    ) -> TokenMadeOut:
        person_id = body.person_id or UUID(identity.person_id)
        by_token = identity.kind == "token"
        cmd = CreateToken(actor_of(identity), person_id, body.label, body.days, key, by_token)
        token_id, token = await create_token(cmd, deps=deps)
        return TokenMadeOut(token_id=token_id, token=token)

    @routes.get("")
    async def list_mine_or_all(identity: CurrentIdentity, deps: CurrentDeps) -> TokensOut:
        owner = None if identity.has("administrator") else UUID(identity.person_id)
        async with transaction(deps.pool) as conn:
            rows = await list_tokens(conn, owner)
        return TokensOut(
            items=[
                TokenOut(
                    token_id=row.session_id,
                    person_id=row.person_id,
                    person_name=row.person_name,
                    label=row.label,
                    created_at=row.created_at,
                    seen_at=row.seen_at,
                    expires_at=row.expires_at,
                )
                for row in rows
            ]
        )

    @routes.delete("/{token_id}", status_code=204)
    async def revoke(token_id: UUID, identity: CurrentIdentity, deps: CurrentDeps) -> Response:
        await revoke_token(token_id, actor_of(identity), deps=deps)
        return Response(status_code=204)

    return routes
