"""The scheduler, wired."""

import os
from dataclasses import replace
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
    first, *more = (
        PlannerProcess() if n == 0 else PlannerProcess(ahead=None) for n in range(service.settings.planner_workers)
    )
    deps = Deps(service.pool, service.clock, service.settings, first)
    holder = f"{service.settings.replica}.{os.getpid()}.{new_id()}"
    queues = [
        PlanningQueue(replace(deps, planner=process), service.wakeups.on(CHANNEL), holder=f"{holder}.{n}")
        for n, process in enumerate((first, *more))
    ]

    async def waiting(conn: Connection) -> dict[str, int]:
        return {"planning": await count_waiting(conn)}

    return Parts(
        deps=deps,
        consumers=CONSUMERS,
        background=[*(queue.run for queue in queues), *(process.reap for process in (first, *more))],
        waiting=waiting,
        counters=lambda: {"planned": sum(queue.finished for queue in queues)},
        waits=WAITS,
    )
