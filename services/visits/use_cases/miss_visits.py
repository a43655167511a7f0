"""The end of visits and their grace went by without a report: missed visits are noticed."""

from collections.abc import Sequence
from datetime import datetime

from services.visits.domain.visit import VisitState
from services.visits.storage.visits import list_in_state, mark_state
from shared.contracts.visit import VisitMissed
from shared.db import Connection
from shared.kafka.outbox import emit_all
from shared.timers import Due


async def miss_visits(dues: Sequence[Due], *, now: datetime, conn: Connection) -> None:
    """A report that comes later still counts, until the timetable has moved the visit."""
    visits = await list_in_state(conn, [due.aggregate for due in dues], VisitState.OFFERED, VisitState.CONFIRMED)
    await mark_state(conn, [visit.visit_id for visit in visits], VisitState.MISSED)
    missed = [
        VisitMissed(
            visit_id=visit.visit_id, country=visit.country, trainer_id=visit.trainer_id, ended_at=visit.ends_at
        )
        for visit in visits
    ]
    await emit_all(conn, missed, now=now)
