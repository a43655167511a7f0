"""A visit was reported. In part: its remainder becomes a visit of the same stage. The last one completes the cohort."""

from datetime import datetime, timedelta
from uuid import UUID

from services.scheduler.domain.visit import OVER
from services.scheduler.domain.wall_time import today_in
from services.scheduler.storage import cohorts, planning_jobs, visit_history, visits
from services.scheduler.storage.visits import Wanted
from services.scheduler.use_cases.answer_visit import lock_known
from services.scheduler.use_cases.complete_cohort import complete_if_done
from shared.db import Connection, Record
from shared.ids import new_id

_REMAINDER_WITHIN = timedelta(days=28)
"""A remainder may go beyond the cohort's last day by so much: what was begun shall be finished."""


async def report_visit(conn: Connection, visit_id: UUID, *, whole: bool, now: datetime) -> None:
    """Done, whatever else was going on with it: a report for a visit that is being moved wins."""
    cohort_id = await visits.get_cohort_of(conn, visit_id)
    cohort = await cohorts.lock_cohort(conn, cohort_id) if cohort_id else None
    visit = await lock_known(conn, visit_id)
    if visit["state"] in OVER:
        return
    await visits.mark_reported(conn, visit_id, whole=whole, now=now)
    await visit_history.insert_step(
        conn, visit_id, "reported" if whole else "reported_in_part", now=now, trainer_id=visit["trainer_id"]
    )
    if not whole and (cohort is None or cohort["state"] == "published"):
        await _carry_over(conn, visit, now=now)
    if cohort is not None:
        await complete_if_done(conn, cohort, now=now)


async def _carry_over(conn: Connection, visit: Record, *, now: datetime) -> None:
    today = today_in(visit["zone"], now)
    remainder = Wanted(
        visit_id=new_id(),
        cohort_id=visit["cohort_id"],
        country=visit["country"],
        module=visit["module"],
        kind=visit["kind"],
        stage=visit["stage"],
        position=visit["position"],
        enterprise_ids=tuple(visit["enterprise_ids"]),
        days=max(1, visit["days"] - 1),
        minutes=visit["minutes"],
        online=visit["online"],
        window_first=today,
        window_last=max(visit["window_last"], today + _REMAINDER_WITHIN),
        target=today + timedelta(days=7),
        zone=visit["zone"],
        prefer_trainer_id=visit["trainer_id"],
        excluded_ids=tuple(visit["excluded_ids"]),
        cause_id=visit["cause_id"],
        carried_from=visit["visit_id"],
    )
    await visits.insert_wanted(conn, remainder, now)
    await visit_history.insert_step(conn, remainder.visit_id, "carried_over", now=now)
    await planning_jobs.insert_job(
        conn,
        "place",
        visit["country"],
        cohort_id=visit["cohort_id"],
        visit_id=remainder.visit_id,
        reason="remainder",
    )
