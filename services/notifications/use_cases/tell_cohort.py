"""Notices about a cohort, to the coordinators of its country."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.message import Wanted
from services.notifications.storage.subjects import get_cohort
from services.notifications.use_cases.find_coordinators import coordinators_of
from services.notifications.use_cases.queue_messages import queue_messages
from shared.db import Connection
from shared.errors import NotKnownYet


async def tell_cohort(
    template: str, cohort_id: UUID, *, part: str, now: datetime, conn: Connection, **figures: Any
) -> None:
    """`figures` are counts of the fact; `part` tells one plan of a cohort from the next."""
    cohort = await get_cohort(conn, cohort_id)
    if cohort is None:
        raise NotKnownYet(f"cohort {cohort_id}")
    data = {
        "module": cohort["module"],
        "enterprises": cohort["enterprises"],
        "first_day": cohort["first_day"].isoformat(),
        "last_day": cohort["last_day"].isoformat(),
        **figures,
    }
    coordinators = await coordinators_of(cohort["country"], conn=conn)
    wanted = Wanted(template, cohort_id, cohort["country"], coordinators, part, None, data)
    await queue_messages(wanted, now=now, conn=conn)
