"""Ask the independent checker about a plan in the world as it is now, as publishing would."""

from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.world import Clash
from services.scheduler.planning import tasks
from services.scheduler.storage import cohorts, plans
from services.scheduler.use_cases.plan_cohort import CohortQuestion, read_cohort_question
from services.scheduler.use_cases.show_plan import get_visible_plan
from shared.db import transaction
from shared.errors import Rejected

MOST = 50


async def check_plan(plan_id: UUID, countries: frozenset[str], *, deps: Deps) -> list[dict[str, Any]]:
    """What stands against it, at most `MOST` things. Raises `Rejected` 409 for a cohort that is published or over."""
    async with transaction(deps.pool) as conn:
        plan = await get_visible_plan(conn, plan_id, countries)
        if plan["cohort_state"] not in {"planned", "infeasible"}:
            raise Rejected("plan_not_open", 409, f"This cohort is {plan['cohort_state']}; there is nothing to check.")
        cohort = await cohorts.get_cohort(conn, plan["cohort_id"])
        assert cohort is not None
        question = await read_cohort_question(
            conn, cohort, now=deps.clock.now(), notice_days=deps.settings.hurried_notice_days
        )
        seats = [plans.seat_of(row) for row in await plans.list_placements(conn, plan_id)]
    clashes = await deps.planner(tasks.RECHECK, question.world, question.wishes, seats)
    return clash_details(clashes, question)


def clash_details(clashes: tuple[Clash, ...], question: CohortQuestion) -> list[dict[str, Any]]:
    """Clashes as the API tells them."""
    stages = {wish.visit_id: wish.stage for wish in question.wishes}
    return [
        {
            "code": clash.rule,
            "message": clash.text,
            "field": ", ".join(sorted({stages[one] for one in clash.visit_ids if one in stages})),
            "visit_ids": [str(one) for one in clash.visit_ids],
            "trainer_id": str(clash.trainer_id) if clash.trainer_id else None,
            "enterprise_id": str(clash.enterprise_id) if clash.enterprise_id else None,
            "day": clash.day.isoformat() if clash.day else None,
        }
        for clash in clashes[:MOST]
    ]
