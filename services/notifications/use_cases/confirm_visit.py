"""A visit is on: it stands in the calendars of the trainer and of the enterprises, and its reminders are set."""

from dataclasses import replace
from datetime import datetime

from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.domain.reminder import reminder_at
from services.notifications.storage.visits import VisitCopy, lock_visit, save_visit
from services.notifications.use_cases.offer_visit import withdraw_from
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit, company_of, shown_kind
from shared.contracts.visit import VisitConfirmed
from shared.db import Connection
from shared.timers import arm, disarm


async def confirm_visit(fact: VisitConfirmed, *, now: datetime, conn: Connection) -> None:
    """Tell the trainer and, unless the visit verifies the fix of a case, the enterprises' contacts.

    What a visit is for is told by its booking: visits itself calls a verification a follow-up.
    """
    before = await lock_visit(conn, fact.visit_id)
    visit = VisitCopy(
        fact.visit_id,
        fact.country,
        shown_kind(fact.kind),
        fact.enterprise_ids,
        fact.trainer_id,
        fact.offer,
        fact.starts_at,
        fact.ends_at,
        fact.zone,
        "confirmed",
        before.sequence + 1 if before else 0,
        (),
        (),
    )
    co_trainers, contacts = await company_of(visit, conn=conn)
    visit = replace(visit, co_trainer_ids=co_trainers, invited_ids=contacts)
    await save_visit(conn, visit)
    await _arm(visit, now=now, conn=conn)
    part = f"offer-{fact.offer}"
    crew = [fact.trainer_id, *co_trainers]
    to_trainer = about_visit("visit_confirmed", visit, crew, part=part, step=fact.offer)
    await queue_messages(to_trainer, now=now, conn=conn)
    invitation = about_visit("visit_invitation", visit, visit.invited_ids, part=part, step=fact.offer)
    await queue_messages(invitation, now=now, conn=conn)
    if left := [one for one in (before.co_trainer_ids if before else ()) if one not in crew]:
        await withdraw_from(left, visit, "reassigned", sequence=visit.sequence, now=now, conn=conn)


async def _arm(visit: VisitCopy, *, now: datetime, conn: Connection) -> None:
    remind_at = reminder_at(visit.starts_at, visit.zone)
    if remind_at > now:
        await arm(conn, REMIND, visit.visit_id, remind_at, now=now)
    else:
        await disarm(conn, REMIND, visit.visit_id)  # confirmed only just before: the confirmation is the reminder
    await arm(conn, REPORT, visit.visit_id, visit.ends_at, now=now)
