"""The timetable withdrew a visit: an answer no longer counts, and what waited for the visit may ask for another."""

from dataclasses import replace

from services.visits.deps import Deps
from services.visits.domain.action import ActionState
from services.visits.domain.case import Verification
from services.visits.domain.visit import Answer, VisitState
from services.visits.storage.actions import insert_event, list_by_follow_up, save_action
from services.visits.storage.visits import get_visit, mark_answered, save_visit
from services.visits.use_cases.ask_company import release_company
from services.visits.use_cases.note_verification import note_verification
from services.visits.use_cases.offer_visit import MISSED, OFFER
from shared.contracts.booking import BookingUnplaceable, BookingWithdrawn
from shared.contracts.visit import VisitCancelled
from shared.db import Connection
from shared.errors import NotKnownYet, Rejected
from shared.kafka.outbox import emit
from shared.timers import disarm


async def cancel_visit(fact: BookingWithdrawn, *, conn: Connection, deps: Deps) -> None:
    """Cancelled for good. A visit that was reported stays reported."""
    now = deps.clock.now()
    visit = await get_visit(conn, fact.visit_id, lock=True)
    if visit is None:
        raise NotKnownYet(f"visit {fact.visit_id}")
    if visit.state is VisitState.REPORTED:
        raise Rejected("visit_reported", 409, "A reported visit is not withdrawn.")
    await mark_answered(conn, visit, Answer.WITHDRAWN, now)
    await save_visit(conn, replace(visit, state=VisitState.CANCELLED))
    await disarm(conn, OFFER, visit.visit_id)
    await disarm(conn, MISSED, visit.visit_id)
    await release_company(visit, conn=conn, now=now)
    cancelled = VisitCancelled(
        visit_id=visit.visit_id, country=visit.country, trainer_id=visit.trainer_id, reason=fact.reason
    )
    await emit(conn, cancelled, now=now)
    await note_verification(visit.visit_id, Verification.NONE, conn=conn, deps=deps)
    await _free_actions(fact, conn=conn, deps=deps)


async def note_unplaceable(fact: BookingUnplaceable, *, conn: Connection, deps: Deps) -> None:
    """No place for it: who was asked is asked no more, and nobody is late with it until the timetable places it again.

    Otherwise a trainer could accept, or keep, a visit that the timetable does not have. A missed one keeps its state, for
    its report may still come.
    """
    visit = await get_visit(conn, fact.visit_id, lock=True)
    if visit is not None and visit.state not in {VisitState.REPORTED, VisitState.CANCELLED}:
        await disarm(conn, OFFER, visit.visit_id)
        await disarm(conn, MISSED, visit.visit_id)
        await release_company(visit, conn=conn, now=deps.clock.now())
        if visit.state is not VisitState.MISSED:
            await mark_answered(conn, visit, Answer.WITHDRAWN, deps.clock.now())
            await save_visit(conn, replace(visit, state=VisitState.UNPLACED))
    if visit is None:  # a follow-up that was wanted and could not be placed may be asked for again
        await note_verification(fact.visit_id, Verification.NONE, conn=conn, deps=deps)
        await _free_actions(fact, conn=conn, deps=deps)


async def _free_actions(fact: BookingWithdrawn | BookingUnplaceable, *, conn: Connection, deps: Deps) -> None:
    for action in await list_by_follow_up(conn, fact.visit_id):
        if action.state is not ActionState.VERIFIED:
            await save_action(conn, replace(action, follow_up_visit_id=None))
            await insert_event(conn, action.action_id, deps.clock.now(), None, "follow_up_withdrawn")
