"""Messages about a zero-tolerance case: to whom its fact names and nobody else, with nothing of what it is about."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import Wanted
from services.notifications.storage.subjects import save_case
from services.notifications.use_cases.queue_messages import queue_messages
from shared.db import Connection


async def tell_case(
    template: str,
    case_id: UUID,
    country: str,
    recipients: Sequence[UUID],
    *,
    part: str,
    now: datetime,
    conn: Connection,
    state: str | None = None,
    step: int | None = None,
    channels: Sequence[str] = (),
    respond_by: datetime | None = None,
    outcome: str | None = None,
) -> None:
    """Note how the case stands (that is what an alert is checked against before it leaves), then tell."""
    if state is not None:
        await save_case(conn, case_id, country, state, step)
    data = {"respond_by": respond_by.isoformat() if respond_by else None, "outcome": outcome}
    wanted = Wanted(template, case_id, country, recipients, part, step, data, tuple(channels))
    await queue_messages(wanted, now=now, conn=conn)
