"""The scheduler, wired."""

import os
from pathlib import Path

from fastapi import FastAPI

from services.scheduler.consumers import CONSUMERS
from services.scheduler.deps import Deps
from services.scheduler.http import (
    api_bookings,
    api_catalogue,
    api_cohorts,
    api_import,
    api_plans,
    api_repairs,
    api_roads,
    pages,
)
from services.scheduler.planning.process import PlannerProcess
from services.scheduler.planning_queue import PlanningQueue
from services.scheduler.settings import Settings
from services.scheduler.storage.planning_jobs import CHANNEL, WAITS, count_waiting
from shared.application import make_service
from shared.assembly import Parts, Running
from shared.db import Connection
from shared.ids import new_id

MAX_WORKBOOK_BYTES = 12 * 1024 * 1024


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    return make_service(
        settings,
        make_parts,
        title="Gemba scheduler",
        routers=[
            api_cohorts.router(),
            api_plans.router(),
            api_repairs.router(),
            api_bookings.router(),
            api_catalogue.router(),
            api_import.router(),
            api_roads.router(),
            pages.router(),
        ],
        templates=Path(__file__).parent / "http" / "templates",
        static=Path(__file__).parent / "http" / "static",
        larger_bodies={"/scheduler/api/imports": MAX_WORKBOOK_BYTES, "/scheduler/api/roads": api_roads.MAX_ROADS_BYTES},
    )


async def make_parts(service: Running) -> Parts:
    """Everything beside HTTP."""
    assert isinstance(service.settings, Settings)
    process = PlannerProcess()
    deps = Deps(service.pool, service.clock, service.settings, process)
    holder = f"{service.settings.replica}.{os.getpid()}.{new_id()}"
    queue = PlanningQueue(deps, service.wakeups.on(CHANNEL), holder=holder)

    async def waiting(conn: Connection) -> dict[str, int]:
        return {"planning": await count_waiting(conn)}

    return Parts(
        deps=deps,
        consumers=CONSUMERS,
        background=[queue.run, process.reap],
        waiting=waiting,
        counters=lambda: {"planned": queue.finished},
        waits=WAITS,
    )
