"""What messages need of corrective actions, cohorts and cases: enough to word them and to know that they still count."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.domain.message import CaseNow
from shared.contracts.action import ActionOpened
from shared.contracts.cohort import CohortCreated
from shared.db import Connection, Record

INSERT_ACTION = """
    insert into actions (action_id, country, enterprise_id, item, owner_id, due_at, state)
    values ($1, $2, $3, $4, $5, $6, 'open')
"""


async def insert_action(conn: Connection, fact: ActionOpened) -> None:
    await conn.execute(
        INSERT_ACTION, fact.action_id, fact.country, fact.enterprise_id, fact.item, fact.owner_id, fact.due_at
    )


SAVE_ACTION_STATE = "update actions set state = $2 where action_id = $1 returning *"


async def save_action_state(conn: Connection, action_id: UUID, state: str) -> Record | None:
    """Change the state; returns the action, or None when it was never opened here."""
    return await conn.fetchrow(SAVE_ACTION_STATE, action_id, state)


GET_ACTION = "select * from actions where action_id = $1"


async def get_action(conn: Connection, action_id: UUID) -> Record | None:
    return await conn.fetchrow(GET_ACTION, action_id)


LIST_ACTION_STATES = "select action_id, state from actions where action_id = any($1::uuid[])"


async def get_action_states(conn: Connection, action_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await conn.fetch(LIST_ACTION_STATES, list(action_ids))
    return {row["action_id"]: row["state"] for row in rows}


INSERT_COHORT = """
    insert into cohorts (cohort_id, country, module, enterprises, first_day, last_day) values ($1, $2, $3, $4, $5, $6)
"""


async def insert_cohort(conn: Connection, fact: CohortCreated) -> None:
    await conn.execute(
        INSERT_COHORT,
        fact.cohort_id,
        fact.country,
        fact.module,
        len(fact.enterprise_ids),
        fact.first_day,
        fact.last_day,
    )


GET_COHORT = "select * from cohorts where cohort_id = $1"


async def get_cohort(conn: Connection, cohort_id: UUID) -> Record | None:
    return await conn.fetchrow(GET_COHORT, cohort_id)


SAVE_CASE = """
    insert into cases (case_id, country, state, step, answered) values ($1, $2, $3, coalesce($4, 0), 0)
    on conflict (case_id) do update
    set state = excluded.state, step = greatest(cases.step, excluded.step),
        answered = case when excluded.state = 'owned' then cases.step else cases.answered end
    returning state, step, answered
"""


async def save_case(conn: Connection, case_id: UUID, country: str, state: str, step: int | None = None) -> CaseNow:
    """How it stands now; its row is locked to the end of the transaction. `owned` answers all that was asked so far."""
    row = await conn.fetchrow(SAVE_CASE, case_id, country, state, step)
    assert row is not None
    return CaseNow(row["state"], row["step"], row["answered"])


LOCK_CASES = """
    select case_id, state, step, answered from cases where case_id = any($1::uuid[]) order by case_id for share
"""


async def lock_cases(conn: Connection, case_ids: Sequence[UUID]) -> dict[UUID, CaseNow]:
    """How they stand, which nobody changes until the transaction ends."""
    rows = await conn.fetch(LOCK_CASES, list(case_ids))
    return {row["case_id"]: CaseNow(row["state"], row["step"], row["answered"]) for row in rows}
