"""Keep what the scheduler needs of directory's people and enterprises. Planning must know of every change."""

from uuid import UUID

from services.scheduler.storage import copies, routing, worlds
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.db import Connection


async def copy_person(conn: Connection, person_id: UUID, person: PersonState | None) -> None:
    """The newest state, or nothing more of somebody who was erased."""
    if person is None:
        country = await copies.delete_person(conn, person_id)
    else:
        country = person.country
        await copies.save_person(conn, person)
    if country is not None:
        await worlds.save_world_change(conn, country)
        await routing.ask_for_what_is_new(conn, country)


async def copy_enterprise(conn: Connection, enterprise_id: UUID, enterprise: EnterpriseState | None) -> None:
    """The newest state; an erased one keeps its id, which its past visits need."""
    if enterprise is None:
        country = await copies.erase_enterprise(conn, enterprise_id)
    else:
        country = enterprise.country
        await copies.save_enterprise(conn, enterprise)
    if country is not None:
        await worlds.save_world_change(conn, country)
        await routing.ask_for_what_is_new(conn, country)
