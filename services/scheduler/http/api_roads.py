"""`/scheduler/api/roads`: a country's times and kilometres by road."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from services.scheduler.http.asking import Body, CountryCode, Key, Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.use_cases.set_roads import SetRoads, set_roads, show_roads
from shared.db import transaction

MAX_ROADS_BYTES = 12 * 1024 * 1024
"""Some 800 places with minutes and kilometres."""


class RoadsBody(Body):
    """`roads`: a table in the planner's format `gemba-planner-travel/1`; null: estimated again, or asked for (`source`)."""

    country: CountryCode
    roads: dict[str, Any] | None
    source: Literal["given", "service"] = "given"


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api", tags=["roads"])

    @routes.get("/roads")
    async def get_roads(
        who: Planner, deps: SchedulerDeps, country: Annotated[str, Query(pattern="^[A-Z]{2}$")]
    ) -> dict[str, Any]:
        """Where the country's roads come from, whose places are estimated, and what the routing service has against it."""
        async with transaction(deps.pool) as conn:
            return await show_roads(conn, country, who.countries)

    @routes.put("/roads")
    async def put_roads(body: RoadsBody, who: Planner, deps: SchedulerDeps, key: Key = None) -> dict[str, Any]:
        """Replaces the table of a country, or has the routing service asked for it; what has no row stays estimated."""
        command = idempotency(key, who, "set_roads", body.model_dump(mode="json"))
        wanted = SetRoads(body.country, who.countries, body.roads, person_of(who), ask=body.source == "service")
        await set_roads(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_roads(conn, body.country, who.countries)

    return routes
