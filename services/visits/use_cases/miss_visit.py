"""The end of a visit and its grace went by without a report: missed visits are noticed."""

from dataclasses import replace
from datetime import datetime

from services.visits.domain.visit import VisitState
from services.visits.storage.visits import get_visit, save_visit
from shared.contracts.visit import VisitMissed
from shared.db import Connection
from shared.kafka.outbox import emit
from shared.timers import Due


async def miss_visit(due: Due, *, now: datetime, conn: Connection) -> None:
    """A report that comes later still counts, until the timetable has moved the visit."""
    visit = await get_visit(conn, due.aggregate)
    if visit is None or visit.state not in {VisitState.OFFERED, VisitState.CONFIRMED}:
        return
    await save_visit(conn, replace(visit, state=VisitState.MISSED))
    missed = VisitMissed(
        visit_id=visit.visit_id, country=visit.country, trainer_id=visit.trainer_id, ended_at=visit.ends_at
    )
    await emit(conn, missed, now=now)
