"""What directory says of people and enterprises, kept here; a change may take a case from somebody at once."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.storage import cases, enterprises, people
from services.visits.use_cases.settle_case import review_case
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.db import Connection


async def keep_person(key: UUID, state: PersonState | None, *, conn: Connection, deps: Deps) -> None:
    """A new line, a lost role or a person who left changes who may have a case; a new name does not."""
    before = await people.get_person(conn, key)
    if state is None:
        await people.delete_person(conn, key)
    else:
        await people.save_person(conn, state)
    if _standing(before) == _standing(await people.get_person(conn, key)):
        return
    affected = {*await cases.list_open_with_named(conn), *await cases.list_open_with_person(conn, key)}
    for case_id in sorted(affected):
        await review_case(conn, case_id, now=deps.clock.now(), deps=deps)


def _standing(person: people.Person | None) -> tuple[object, ...] | None:
    if person is None:
        return None
    return person.active, person.line_manager_id, set(person.roles), set(person.countries)


async def keep_enterprise(key: UUID, state: EnterpriseState | None, *, conn: Connection) -> None:
    """Names and contacts, for pages and for whoever owns an action."""
    if state is None:
        await enterprises.delete_enterprise(conn, key)
    else:
        await enterprises.save_enterprise(conn, state)
