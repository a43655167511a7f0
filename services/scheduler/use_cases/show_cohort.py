"""A cohort, put together for a page or the API."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.scheduler.storage import cohorts, lists, planning_jobs
from services.scheduler.storage.lists import instant, named
from shared.db import Connection, Record
from shared.errors import not_found


async def get_visible_cohort(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> Record:
    """The cohort, or the answer for one that is not there."""
    cohort = await cohorts.get_cohort(conn, cohort_id)
    if cohort is None or cohort["country"] not in countries:
        raise not_found("cohort")
    return cohort


async def show_cohort(conn: Connection, cohort_id: UUID, countries: frozenset[str]) -> dict[str, Any]:
    """The cohort with its figures, its enterprises and how its planning stands."""
    cohort = await get_visible_cohort(conn, cohort_id, countries)
    figures = await lists.list_figures(conn, [cohort_id])
    names = await lists.get_names(conn, cohort["enterprise_ids"])
    job = await planning_jobs.get_latest(conn, cohort_id)
    return cohort_json(cohort, figures[cohort_id]) | {
        "enterprises": [named(names, one) for one in cohort["enterprise_ids"]],
        "trainer_keys": cohort["trainer_keys"],
        "trouble": cohort["trouble"],
        "cancel_reason": cohort["cancel_reason"],
        "planning": None
        if job is None
        else {
            "job_id": str(job["job_id"]),
            "state": job["state"],
            "attempts": job["attempts"],
            "progress": job["progress"],
        },
    }


def cohort_json(cohort: Record, figures: Mapping[str, int]) -> dict[str, Any]:
    """One cohort as lists have it."""
    return {
        "cohort_id": str(cohort["cohort_id"]),
        "name": cohort["name"],
        "country": cohort["country"],
        "zone": cohort["zone"],
        "module": cohort["module"],
        "module_title": cohort["module_title"],
        "first_day": cohort["first_day"].isoformat(),
        "last_day": cohort["last_day"].isoformat(),
        "state": cohort["state"],
        "plan_id": str(cohort["plan_id"]) if cohort["plan_id"] else None,
        "created_at": instant(cohort["created_at"]),
        "published_at": instant(cohort["published_at"]),
        "ended_at": instant(cohort["ended_at"]),
        "figures": dict(figures),
    }
