"""Corrective actions, their evidence and what happened to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.visits.domain.action import Action, ActionState
from shared.db import Connection, Record

_COLUMNS = """action_id, finding_id, visit_id, enterprise_id, country, item, grade, module, owner_id, trainer_id,
    opened_at, due_at, verification, state, tier, follow_up_visit_id"""

INSERT_ACTION = f"""
    insert into actions ({_COLUMNS}, rules_version)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""


async def insert_action(conn: Connection, action: Action, rules_version: int) -> None:
    """A new action, pinned to the version of the rules it was opened under."""
    values = (getattr(action, name) for name in Action.__dataclass_fields__)
    await conn.execute(INSERT_ACTION, *values, rules_version)


SAVE_ACTION = """
    update actions set state = $2, tier = $3, follow_up_visit_id = $4, verified_by = $5, verified_at = $6
    where action_id = $1
"""


async def save_action(
    conn: Connection, action: Action, *, verified_by: UUID | None = None, verified_at: datetime | None = None
) -> None:
    """Write back an action whose row is locked."""
    await conn.execute(
        SAVE_ACTION, action.action_id, action.state, action.tier, action.follow_up_visit_id, verified_by, verified_at
    )


GET_ACTION = f"select {_COLUMNS} from actions where action_id = $1"


async def get_action(conn: Connection, action_id: UUID, *, lock: bool = False) -> Action | None:
    """One action; with `lock`, its row is held until the transaction ends."""
    row = await conn.fetchrow(GET_ACTION + (" for update" if lock else ""), action_id)
    return _action(row) if row else None


LIST_OPEN = f"select {_COLUMNS} from actions where action_id = any($1::uuid[]) and state = 'open'"


async def list_open(conn: Connection, action_ids: Sequence[UUID]) -> list[Action]:
    """Those of the actions for which nothing has been submitted; in the order that was asked for."""
    found = {row["action_id"]: _action(row) for row in await conn.fetch(LIST_OPEN, action_ids)}
    return [found[action_id] for action_id in action_ids if action_id in found]


LIST_BY_FOLLOW_UP = f"select {_COLUMNS} from actions where follow_up_visit_id = $1 order by action_id for update"


async def list_by_follow_up(conn: Connection, visit_id: UUID) -> list[Action]:
    """The actions that a visit is to verify, locked."""
    return [_action(row) for row in await conn.fetch(LIST_BY_FOLLOW_UP, visit_id)]


LIST_ACTIONS = f"""
    select {_COLUMNS}, verified_at from actions
    where ($1::text[] is null or country = any($1))
      and ($2::uuid is null or owner_id = $2 or enterprise_id = $3)
      and ($4::text is null or state = $4)
      and ($5::boolean is not true or state <> 'verified')
      and ($6::uuid is null or action_id > $6) and ($7::uuid is null or visit_id = $7)
    order by action_id limit $8
"""


async def list_actions(
    conn: Connection,
    *,
    countries: Sequence[str] | None,
    owner_id: UUID | None = None,
    enterprise_id: UUID | None = None,
    state: str | None = None,
    open_only: bool = False,
    after: UUID | None = None,
    visit_id: UUID | None = None,
    limit: int = 100,
) -> list[Action]:
    """Actions of some countries, or of one owner and their enterprise, in the order in which they were opened."""
    rows = await conn.fetch(
        LIST_ACTIONS, countries, owner_id, enterprise_id, state, open_only, after, visit_id, limit
    )
    return [_action(row) for row in rows]


INSERT_EVIDENCE = """
    insert into evidence (evidence_id, action_id, submitted_by, submitted_at, text, state)
    values ($1, $2, $3, $4, $5, 'submitted') on conflict do nothing returning true
"""


async def insert_evidence(
    conn: Connection, evidence_id: UUID, action_id: UUID, by: UUID, now: datetime, text: str
) -> bool:
    """False when evidence of this id is there already."""
    return bool(await conn.fetchval(INSERT_EVIDENCE, evidence_id, action_id, by, now, text))


MARK_EVIDENCE = """
    update evidence set state = $2, decided_by = $3, decided_at = $4, reason = $5
    where action_id = $1 and state = 'submitted' returning evidence_id, submitted_by
"""


async def mark_evidence(
    conn: Connection, action_id: UUID, state: str, by: UUID, now: datetime, reason: str | None = None
) -> list[Record]:
    """Decide on what was submitted and not decided yet."""
    rows: list[Record] = await conn.fetch(MARK_EVIDENCE, action_id, state, by, now, reason)
    return rows


async def list_evidence(conn: Connection, action_id: UUID) -> list[Record]:
    """What was submitted, oldest first."""
    rows: list[Record] = await conn.fetch("select * from evidence where action_id = $1 order by submitted_at, evidence_id", action_id)
    return rows


INSERT_EVENT = "insert into action_events (action_id, at, actor_id, what, detail) values ($1, $2, $3, $4, $5)"


async def insert_event(
    conn: Connection, action_id: UUID, now: datetime, actor: UUID | None, what: str, **detail: Any
) -> None:
    """One line of the action's timeline; a null actor is the clock."""
    await conn.execute(INSERT_EVENT, action_id, now, actor, what, detail)


INSERT_EVENTS = "insert into action_events (action_id, at, what) select unnest($1::uuid[]), $2, $3"


async def insert_events(conn: Connection, action_ids: Sequence[UUID], now: datetime, what: str) -> None:
    """The same line, of the clock's, in the timelines of several."""
    await conn.execute(INSERT_EVENTS, action_ids, now, what)


async def list_events(conn: Connection, action_id: UUID) -> list[Record]:
    """The action's timeline."""
    rows: list[Record] = await conn.fetch("select * from action_events where action_id = $1 order by seq", action_id)
    return rows


GET_FINDING = "select text, grade, item, visit_id from findings where finding_id = $1"


async def get_finding(conn: Connection, finding_id: UUID) -> Record | None:
    """What was found, in the trainer's words."""
    return await conn.fetchrow(GET_FINDING, finding_id)


def _action(row: Record) -> Action:
    values = {name: row[name] for name in Action.__dataclass_fields__}
    return Action(**(values | {"state": ActionState(row["state"])}))
