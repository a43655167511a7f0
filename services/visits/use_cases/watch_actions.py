"""The due date of an action draws near, and passes: the owner, then the coordinators, then the head are told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.action import Action, ActionState, next_overdue
from services.visits.storage import people
from services.visits.storage.actions import get_action, insert_event, insert_events, list_open, save_action
from services.visits.use_cases.open_actions import OVERDUE
from shared.contracts.action import ActionOverdue, ActionReminded
from shared.db import Connection
from shared.kafka.outbox import emit, emit_all
from shared.timers import Due, arm


async def remind_actions(dues: Sequence[Due], *, now: datetime, conn: Connection) -> None:
    """Only where nothing has been submitted: a reminder of what is done already teaches people to ignore them.

    The actions of a report fall due together, so each step is a statement for all of them.
    """
    waiting = await list_open(conn, [due.aggregate for due in dues])
    reminded = [
        ActionReminded(
            action_id=action.action_id,
            country=action.country,
            owner_id=action.owner_id,
            due_at=action.due_at,
            recipient_ids=(action.owner_id,),
        )
        for action in waiting
        if action.due_at is not None
    ]
    await insert_events(conn, [one.action_id for one in reminded], now, "reminded")
    await emit_all(conn, reminded, now=now)


async def escalate_action(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    """Tier after tier until it is verified; the last tier is told again and again."""
    action = await get_action(conn, due.aggregate)
    if action is None or action.state is ActionState.VERIFIED or action.due_at is None:
        return
    tier, role, next_at = next_overdue(action, deps.packs.actions, now)
    recipients = await recipients_of(conn, action, role)
    await save_action(conn, replace(action, tier=tier))
    await insert_event(conn, action.action_id, now, None, "overdue", tier=tier, role=role)
    overdue = ActionOverdue(
        action_id=action.action_id,
        country=action.country,
        tier=tier,
        due_at=action.due_at,
        recipient_ids=recipients,
        told_at=now,
    )
    await emit(conn, overdue, now=now)
    await arm(conn, OVERDUE, action.action_id, next_at, now=now)


async def recipients_of(conn: Connection, action: Action, role: str) -> tuple[UUID, ...]:
    """Who is told in a role; where a country has nobody in it, its owner hears again rather than nobody."""
    if role == "owner":
        return (action.owner_id,)
    return (await people.list_by_role(conn, action.country, [role]))[role] or (action.owner_id,)
