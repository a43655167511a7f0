"""Waiting for the planner: a cohort is created at once, and its plan follows in a while."""

from __future__ import annotations

import time
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
        bar.begin(f"planning {cohort['name']}")
        while cohort["state"] == "planning":
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
