"""`/notifications/api/reach`: how people would be told, asked before anything is published."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.notifications.deps import Deps
from services.notifications.use_cases.foresee_reach import foresee_reach
from shared.auth import Identity, require

Planner = Annotated[Identity, Depends(require("coordinator", "administrator"))]
Ids = Annotated[tuple[UUID, ...], Query(max_length=200)]


def deps_of(request: Request) -> Deps:
    """What the lifespan opened."""
    found: Deps = request.app.state.deps
    return found


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api", tags=["notifications"])

    @routes.get("/reach")
    async def get_reach(request: Request, who: Planner, person: Ids = (), enterprise: Ids = ()) -> dict[str, Any]:
        """By which channel each person, and each contact of an enterprise, would be told now. No addresses."""
        found = await foresee_reach(person, enterprise, who.countries, deps=deps_of(request))
        return {
            "items": [
                {
                    "about": str(one.about),
                    "person_id": str(one.person_id) if one.person_id else None,
                    "channel": one.channel,
                    "not_before": one.not_before.isoformat() if one.not_before else None,
                    "language": one.language,
                }
                for one in found
            ]
        }

    return routes
