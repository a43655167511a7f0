"""Messages about a zero-tolerance case: to whom its fact names and nobody else, with nothing of what it is about."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import Wanted, reason_against
from services.notifications.storage.subjects import save_case
from services.notifications.use_cases.claims import FreeSenders
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
    free: FreeSenders | None = None,
) -> None:
    """Note how the case stands (that is what an alert is checked against before it leaves), then tell.

    What is still wanted goes straight to a sender of `free`: the case is locked until it is that one's.
    """
    stands = await save_case(conn, case_id, country, state, step) if state is not None else None
    data = {"respond_by": respond_by.isoformat() if respond_by else None, "outcome": outcome}
    wanted = Wanted(template, case_id, country, recipients, part, step, data, tuple(channels))
    straight = free if stands is not None and reason_against(template, step, stands) is None else None
    await queue_messages(wanted, now=now, conn=conn, free=straight)
