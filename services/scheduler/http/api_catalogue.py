"""`/scheduler/api/modules`, `/delivery-plans`, `/trainers`: what can be planned, and with whom."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.scheduler.domain.delivery import shortest_span_days
from services.scheduler.http.asking import Planner, SchedulerDeps
from services.scheduler.storage import catalogue, trainers
from shared.db import transaction
from shared.errors import not_found

_HORIZON = timedelta(days=180)


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api", tags=["catalogue"])

    @routes.get("/modules")
    async def get_modules(who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            rows = await catalogue.list_modules(conn)
        return {"items": [dict(row) for row in rows], "next": None}

    @routes.get("/delivery-plans")
    async def get_delivery_plans(
        who: Planner, deps: SchedulerDeps, module: Annotated[str | None, Query(max_length=60)] = None
    ) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            found = await catalogue.list_newest_plans(conn)
        items = [
            {
                "delivery_plan_id": str(plan["delivery_plan_id"]),
                "name": catalogue.plan_name(plan),
                "module": plan["module"],
                "country": plan["country"] or None,
                "version": plan["version"],
                "shortest_span_days": shortest_span_days(stages),
                "stages": [
                    {
                        "stage": one.stage,
                        "kind": one.kind,
                        "order": one.position,
                        "days": one.days,
                        "minutes": one.minutes,
                        "after": list(one.after),
                        "min_gap_days": one.min_gap_days,
                        "max_gap_days": one.max_gap_days,
                        "offset_days": one.offset_days,
                        "online": one.online,
                        "quorum": one.quorum,
                        "capacity": one.capacity,
                        "crew": one.crew,
                    }
                    for one in stages
                ],
            }
            for plan, stages in found
            if (module is None or plan["module"] == module)
            and (not plan["country"] or plan["country"] in who.countries)
        ]
        return {"items": items, "next": None}

    @routes.get("/trainers")
    async def get_trainers(
        who: Planner, deps: SchedulerDeps, country: Annotated[str, Query(pattern="^[A-Z]{2}$")]
    ) -> dict[str, Any]:
        if country not in who.countries:
            raise not_found("country")
        today = deps.clock.now().date()
        async with transaction(deps.pool) as conn:
            rows = await trainers.list_pool(conn, country, None, today, today + _HORIZON)
        items = [
            {
                "person_id": str(row["person_id"]),
                "key": row["key_name"],
                "name": row["name"],
                "certified": sorted(row["certified"]),
            }
            for row in rows
        ]
        return {"items": items, "next": None}

    return routes
