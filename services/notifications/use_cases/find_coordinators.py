"""Who is told of what a country's coordinators should know."""

from uuid import UUID

from services.notifications.storage.people import list_holders
from shared.db import Connection
from shared.errors import NotKnownYet


async def coordinators_of(country: str, *, conn: Connection) -> list[UUID]:
    """The coordinators of a country, else the installation's administrators: a notice must have a reader."""
    found = await list_holders(conn, "coordinator", country) or await list_holders(conn, "administrator", None)
    if not found:
        raise NotKnownYet(f"a coordinator of {country}")
    return found
