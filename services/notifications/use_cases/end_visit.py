"""What ends an offer or a visit: an answer, silence, a report, a withdrawal, or nobody having come."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.storage.visits import lock_visit, save_visit_state
from services.notifications.use_cases.find_coordinators import coordinators_of
from services.notifications.use_cases.offer_visit import withdraw_from, withdraw_offer
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit
from shared.db import Connection
from shared.timers import disarm

_HELD = {"offered", "confirmed", "missed"}
"""States in which the visit stands in its trainer's calendar."""


async def end_offer(visit_id: UUID, trainer_id: UUID, state: str, *, now: datetime, conn: Connection) -> None:
    """Declined or lapsed: the entry leaves the trainer's calendar. When one who goes along declines, the offer stands: they hear of
    it with the next confirmation, in which somebody else goes along.
    """
    visit = await lock_visit(conn, visit_id)
    if visit is None or visit.trainer_id != trainer_id:
        return  # it was never offered to anybody, or not to them
    sequence = await save_visit_state(conn, visit_id, state, calendar_changed=True)
    await _disarm(visit_id, conn=conn)
    await withdraw_offer(visit, state, sequence=sequence, now=now, conn=conn)


async def cancel_visit(visit_id: UUID, *, now: datetime, conn: Connection) -> None:
    """Take it out of every calendar that still holds it."""
    visit = await lock_visit(conn, visit_id)
    if visit is None:
        return
    sequence = await save_visit_state(conn, visit_id, "cancelled", calendar_changed=True)
    await _disarm(visit_id, conn=conn)
    holders = [visit.trainer_id] if visit.state in _HELD else []
    cancelled = replace(visit, sequence=sequence)
    wanted = about_visit(
        "visit_cancelled", cancelled, [*holders, *visit.co_trainer_ids, *visit.invited_ids], part="cancelled"
    )
    await queue_messages(wanted, now=now, conn=conn)


async def withdraw_unplaceable(visit_id: UUID, former_trainer_id: UUID, *, now: datetime, conn: Connection) -> None:
    """It lost its place: whoever had it is free of it, until the timetable finds another one."""
    visit = await lock_visit(conn, visit_id)
    if visit is None or visit.trainer_id != former_trainer_id or visit.state not in _HELD:
        return
    sequence = await save_visit_state(conn, visit_id, "lapsed", calendar_changed=True)
    await _disarm(visit_id, conn=conn)
    holders = [visit.trainer_id, *visit.co_trainer_ids]
    await withdraw_from(holders, visit, "unplaceable", sequence=sequence, now=now, conn=conn)


async def note_report(visit_id: UUID, *, conn: Connection) -> None:
    """Nobody needs to be asked for the report any more."""
    visit = await lock_visit(conn, visit_id)
    if visit is not None:
        await save_visit_state(conn, visit_id, "reported", calendar_changed=False)
        await _disarm(visit_id, conn=conn)


async def tell_missed(visit_id: UUID, *, now: datetime, conn: Connection) -> None:
    """Ask the trainer what happened, and let the coordinators know."""
    visit = await lock_visit(conn, visit_id)
    if visit is None:
        return
    await save_visit_state(conn, visit_id, "missed", calendar_changed=False)
    await _disarm(visit_id, conn=conn)
    part = f"offer-{visit.offer}"
    await queue_messages(about_visit("visit_missed", visit, [visit.trainer_id], part=part), now=now, conn=conn)
    coordinators = await coordinators_of(visit.country, conn=conn)
    await queue_messages(about_visit("notice_missed", visit, coordinators, part=part), now=now, conn=conn)


async def _disarm(visit_id: UUID, *, conn: Connection) -> None:
    for kind in (REMIND, REPORT):
        await disarm(conn, kind, visit_id)
