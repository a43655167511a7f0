"""A visit that somebody else's fact asks for: to verify a corrective action, or the fix of a zero-tolerance case.

Both look the same in every list of the scheduler; only the fact that visits reads says which it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.scheduler.domain.visit import OVER, VisitState
from services.scheduler.domain.wall_time import local
from services.scheduler.storage import copies, planning_jobs, visit_history, visits, worlds
from services.scheduler.storage.visits import Wanted
from services.scheduler.use_cases.withdraw_visits import withdraw_one
from shared.db import Connection
from shared.errors import NotKnownYet

_MINUTES = 180
"""How long a follow-up takes on site: half a working day."""
STAGE = "follow_up"


@dataclass(frozen=True, slots=True)
class VisitWish:
    """The window is given as instants and read as days at the enterprise. Nobody in `excluded` has a part in it."""

    visit_id: UUID
    kind: str
    country: str
    enterprise_id: UUID
    cause_id: UUID
    earliest_at: datetime
    latest_at: datetime
    module: str | None = None
    prefer: UUID | None = None
    excluded: tuple[UUID, ...] = ()


async def want_visit(conn: Connection, wish: VisitWish, *, now: datetime) -> None:
    """Remember the visit and queue the search for its place. Wanted twice, it is one visit.

    One that the same cause asked for before and that has no place is withdrawn: nobody need act on it any more.
    """
    site = await copies.get_enterprise(conn, wish.enterprise_id)
    if site is None:
        raise NotKnownYet(f"enterprise {wish.enterprise_id}")
    first = local(wish.earliest_at, site["zone"]).date()
    last = local(wish.latest_at, site["zone"]).date()
    wanted = Wanted(
        visit_id=wish.visit_id,
        cohort_id=None,
        country=wish.country,
        module=wish.module or await visits.get_latest_module(conn, wish.enterprise_id),
        kind=wish.kind,
        stage=STAGE,
        position=100,
        enterprise_ids=(wish.enterprise_id,),
        days=1,
        minutes=_MINUTES,
        online=False,
        window_first=first,
        window_last=max(first, last),
        target=min(first + timedelta(days=1), max(first, last)),
        zone=site["zone"],
        prefer_trainer_id=wish.prefer,
        excluded_ids=wish.excluded,
        cause_id=wish.cause_id,
    )
    await worlds.lock_world(conn, wish.country)
    if not await visits.insert_wanted(conn, wanted, now):
        return
    await visit_history.insert_step(conn, wish.visit_id, "wanted", now=now)
    for earlier in await visits.lock_of_cause(conn, wish.cause_id):
        if earlier["visit_id"] != wish.visit_id and earlier["state"] == VisitState.UNPLACEABLE:
            await withdraw_one(conn, earlier, "wanted_again", now=now)
    await planning_jobs.insert_job(
        conn, "place", wish.country, cohort_id=None, visit_id=wish.visit_id, reason=STAGE
    )


async def want_no_visit(conn: Connection, cause_id: UUID, country: str, *, now: datetime) -> None:
    """What asked for a visit is over: a visit that has not begun is withdrawn."""
    await worlds.lock_world(conn, country)
    for visit in await visits.lock_of_cause(conn, cause_id):
        begun = visit["starts_at"] is not None and visit["starts_at"] <= now
        if visit["state"] not in OVER and not begun:
            await withdraw_one(conn, visit, "no_longer_wanted", now=now)
            await worlds.save_world_change(conn, country)
