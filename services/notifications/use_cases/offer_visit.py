"""A trainer is asked: offer, question after a move, and the withdrawal for whoever was asked before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.storage.visits import VisitCopy, add_asked, lock_visit, save_visit
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import about_visit, require_enterprises, shown_kind
from shared.contracts.visit import CompanyAsked, VisitOffered
from shared.db import Connection
from shared.errors import NotKnownYet
from shared.timers import disarm


async def offer_visit(fact: VisitOffered, *, now: datetime, conn: Connection) -> None:
    """Queue the question to the trainer; what the calendar holds for others is moved or taken out."""
    await require_enterprises(fact.enterprise_ids, conn=conn)
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
        "offered",
        before.sequence + 1 if before else 0,
        before.co_trainer_ids if before else (),
        before.invited_ids if before else (),
    )
    await save_visit(conn, visit)
    for kind in (REMIND, REPORT):
        await disarm(conn, kind, fact.visit_id)
    asked_again = (
        before is not None and before.trainer_id == fact.trainer_id and before.state in {"offered", "confirmed"}
    )
    template = "visit_moved" if asked_again else "visit_offer"
    part = f"offer-{fact.offer}"
    question = about_visit(template, visit, [fact.trainer_id], part=part, step=fact.offer, respond_by=fact.respond_by)
    await queue_messages(question, now=now, conn=conn)
    if before is None:
        return
    if before.trainer_id != fact.trainer_id:
        await withdraw_offer(before, "reassigned", sequence=visit.sequence, now=now, conn=conn)
    others = [*visit.co_trainer_ids, *visit.invited_ids]
    if others and before.starts_at != visit.starts_at:
        moved = about_visit("visit_rescheduled", visit, others, part=f"sequence-{visit.sequence}")
        await queue_messages(moved, now=now, conn=conn)


async def ask_company(fact: CompanyAsked, *, now: datetime, conn: Connection) -> None:
    """Queue the question to those who are to go along. Their calendars get it when they and the trainer have said yes."""
    visit = await lock_visit(conn, fact.visit_id)
    if visit is None or not await add_asked(conn, fact.visit_id, fact.trainer_ids):
        raise NotKnownYet(f"visit {fact.visit_id}, or its booking")
    question = about_visit(
        "visit_along",
        visit,
        fact.trainer_ids,
        part=f"company-{fact.offer}-{fact.respond_by:%Y%m%dT%H%M}",
        step=fact.offer,
        respond_by=fact.respond_by,
    )
    await queue_messages(question, now=now, conn=conn)


async def withdraw_offer(visit: VisitCopy, reason: str, *, sequence: int, now: datetime, conn: Connection) -> None:
    """Take the visit out of the calendar of the trainer who had it; told once per offer, whatever ended it first."""
    await withdraw_from([visit.trainer_id], visit, reason, sequence=sequence, now=now, conn=conn)


async def withdraw_from(
    holders: Sequence[UUID], visit: VisitCopy, reason: str, *, sequence: int, now: datetime, conn: Connection
) -> None:
    """Take the visit out of the calendars of people whose visit it is no more."""
    wanted = about_visit(
        "offer_withdrawn",
        replace(visit, sequence=sequence),
        holders,
        part=f"offer-{visit.offer}",
        step=visit.offer,
        reason=reason,
    )
    await queue_messages(wanted, now=now, conn=conn)
