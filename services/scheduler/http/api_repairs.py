"""`/scheduler/api/repairs`: something happens to published visits; what changes is shown first, then done as one act."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.scheduler.http.asking import Body, CountryCode, Key, Planner, SchedulerDeps, idempotency, person_of
from services.scheduler.use_cases.apply_repair import ApplyRepair, apply_repair
from services.scheduler.use_cases.propose_repair import ProposeRepair, propose_repair
from services.scheduler.use_cases.show_repair import show_repair
from shared.db import transaction


class RepairBody(Body):
    """`ill` and `closed` last from `first` to `last`, `leaves` is for good, `holiday` is the one day `first`.

    `who` is the trainer's or the enterprise's key. `most_moved` visits may move although they could have stayed.
    """

    kind: Literal["ill", "leaves", "closed", "holiday"]
    country: CountryCode
    first: date
    last: date | None = None
    who: Annotated[str, Field(max_length=60)] | None = None
    region: Annotated[str, Field(max_length=60)] = ""
    most_moved: Annotated[int, Field(ge=0, le=200)] = 0


class ApplyBody(Body):
    accept_unplaced: bool = False


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api/repairs", tags=["repairs"])

    @routes.post("", status_code=201)
    async def post_repair(body: RepairBody, who: Planner, deps: SchedulerDeps, key: Key = None) -> dict[str, Any]:
        """Which visits would move, who would be told, what it costs. Nothing changes yet."""
        command = idempotency(key, who, "propose_repair", body.model_dump(mode="json"))
        wanted = ProposeRepair(
            kind=body.kind,
            country=body.country,
            countries=who.countries,
            first=body.first,
            last=body.last,
            who=body.who,
            region=body.region,
            most_moved=body.most_moved,
            by=person_of(who),
        )
        repair_id = await propose_repair(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_repair(conn, repair_id, who.countries)

    @routes.get("/{repair_id}")
    async def get_repair(repair_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await show_repair(conn, repair_id, who.countries)

    @routes.post("/{repair_id}/apply")
    async def post_apply(
        repair_id: UUID, who: Planner, deps: SchedulerDeps, body: ApplyBody | None = None, key: Key = None
    ) -> dict[str, Any]:
        """Do it, all or nothing. 409 when anything in the country changed since it was worked out."""
        accept = body.accept_unplaced if body else False
        command = idempotency(key, who, "apply_repair", [str(repair_id), accept])
        await apply_repair(ApplyRepair(repair_id, who.countries, accept), command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_repair(conn, repair_id, who.countries)

    return routes
