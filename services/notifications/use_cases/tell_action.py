"""Messages about a corrective action, to whom its fact names."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.message import Wanted
from services.notifications.storage import subjects
from services.notifications.use_cases.queue_messages import queue_messages
from services.notifications.use_cases.visit_message import require_enterprises
from shared.contracts.action import ActionOpened
from shared.db import Connection, Record
from shared.errors import NotKnownYet


async def open_action(fact: ActionOpened, *, now: datetime, conn: Connection) -> None:
    """Keep what later messages need, and tell its owner."""
    await require_enterprises([fact.enterprise_id], conn=conn)
    await subjects.insert_action(conn, fact)
    await tell_action("action_opened", fact.action_id, [fact.owner_id], part="opened", now=now, conn=conn)


async def tell_action(
    template: str,
    action_id: UUID,
    recipients: Sequence[UUID],
    *,
    part: str,
    now: datetime,
    conn: Connection,
    step: int | None = None,
    state: str | None = None,
) -> None:
    """`state` where the fact changes it: a reminder still waiting is then cancelled when its turn comes."""
    action = await _action(action_id, state, conn=conn)
    due_at = action["due_at"]
    data = {
        "enterprise_ids": [str(action["enterprise_id"])],
        "item": action["item"],
        "due_at": due_at.isoformat() if due_at else None,
        "tier": step,
    }
    wanted = Wanted(template, action_id, action["country"], recipients, part, step, data)
    await queue_messages(wanted, now=now, conn=conn)


async def _action(action_id: UUID, state: str | None, *, conn: Connection) -> Record:
    if state is None:
        found = await subjects.get_action(conn, action_id)
    else:
        found = await subjects.save_action_state(conn, action_id, state)
    if found is None:
        raise NotKnownYet(f"action {action_id}")
    return found
