"""Waiting for the planner: a cohort is created at once, and its plan follows in a while."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from deploy.local.client import calls
from deploy.local.client.failure import UNREACHABLE, ClientFailure
from deploy.local.client.http import Client
from deploy.local.client.progress import progress

_POLL_SECONDS: Final = 0.5


def wait_for_plan(client: Client, cohort: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """The cohort once it is planned as a whole. Raises ClientFailure when it cannot be, or not in time."""
    deadline = time.monotonic() + seconds
    with progress(None) as bar:
        while cohort["state"] == "planning":
            bar.begin(f"planning {cohort['name']}{how_far((cohort.get('planning') or {}).get('progress'))}")
            if time.monotonic() > deadline:
                raise ClientFailure(
                    "still_planning",
                    f"cohort {cohort['cohort_id']} is not planned after {seconds:g} seconds",
                    exit_code=UNREACHABLE,
                    remedy=f"it goes on: see `./gemba cohort show {cohort['cohort_id']}`",
                )
            time.sleep(_POLL_SECONDS)
            cohort = client.send(calls.COHORT, cohort_id=cohort["cohort_id"])
    return refuse_unplanned(cohort)


def wait_for_job(client: Client, job: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """A what-if copy's job when it is done. Raises ClientFailure when it failed, or is not done in time."""
    deadline = time.monotonic() + seconds
    with progress(None) as bar:
        while job["state"] in {"queued", "running"}:
            bar.begin(f"planning a copy{how_far(job.get('progress'))}")
            if time.monotonic() > deadline:
                raise ClientFailure(
                    "still_planning",
                    f"job {job['job_id']} is not done after {seconds:g} seconds",
                    exit_code=UNREACHABLE,
                    remedy=f"it goes on: see `./gemba plan history {job['cohort_id']}`",
                )
            time.sleep(_POLL_SECONDS)
            job = client.send(calls.PLANNING_JOB, job_id=job["job_id"])
    if job["plan_id"] is None:
        raise ClientFailure(
            "planning_failed",
            f"no copy was made: {job.get('trouble') or 'the cohort was planned, published or cancelled meanwhile'}",
            remedy=f"`./gemba cohort show {job['cohort_id']}`",
        )
    return job


def how_far(progress: Mapping[str, Any] | None) -> str:
    """Best plan, proven bound and gap so far, as a progress line has them; empty while there is nothing."""
    if not progress or progress.get("best") is None:
        return ""
    best, bound = float(progress["best"]), float(progress.get("bound") or 0)
    gap = f"gap {100 * (best - bound) / best:.1f} %" if best > bound else "proven best"
    left = progress.get("unplaced")
    return f": best {best:,.0f}, bound {bound:,.0f}, {gap}" + (f", {left} without a place" if left else "")


def refuse_unplanned(cohort: dict[str, Any]) -> dict[str, Any]:
    """The cohort as it is, unless planning it came to no whole plan."""
    if cohort["state"] == "infeasible":
        raise ClientFailure(
            "infeasible",
            f"cohort {cohort['cohort_id']} was created, but not every visit of it has a place",
            remedy=f"`./gemba plan show {cohort['cohort_id']}` has the reasons and what would help",
        )
    if cohort["state"] == "failed":
        raise ClientFailure(
            "planning_failed",
            f"cohort {cohort['cohort_id']} was created, and planning it failed: {cohort.get('trouble')}",
            remedy=f"`./gemba plan again {cohort['cohort_id']}`",
        )
    return cohort
