"""End a session, or all of a person's: every later request anywhere finds nothing."""

from uuid import UUID

from services.directory.deps import Deps
from services.directory.domain.people import Actor
from services.directory.storage import sessions, sign_in
from services.directory.storage.people import claim_person
from shared.commands import Idempotency, command
from shared.crypto import hash_token
from shared.db import transaction
from shared.errors import not_found


async def sign_out(tokens: list[str], *, deps: Deps) -> None:
    """End the sessions of these cookies; those that are over already stay so."""
    async with transaction(deps.pool) as conn:
        for token in tokens:
            await sessions.mark_ended(conn, hash_token(token), "session")


async def revoke_sessions(person_id: UUID, actor: Actor, idempotency_key: str, *, deps: Deps) -> int:
    """End all sessions, CLI tokens and unused links of a person: an administrator's or their own wish."""
    if not actor.is_administrator and actor.person_id != str(person_id):
        raise not_found("person")
    asked = Idempotency.of(idempotency_key, f"{actor.person_id}:revoke_sessions", str(person_id))
    async with command(deps.pool, asked) as open_command:
        if open_command.repeated:
            return 0
        if await claim_person(open_command.conn, person_id) is None:
            raise not_found("person")
        await sign_in.delete_links_of(open_command.conn, [person_id])
        ended = await sessions.mark_all_ended(open_command.conn, person_id)
        await open_command.done(person_id)
        return ended
