"""The remaining visits are done, and the cohort ends with its figures."""

from __future__ import annotations

from datetime import timedelta

from deploy.local.demo.chapters.cast import COORDINATOR, Cast
from deploy.local.demo.chapters.delivery import run_until
from deploy.local.demo.observing import instant, until
from deploy.local.demo.world import World


async def finish(world: World, cast: Cast) -> None:
    """Run to the last visit; then the figures are on the log, in the API and in the coordinator's mail."""
    coordinator = await world.actor(COORDINATOR)
    cast.unreported.clear()
    visits = (await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id))["items"]
    last = max(instant(visit["ends_at"]) for visit in visits)
    await run_until(world, cast, last + timedelta(hours=2))
    completed = await world.log.has("CohortCompleted", cohort_id=cast.cohort_id)

    async def is_completed() -> bool:
        return bool((await coordinator.get(f"/scheduler/api/cohorts/{cast.cohort_id}"))["state"] == "completed")

    await until(is_completed, "the cohort is completed in the API")
    await world.advance(hours=14)  # the figures wait for the morning where they fall into the night
    await world.inbox.expect(
        coordinator.email, "the cohort's figures", lambda mail: "complete" in mail["subject"].lower()
    )
    figures = completed.data
    for name in ("visits_planned", "visits_reported", "visits_moved", "visits_withdrawn"):
        cast.figures[f"cohort: {name.replace('_', ' ')}"] = str(figures[name])
    world.tell("scheduler", f"the cohort is complete: {figures['visits_reported']} visits reported", "CohortCompleted")
