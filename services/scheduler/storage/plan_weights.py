"""The weights that coordinators set, for a country or for one cohort of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from shared.db import Connection

GET_WEIGHTS = """
    select (select weights from plan_weights where country = $1 and cohort_id is null) as country,
           (select weights from plan_weights where cohort_id = $2) as cohort
"""


async def get_weights(
    conn: Connection, country: str, cohort_id: UUID | None
) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """What was set for the country, and for the cohort; None where nothing was."""
    row = await conn.fetchrow(GET_WEIGHTS, country, cohort_id)
    return row["country"], row["cohort"]


DELETE_WEIGHTS = "delete from plan_weights where country = $1 and cohort_id is not distinct from $2"
INSERT_WEIGHTS = """
    insert into plan_weights (country, cohort_id, weights, changed_at, changed_by) values ($1, $2, $3, $4, $5)
"""


async def save_weights(
    conn: Connection,
    country: str,
    cohort_id: UUID | None,
    weights: Mapping[str, float],
    *,
    by: UUID | None,
    now: datetime,
) -> None:
    """Replace what was set; nothing set means the layer below counts again. The country's world is locked."""
    await conn.execute(DELETE_WEIGHTS, country, cohort_id)
    if weights:
        await conn.execute(INSERT_WEIGHTS, country, cohort_id, dict(weights), now, by)
