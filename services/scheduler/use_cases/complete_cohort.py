"""A cohort ends when every visit of it is reported or withdrawn."""

from datetime import datetime
from uuid import UUID

from services.scheduler.domain.visit import Progress, figures_of, is_complete
from services.scheduler.storage import cohorts, visit_history, visits
from shared.contracts.cohort import CohortCompleted
from shared.db import Connection, Record
from shared.kafka.outbox import emit


async def complete_if_done(conn: Connection, cohort: Record, *, now: datetime) -> None:
    """Close a locked cohort with its figures, once, if nothing of it is left to do."""
    if cohort["state"] != "published":
        return
    cohort_id: UUID = cohort["cohort_id"]
    rows = await visits.list_of_cohort(conn, cohort_id)
    if not is_complete(row["state"] for row in rows):
        return
    refusals = await visit_history.count_refusals(conn, cohort_id)
    figures = figures_of(Progress(row["state"], row["moves"], refusals.get(row["visit_id"], 0)) for row in rows)
    await cohorts.mark_ended(conn, cohort_id, "completed", now)
    enterprises = {one for row in rows for one in row["enterprise_ids"]}
    completed = CohortCompleted(
        cohort_id=cohort_id,
        country=cohort["country"],
        visits_planned=figures.visits,
        visits_reported=figures.reported,
        visits_withdrawn=figures.withdrawn,
        visits_moved=figures.moved,
        enterprises=len(enterprises),
        offers_declined=figures.declined,
    )
    await emit(conn, completed, now=now)
