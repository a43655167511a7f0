"""Follow what directory says about people and enterprises."""

from uuid import UUID

from services.notifications.storage import enterprises, messages, people
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.db import Connection


async def keep_person(person_id: UUID, state: PersonState | None, *, conn: Connection) -> None:
    """Replace the copy, or forget the person. Somebody new may be whom an alert could not find: the senders look again."""
    if state is None:
        await people.delete_person(conn, person_id)
    else:
        await people.save_person(conn, state)
        await messages.wake_senders(conn)


async def keep_enterprise(enterprise_id: UUID, state: EnterpriseState | None, *, conn: Connection) -> None:
    """Replace the copy, or forget the enterprise."""
    if state is None:
        await enterprises.delete_enterprise(conn, enterprise_id)
    else:
        await enterprises.save_enterprise(conn, state)
