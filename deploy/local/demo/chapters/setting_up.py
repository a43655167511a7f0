"""From workbooks to a published plan."""

from __future__ import annotations

from deploy.local.demo.chapters.cast import (
    COORDINATOR,
    COUNTRY,
    ENTERPRISES,
    FIRST_DAY,
    LAST_DAY,
    MODULE,
    Cast,
)
from deploy.local.demo.observing import until
from deploy.local.demo.programme import write_workbooks
from deploy.local.demo.world import World

_OWNERS = ("directory", "scheduler")
_VISITS = len(ENTERPRISES) * 3 + 2


async def import_programme(world: World, cast: Cast) -> None:
    """Each workbook goes to the services that own its sheets: all check it before any takes it."""
    administrator = world.administrator
    for path in write_workbooks(world.installation.work_folder / "workbooks"):
        data = path.read_bytes()
        for owner in _OWNERS:
            checked = await administrator.upload(f"/{owner}/api/imports?dry_run=true", path.name, data)
            if checked["errors"]:
                raise AssertionError(f"{owner} finds faults in {path.name}: {checked['errors'][:3]}")
        taken = 0
        for owner in _OWNERS:
            answer = await administrator.upload(f"/{owner}/api/imports?dry_run=false", path.name, data)
            taken += sum(sheet["rows"] for sheet in answer["sheets"])
        await world.settle()
        world.tell("administrator", f"imports {path.name}: {taken} rows", "gemba.person, gemba.enterprise")
    trainers = await administrator.get("/directory/api/people", role="trainer", country=COUNTRY)
    cast.trainer_keys = {person["person_id"]: person["key"] for person in trainers["items"]}
    if len(cast.trainer_keys) < 2:
        raise AssertionError("the trainers of the workbook are not in the API")


async def create_and_publish(world: World, cast: Cast) -> None:
    """One act creates the cohort; the planner proposes; the coordinator looks and publishes."""
    coordinator = await world.actor(COORDINATOR)
    world.tell(coordinator.name, "signs in by the link in the mail")
    created = await coordinator.post(
        "/scheduler/api/cohorts",
        {
            "country": COUNTRY,
            "module": MODULE,
            "enterprise_keys": list(ENTERPRISES),
            "first_day": FIRST_DAY.isoformat(),
            "last_day": LAST_DAY.isoformat(),
        },
    )
    cast.cohort_id = created["cohort_id"]
    await world.log.has("CohortCreated", cohort_id=cast.cohort_id)
    world.tell(coordinator.name, f"creates a cohort of {len(ENTERPRISES)} enterprises", "CohortCreated")
    planned = await world.log.has("CohortPlanned", cohort_id=cast.cohort_id)
    if (planned.data["placed"], planned.data["unplaced"]) != (_VISITS, 0):
        raise AssertionError(f"the plan places {planned.data}, {_VISITS} visits were wanted")
    plan = await coordinator.get(f"/scheduler/api/cohorts/{cast.cohort_id}/plan")
    cast.plan_id = plan["plan_id"]
    world.tell("planner", f"proposes {_VISITS} visits: {plan['status']}, checked independently", "CohortPlanned")
    await coordinator.post(f"/scheduler/api/plans/{cast.plan_id}/publish")
    published = await world.log.has("CohortPublished", cohort_id=cast.cohort_id)
    cast.visit_ids = list(published.data["visit_ids"])
    await world.settle()

    async def all_offered() -> bool:
        visits = await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id)
        return len(visits["items"]) == _VISITS

    await until(all_offered, f"{_VISITS} visits in the API of visits")
    world.tell(coordinator.name, "publishes the plan", "CohortPublished, VisitScheduled")
