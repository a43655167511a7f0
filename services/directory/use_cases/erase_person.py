"""Erase a person at their wish: nothing here says any more who it was, and every copy is told to do the same."""

from uuid import UUID

from services.directory.deps import Deps
from services.directory.domain.people import ADMINISTRATOR, Actor
from services.directory.domain.sign_in import hash_address
from services.directory.storage import enterprises, people, sessions, sign_in, states
from shared.commands import Idempotency, command
from shared.contracts.person import PersonState
from shared.errors import Rejected, not_found
from shared.kafka.outbox import emit_state


async def erase_person(person_id: UUID, actor: Actor, idempotency_key: str, *, deps: Deps) -> UUID:
    """The id stays known, erased, for ever. Of the key a hash is kept, so that a workbook cannot bring them back."""
    asked = Idempotency.of(idempotency_key, f"{actor.person_id}:erase", str(person_id))
    now = deps.clock.now()
    async with command(deps.pool, asked) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn = open_command.conn
        await states.claim_register(conn)
        person = await people.claim_person(conn, person_id)
        if person is None:
            raise not_found("person")
        if ADMINISTRATOR in person.roles and await people.get_administrator_count(conn) == 1:
            raise Rejected(
                "last_administrator", 409, "This is the only administrator. Give somebody else that role first."
            )
        await sign_in.delete_links_of(conn, [person_id])
        await sessions.mark_all_ended(conn, person_id)
        await people.mark_erased(conn, person_id, hash_address(person.key_name), now=now)
        await emit_state(conn, PersonState.topic, person_id, now=now, erased=True)
        await states.emit_people(conn, await people.mark_without_manager(conn, person_id, now=now), now=now)
        await states.emit_enterprises(conn, await enterprises.mark_without_contact(conn, person_id, now=now), now=now)
        return await open_command.done(person_id)
