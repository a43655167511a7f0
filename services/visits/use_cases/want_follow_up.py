"""A visit must verify an action: the timetable plans it like any other, within the window."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import ActionState, check_follow_up
from services.visits.storage import actions
from services.visits.use_cases.handle_evidence import check_decides
from services.visits.use_cases.see_action import load_action
from services.visits.use_cases.see_visit import Asker
from shared.commands import Idempotency, command
from shared.contracts.action import FollowUpWanted
from shared.ids import new_id
from shared.kafka.outbox import emit


async def want_follow_up(
    action_id: UUID,
    asker: Asker,
    *,
    earliest_at: datetime | None = None,
    latest_at: datetime | None = None,
    idempotency: Idempotency,
    deps: Deps,
) -> UUID:
    """Ask for the visit; the same trainer by preference. Returns the id that the visit will have."""
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            return open_command.earlier_result
        conn, now = open_command.conn, deps.clock.now()
        action = await load_action(conn, action_id, asker, lock=True)
        check_decides(action, asker)
        earliest_at = earliest_at or now + timedelta(days=1)
        latest_at = latest_at or earliest_at + deps.packs.actions.follow_up_within
        check_follow_up(action, earliest_at, latest_at, now)
        visit_id = new_id()
        state = ActionState.SUBMITTED if action.state is ActionState.VISITED else action.state
        await actions.save_action(conn, replace(action, follow_up_visit_id=visit_id, state=state))
        await actions.insert_event(
            conn, action_id, now, asker.person_id, "follow_up_wanted", visit_id=str(visit_id)
        )
        wanted = FollowUpWanted(
            action_id=action_id,
            country=action.country,
            enterprise_id=action.enterprise_id,
            module=action.module,
            visit_id=visit_id,
            earliest_at=earliest_at,
            latest_at=latest_at,
            prefer_trainer_id=action.trainer_id,
        )
        await emit(conn, wanted, now=now)
        return await open_command.done(visit_id)
