"""A visit is on: it stands in the calendars of the trainer and of the enterprises, and its reminders are set."""

from dataclasses import replace
from datetime import datetime

from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.domain.reminder import reminder_at
from services.notifications.storage.visits import VisitCopy, lock_visit, remove_asked, save_visit
from services.notifications.use_cases.offer_visit import withdraw_from
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit, company_of, shown_kind
from shared.contracts.visit import CompanyConfirmed, VisitConfirmed
from shared.db import Connection
from shared.errors import NotKnownYet
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
    company, holders = await company_of(visit, conn=conn), before.co_trainer_ids if before else ()
    sure = [one for one in company.booked if one not in company.unsure]
    along = tuple(one for one in company.booked if one in sure or one in holders)
    visit = replace(visit, co_trainer_ids=along, invited_ids=company.invited)
    await save_visit(conn, visit)
    await _arm(visit, now=now, conn=conn)
    part = f"offer-{fact.offer}"
    to_trainer = about_visit("visit_confirmed", visit, [fact.trainer_id, *sure], part=part, step=fact.offer)
    await queue_messages(to_trainer, now=now, conn=conn)
    invitation = about_visit("visit_invitation", visit, visit.invited_ids, part=part, step=fact.offer)
    await queue_messages(invitation, now=now, conn=conn)
    if left := [one for one in holders if one not in company.booked and one != fact.trainer_id]:
        await withdraw_from(left, visit, "reassigned", sequence=visit.sequence, now=now, conn=conn)


async def confirm_company(fact: CompanyConfirmed, *, now: datetime, conn: Connection) -> None:
    """One who goes along said yes: where the visit is confirmed already, it is theirs from now on."""
    visit = await lock_visit(conn, fact.visit_id)
    if visit is None:
        raise NotKnownYet(f"visit {fact.visit_id}")
    goes = await remove_asked(conn, fact.visit_id, fact.trainer_id)
    if not goes or visit.state != "confirmed":
        return
    visit = replace(visit, co_trainer_ids=tuple(dict.fromkeys((*visit.co_trainer_ids, fact.trainer_id))))
    await save_visit(conn, visit)
    told = about_visit("visit_confirmed", visit, [fact.trainer_id], part=f"offer-{visit.offer}", step=visit.offer)
    await queue_messages(told, now=now, conn=conn)


async def _arm(visit: VisitCopy, *, now: datetime, conn: Connection) -> None:
    remind_at = reminder_at(visit.starts_at, visit.zone)
    if remind_at > now:
        await arm(conn, REMIND, visit.visit_id, remind_at, now=now)
    else:
        await disarm(conn, REMIND, visit.visit_id)  # confirmed only just before: the confirmation is the reminder
    await arm(conn, REPORT, visit.visit_id, visit.ends_at, now=now)
