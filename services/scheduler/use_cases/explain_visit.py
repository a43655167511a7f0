"""Why a visit of a plan is where it is, and why not the next three; or what would place it. Asked of the planner anew."""

from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.assumptions import Assumptions
from services.scheduler.domain.explanation import Explanation
from services.scheduler.planning import tasks
from services.scheduler.storage import cohorts, lists, plans
from services.scheduler.storage.lists import named
from services.scheduler.use_cases.plan_cohort import read_cohort_question
from services.scheduler.use_cases.show_plan import get_visible_plan, with_names
from shared.db import transaction
from shared.errors import Rejected, not_found


async def explain_visit(
    plan_id: UUID, visit_id: UUID, countries: frozenset[str], *, asked: str | None = None, deps: Deps
) -> dict[str, Any]:
    """`asked`: key of a trainer who is told about whether or not they are among the next three.

    In the world as it is now, which may have changed since the plan was made. Raises `Rejected` 409 for a plan that is
    published: its visits stand in the timetable, and their cohort's board says why.
    """
    async with transaction(deps.pool) as conn:
        plan = await get_visible_plan(conn, plan_id, countries)
        if plan["cohort_state"] not in {"planned", "infeasible"}:
            raise Rejected(
                "plan_not_open",
                409,
                f"This cohort is {plan['cohort_state']}; reasons are worked out for a plan that can still be published.",
            )
        cohort = await cohorts.get_cohort(conn, plan["cohort_id"])
        assert cohort is not None
        supposing = Assumptions.read(plan["assumptions"]) if plan["assumptions"] is not None else None
        question = await read_cohort_question(
            conn, cohort, now=deps.clock.now(), notice_days=deps.settings.notice_days, supposing=supposing
        )
        if visit_id not in {wish.visit_id for wish in question.wishes}:
            raise not_found("visit")
        seats = [plans.seat_of(row) for row in await plans.list_placements(conn, plan_id)]
        person = await lists.find_trainer(conn, asked, [cohort["country"]]) if asked else None
        if asked and person is None:
            raise not_found("trainer")
    people = frozenset({person}) if person else frozenset()
    found: Explanation = await deps.planner(tasks.EXPLAIN, question.world, question.wishes, seats, visit_id, people)
    return await _shown(found, seats, deps)


async def _shown(found: Explanation, seats: list[Any], deps: Deps) -> dict[str, Any]:
    rivals = (*found.trainers, *found.days)
    seat = next((one for one in seats if one.visit_id == found.visit_id), None)
    ids = {one.trainer_id for one in rivals}
    ids |= {seat.trainer_id} if seat and found.left is None else set()
    left = found.left
    told: list[dict[str, Any]] = []
    if left is not None:
        told = [*(one.as_json() for one in left.reasons), *(one.as_json() for one in left.relief)]
    for one in told:
        for step in (one, *one.get("steps", ())):
            ids |= {UUID(step[name]) for name in ("trainer_id", "enterprise_id") if step.get(name)}
    async with transaction(deps.pool) as conn:
        names = await lists.get_names(conn, list(ids))

    def shown(rival: Any) -> dict[str, Any]:
        read: dict[str, Any] = rival.as_json()
        return read | {
            "trainer": named(names, rival.trainer_id),
            "reasons": [with_names(one, names) for one in read["reasons"]],
        }

    return {
        "visit_id": str(found.visit_id),
        "trainer": named(names, seat.trainer_id) if seat and left is None else None,
        "day": seat.day.isoformat() if seat and left is None else None,
        "parts": {name: round(value, 1) for name, value in found.parts.items() if abs(value) >= 0.05},
        "trainers": [shown(one) for one in found.trainers],
        "days": [shown(one) for one in found.days],
        "reasons": [with_names(one.as_json(), names) for one in left.reasons] if left else [],
        "relaxations": [with_names(one.as_json(), names) for one in left.relief] if left else [],
    }
