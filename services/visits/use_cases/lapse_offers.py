"""Nobody answered in time: offers lapse, and the timetable asks the next ones."""

from collections.abc import Sequence
from datetime import datetime

from services.visits.domain.visit import Answer, VisitState
from services.visits.storage.visits import list_in_state, mark_all_answered, mark_state
from services.visits.use_cases.offer_visit import MISSED
from shared.contracts.visit import OfferLapsed
from shared.db import Connection
from shared.kafka.outbox import emit_all
from shared.timers import Due, disarm


async def lapse_offers(dues: Sequence[Due], *, now: datetime, conn: Connection) -> None:
    """The visits' rows are locked by the runner; an answer that committed first took the timer with it.

    After an outage they are many, so each step is a statement for all of them.
    """
    visits = await list_in_state(conn, [due.aggregate for due in dues], VisitState.OFFERED)
    visit_ids = [visit.visit_id for visit in visits]
    await mark_all_answered(conn, visits, Answer.LAPSED, now)
    await mark_state(conn, visit_ids, VisitState.LAPSED)
    await disarm(conn, MISSED, *visit_ids)
    lapsed = [
        OfferLapsed(visit_id=visit.visit_id, offer=visit.offer, country=visit.country, trainer_id=visit.trainer_id)
        for visit in visits
    ]
    await emit_all(conn, lapsed, now=now)
