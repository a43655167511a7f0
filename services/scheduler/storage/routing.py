"""Countries whose roads the routing service is asked for, and the question in the planner's queue."""

from datetime import datetime
from uuid import UUID

from services.scheduler.storage.roads import has_place_without_row
from shared.db import Connection, Record
from shared.ids import new_id

QUESTION_WAITS_SECONDS = 3.0
"""Places come in numbers (an import, an initial load): one question for all of them."""

SAVE_ROUTING = """
    insert into routing (country, wanted_at, wanted_by) values ($1, $2, $3)
    on conflict (country) do update set wanted_at = excluded.wanted_at, wanted_by = excluded.wanted_by, trouble = null
"""
IS_WANTED = "select exists (select from routing where country = $1)"
DELETE_ROUTING = "delete from routing where country = $1"
GET_ROUTING = """
    select r.*, exists (
        select from planning_jobs j where j.country = r.country and j.kind = 'roads' and j.state in ('queued', 'running')
    ) as asking
    from routing r where r.country = $1
"""
MARK_ASKED = "update routing set asked_at = $2, trouble = null where country = $1"
SAVE_TROUBLE = "update routing set trouble = $2 where country = $1"

INSERT_QUESTION = """
    insert into planning_jobs (job_id, kind, country, reason, priority, state, not_before)
    select $2, 'roads', country, $3, 2, 'queued', clock_timestamp() + make_interval(secs => $4)
    from routing where country = $1 and not exists (
        select from planning_jobs j where j.country = $1 and j.kind = 'roads' and j.state = 'queued'
    )
    returning pg_notify('planning', '')
"""


async def want_routing(conn: Connection, country: str, *, by: UUID | None, now: datetime) -> None:
    """The country's roads come from the service from now on. The country's world is locked."""
    await conn.execute(SAVE_ROUTING, country, now, by)


async def end_routing(conn: Connection, country: str) -> None:
    """They no longer do; what is there stays until it is replaced."""
    await conn.execute(DELETE_ROUTING, country)


async def get_routing(conn: Connection, country: str) -> Record | None:
    """Since when, last asked, what went wrong, and whether a question is under way. None where the service is not asked."""
    return await conn.fetchrow(GET_ROUTING, country)


async def ask_routing(conn: Connection, country: str, reason: str, *, seconds: float = 0.0) -> None:
    """Queue the question for after some seconds, unless one waits or the country asks for none. The country's world is locked."""
    await conn.execute(INSERT_QUESTION, country, new_id(), reason, seconds)


async def ask_for_what_is_new(conn: Connection, country: str) -> None:
    """Queue the question where a site or a home has no row yet. The country's world is locked."""
    if await conn.fetchval(IS_WANTED, country) and await has_place_without_row(conn, country):
        await ask_routing(conn, country, "another place", seconds=QUESTION_WAITS_SECONDS)


async def mark_asked(conn: Connection, country: str, now: datetime) -> None:
    """Its answers are the country's table."""
    await conn.execute(MARK_ASKED, country, now)


async def save_trouble(conn: Connection, country: str, trouble: str) -> None:
    """Why there is no answer."""
    await conn.execute(SAVE_TROUBLE, country, trouble)
