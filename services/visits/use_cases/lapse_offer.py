"""Nobody answered in time: the offer lapses, and the timetable asks the next one."""

from dataclasses import replace
from datetime import datetime

from services.visits.domain.visit import Answer, VisitState
from services.visits.storage.visits import get_visit, mark_answered, save_visit
from services.visits.use_cases.offer_visit import MISSED
from shared.contracts.visit import OfferLapsed
from shared.db import Connection
from shared.kafka.outbox import emit
from shared.timers import Due, disarm


async def lapse_offer(due: Due, *, now: datetime, conn: Connection) -> None:
    """The visit's row is locked by the runner; an answer that committed first took the timer with it."""
    visit = await get_visit(conn, due.aggregate)
    if visit is None or visit.state is not VisitState.OFFERED:
        return
    await mark_answered(conn, visit, Answer.LAPSED, now)
    await save_visit(conn, replace(visit, state=VisitState.LAPSED))
    await disarm(conn, MISSED, visit.visit_id)
    lapsed = OfferLapsed(
        visit_id=visit.visit_id, offer=visit.offer, country=visit.country, trainer_id=visit.trainer_id
    )
    await emit(conn, lapsed, now=now)
