"""Deadlines of visits: the reminder of the day before, and the request for the report at their end.

The reminders of a country fall due in the same minute, so each step is a statement for all of them.
"""

from collections.abc import Sequence
from datetime import datetime

from services.notifications.domain.message import Wanted
from services.notifications.storage.visits import VisitCopy, list_confirmed
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit
from shared.db import Connection
from shared.timers import Due


async def remind_of_visits(dues: Sequence[Due], *, now: datetime, conn: Connection) -> None:
    """Remind the trainers and whoever expects them. After an outage the sender skips what has begun meanwhile."""
    wanted: list[Wanted] = []
    for visit in await list_confirmed(conn, [due.aggregate for due in dues]):
        crew = [visit.trainer_id, *visit.co_trainer_ids]
        wanted.append(about_visit("visit_reminder", visit, crew, part=_part(visit)))
        wanted.append(about_visit("visit_tomorrow", visit, visit.invited_ids, part=_part(visit)))
    await queue_messages(*wanted, now=now, conn=conn)


async def request_reports(dues: Sequence[Due], *, now: datetime, conn: Connection) -> None:
    """Ask the trainers for their reports; one tap says that there was nothing to note."""
    visits = await list_confirmed(conn, [due.aggregate for due in dues])
    wanted = [
        about_visit("report_request", visit, [visit.trainer_id], part=_part(visit), step=visit.offer)
        for visit in visits
    ]
    await queue_messages(*wanted, now=now, conn=conn)


def _part(visit: VisitCopy) -> str:
    """A visit on another day is reminded of anew."""
    return f"{visit.starts_at:%Y%m%dT%H%M}"
