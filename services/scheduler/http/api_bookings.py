"""`/scheduler/api/bookings`: the timetable, and a coordinator's hand on one visit of it."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.scheduler.http.asking import Body, Key, Planner, SchedulerDeps, idempotency
from services.scheduler.storage import lists
from services.scheduler.storage.lists import booking_json, ids_in
from services.scheduler.use_cases.move_visit import ReplanVisit, replan_visit
from services.scheduler.use_cases.show_visit import show_visit
from services.scheduler.use_cases.withdraw_visits import WithdrawVisit, withdraw_visit
from shared.db import Connection, transaction
from shared.errors import Rejected, not_found


class ReplanBody(Body):
    """`until` gives more time than the cohort has; `ask_again` asks those, too, who refused."""

    want: Literal["another_trainer", "another_day", "any_place"]
    until: date | None = None
    ask_again: bool = False


def router() -> APIRouter:
    """The routes, without the service's name in front."""
    routes = APIRouter(prefix="/api/bookings", tags=["bookings"])

    @routes.get("")
    async def get_bookings(
        who: Planner,
        deps: SchedulerDeps,
        trainer: Annotated[str | None, Query(max_length=60, description="A trainer's id or key")] = None,
        cohort: UUID | None = None,
        first: Annotated[date | None, Query(alias="from")] = None,
        last: Annotated[date | None, Query(alias="to")] = None,
        state: Annotated[str | None, Query(max_length=20)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 200,
        cursor: Annotated[str | None, Query(max_length=12)] = None,
    ) -> dict[str, Any]:
        offset = _offset(cursor)
        async with transaction(deps.pool) as conn:
            trainer_id = await _trainer(conn, trainer, who.countries) if trainer else None
            rows = await lists.list_bookings(
                conn,
                sorted(who.countries),
                trainer_id=trainer_id,
                cohort_id=cohort,
                first=first,
                last=last,
                states=[state] if state else None,
                limit=limit + 1,
                offset=offset,
            )
            names = await lists.get_names(conn, ids_in(rows))
        return {
            "items": [booking_json(row, names) for row in rows[:limit]],
            "next": str(offset + limit) if len(rows) > limit else None,
        }

    @routes.get("/{visit_id}")
    async def get_booking(visit_id: UUID, who: Planner, deps: SchedulerDeps) -> dict[str, Any]:
        async with transaction(deps.pool) as conn:
            return await show_visit(conn, visit_id, who.countries)

    @routes.post("/{visit_id}/replan", status_code=202)
    async def post_replan(
        visit_id: UUID, body: ReplanBody, who: Planner, deps: SchedulerDeps, key: Key = None
    ) -> dict[str, Any]:
        command = idempotency(key, who, "replan_visit", [str(visit_id), body.model_dump(mode="json")])
        wanted = ReplanVisit(visit_id, who.countries, body.want, body.until, body.ask_again)
        await replan_visit(wanted, command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_visit(conn, visit_id, who.countries)

    @routes.post("/{visit_id}/withdraw")
    async def post_withdraw(
        visit_id: UUID, who: Planner, deps: SchedulerDeps, key: Key = None
    ) -> dict[str, Any]:
        command = idempotency(key, who, "withdraw_visit", str(visit_id))
        await withdraw_visit(WithdrawVisit(visit_id, who.countries), command, deps=deps)
        async with transaction(deps.pool) as conn:
            return await show_visit(conn, visit_id, who.countries)

    return routes


async def _trainer(conn: Connection, asked: str, countries: frozenset[str]) -> UUID:
    try:
        return UUID(asked)
    except ValueError:
        found = await lists.find_trainer(conn, asked, sorted(countries))
    if found is None:
        raise not_found("trainer")
    return found


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal():
        raise Rejected("bad_cursor", 400, "Pass the cursor as it was given in next.", field="cursor")
    return int(cursor)
