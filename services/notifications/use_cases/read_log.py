"""The delivery log for whoever may read it."""

from uuid import UUID

from services.notifications.deps import Deps
from services.notifications.storage.log import Filter, Reader, list_messages
from shared.auth import Identity
from shared.db import Record, transaction

PAGE = 50


def reader_of(identity: Identity) -> Reader:
    """What an identity may see of the log."""
    return Reader(
        UUID(identity.person_id),
        tuple(sorted(identity.countries)) if identity.has("coordinator") else (),
        identity.has("officer", "deputy", "head"),
    )


async def read_log(
    reader: Reader, wanted: Filter, *, deps: Deps, limit: int = PAGE
) -> tuple[list[Record], UUID | None]:
    """One page, the newest first, and the cursor of the next one."""
    async with transaction(deps.pool) as conn:
        rows = await list_messages(conn, reader, wanted, now=deps.clock.now(), limit=limit + 1)
    more = len(rows) > limit
    return rows[:limit], rows[limit - 1]["message_id"] if more else None
