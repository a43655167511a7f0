"""Deadlines of a visit: the reminder of the day before, and the request for the report at its end."""

from datetime import datetime
from uuid import UUID

from services.notifications.storage.visits import lock_visit
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit
from shared.db import Connection


async def remind_visit(visit_id: UUID, *, now: datetime, conn: Connection) -> None:
    """Remind the trainer and whoever expects them. After an outage the sender skips what has begun meanwhile."""
    visit = await lock_visit(conn, visit_id)
    if visit is None or visit.state != "confirmed":
        return
    part = f"{visit.starts_at:%Y%m%dT%H%M}"
    crew = [visit.trainer_id, *visit.co_trainer_ids]
    await queue_messages(about_visit("visit_reminder", visit, crew, part=part), now=now, conn=conn)
    await queue_messages(about_visit("visit_tomorrow", visit, visit.invited_ids, part=part), now=now, conn=conn)


async def request_report(visit_id: UUID, *, now: datetime, conn: Connection) -> None:
    """Ask the trainer for the report; one tap says that there was nothing to note."""
    visit = await lock_visit(conn, visit_id)
    if visit is None or visit.state != "confirmed":
        return
    part = f"{visit.starts_at:%Y%m%dT%H%M}"
    wanted = about_visit("report_request", visit, [visit.trainer_id], part=part, step=visit.offer)
    await queue_messages(wanted, now=now, conn=conn)
