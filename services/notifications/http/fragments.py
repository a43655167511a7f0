"""Parts that pages of other services show. Each authorises itself."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.notifications.http.api_reach import Ids, Planner, deps_of
from services.notifications.use_cases.foresee_reach import foresee_reach, name_reached
from shared.web.pages import render


def router() -> APIRouter:
    """`/fragments/reach?person=…&enterprise=…`: who would be told by which channel."""
    routes = APIRouter(prefix="/fragments", include_in_schema=False)

    @routes.get("/reach")
    async def show_reach(request: Request, who: Planner, person: Ids = (), enterprise: Ids = ()) -> Response:
        deps = deps_of(request)
        found = await foresee_reach(person, enterprise, who.countries, deps=deps)
        names = await name_reached(found, deps=deps)
        return render(request, "reach.html", found=found, names=names)

    return routes
