"""CLI tokens: one's own, or made by an administrator; shown once, listed and revoked."""

from dataclasses import dataclass
from uuid import UUID

from services.directory.deps import Deps
from services.directory.domain.people import SAFEGUARDING, Actor
from services.directory.storage import sessions
from services.directory.storage.people import get_person
from shared.commands import Idempotency, command
from shared.crypto import hash_token, new_token
from shared.db import transaction
from shared.errors import Rejected, not_found
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class CreateToken:
    """A token that acts as `person_id` for `days`."""

    actor: Actor
    person_id: UUID
    label: str
    days: int
    idempotency_key: str
    by_token: bool = False
    """Whether the asker came with a token: one that could make tokens would never end."""


async def create_token(cmd: CreateToken, *, deps: Deps) -> tuple[UUID, str | None]:
    """The token's id and, the first time only, the token itself: what is kept is a hash.

    Nobody makes a token for somebody else who reads cases: an administrator is not among those who may.
    """
    if not cmd.actor.is_administrator:
        if cmd.actor.person_id != str(cmd.person_id):
            raise not_found("person")
        if cmd.by_token:
            raise Rejected("sign_in_needed", 403, "A token makes no tokens: sign in with a browser and make one there.")
    asked = Idempotency.of(
        cmd.idempotency_key, f"{cmd.actor.person_id}:create_token", [cmd.person_id, cmd.label, cmd.days]
    )
    async with command(deps.pool, asked) as open_command:
        if open_command.repeated:
            return open_command.earlier_result, None
        person = await get_person(open_command.conn, cmd.person_id)
        if person is None or not person.active:
            raise not_found("person")
        if cmd.actor.person_id != str(cmd.person_id) and SAFEGUARDING & set(person.roles):
            raise Rejected(
                "not_for_safeguarding",
                403,
                "A token for somebody who reads cases cannot be made by somebody else.",
                field="person_id",
            )
        token, token_id = new_token(), new_id()
        await sessions.insert_session(
            open_command.conn, token_id, hash_token(token), cmd.person_id, kind="token", label=cmd.label, days=cmd.days
        )
        await open_command.done(token_id)
        return token_id, token


async def revoke_token(token_id: UUID, actor: Actor, *, deps: Deps) -> None:
    """It is not good any more, anywhere. Revoking twice says that there is none; so does another's token."""
    owner = None if actor.is_administrator else UUID(actor.person_id)
    async with transaction(deps.pool) as conn:
        if not await sessions.mark_token_ended(conn, token_id, owner):
            raise not_found("token")
