"""An alert found nobody to go to: when its recipient can be reached after all, it goes out, if the case still is open."""

from datetime import datetime

from services.notifications.domain.message import Wanted
from services.notifications.storage.messages import list_unreached
from services.notifications.use_cases.queue_messages import queue_messages
from shared.db import Connection


async def reach_again(*, now: datetime, conn: Connection) -> int:
    """Queue what was never queued; the failed message stays in the log as it is. Returns how many are new."""
    new = 0
    for row in await list_unreached(conn):
        recipients = [row["recipient_id"]]
        wanted = Wanted(
            row["template"], row["about"], row["country"], recipients, row["part"], row["step"], row["data"]
        )
        new += await queue_messages(wanted, now=now, conn=conn)
    return new
