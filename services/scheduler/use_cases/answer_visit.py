"""What a trainer answered, or did not: a confirmed visit is pinned, a refused one is offered to the next best trainer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scheduler.domain.visit import OVER, VisitState
from services.scheduler.storage import planning_jobs, visit_history, visits
from shared.db import Connection, Record
from shared.errors import NotKnownYet


async def lock_known(conn: Connection, visit_id: UUID) -> Record:
    """A visit that a fact speaks of, locked. Raises `NotKnownYet`: a database may be younger than the log."""
    visit = await visits.lock_visit(conn, visit_id)
    if visit is None:
        raise NotKnownYet(f"visit {visit_id}")
    return visit


async def confirm_visit(conn: Connection, visit_id: UUID, trainer_id: UUID, *, now: datetime) -> None:
    """The trainer accepted. An answer to an offer that is no longer the current one changes nothing."""
    visit = await lock_known(conn, visit_id)
    if visit["state"] == VisitState.BOOKED and visit["trainer_id"] == trainer_id:
        await visits.mark_confirmed(conn, visit_id, now)
        await visit_history.insert_step(conn, visit_id, "confirmed", now=now, trainer_id=trainer_id)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`why` is `declined` or `lapsed`; `detail` is the code that the trainer gave."""

    visit_id: UUID
    trainer_id: UUID
    why: str
    detail: str = ""


async def refuse_visit(conn: Connection, refusal: Refusal, *, now: datetime) -> None:
    """Remember who is not to be asked again, and look for somebody else if it was the current trainer, or who goes along."""
    visit = await lock_known(conn, refusal.visit_id)
    new = await visit_history.save_refusal(conn, refusal.visit_id, refusal.trainer_id, refusal.why, now)
    if new:
        await visit_history.insert_step(
            conn,
            refusal.visit_id,
            refusal.why,
            now=now,
            trainer_id=refusal.trainer_id,
            detail=refusal.detail,
        )
    if visit["state"] in OVER or refusal.trainer_id not in {visit["trainer_id"], *visit["co_trainer_ids"]}:
        return
    await want_place(conn, visit, "reassign", refusal.why, now=now)


async def want_place(conn: Connection, visit: Record, kind: str, reason: str, *, now: datetime) -> None:
    """Queue the search for another place of a locked visit."""
    await visits.mark_placing(conn, visit["visit_id"], now)
    await planning_jobs.insert_job(
        conn, kind, visit["country"], cohort_id=visit["cohort_id"], visit_id=visit["visit_id"], reason=reason
    )
