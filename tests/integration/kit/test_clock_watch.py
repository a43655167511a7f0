"""A clock of the database that is set back: claims, leases and pauses last as long as they were meant to, and not an hour more."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifications.storage.messages import WAITS as MESSAGES
from services.scheduler.storage.planning_jobs import WAITS as PLANNING
from shared.clock_watch import KIT_WAITS, ClockWatch, Wait, shorten
from shared.db import Pool
from shared.ids import new_id

ROOT = Path(__file__).parents[3]
WAITS = {"visits": KIT_WAITS, "notifications": MESSAGES, "scheduler": PLANNING}
ROWS = {
    "leases": "insert into leases (name, holder, until) values ('relay', 'gone', {instant})",
    "parked": "insert into parked (consumer, cluster, topic, partition, position, headers, state, reason, next_at) "
    "values ('c', 'k', 'gemba.case', 0, 1, '[]', 'waiting', '', {instant})",
    "timers": "insert into timers (kind, aggregate, generation, armed_at, due_at, retry_at) "
    "values ('k', '{id}', 1, now(), now(), {instant})",
    "messages": "insert into messages (message_id, lane, template, about, part, recipient_id, country, data, state, "
    "queued_at, not_before, {column}) values ('{id}', 'zero_tolerance', 'case_alert', '{id}', '', '{id}', 'BD', '{{}}', "
    "'queued', now(), now(), {instant})",
    "planning_jobs": "insert into planning_jobs (job_id, kind, country, reason, priority, state, {column}) "
    "values ('{id}', 'cohort', 'BD', 'r', 1, 'queued', {instant})",
}


@pytest.mark.parametrize(
    ("service", "wait"),
    [(service, wait) for service, waits in WAITS.items() for wait in waits],
    ids=lambda given: f"{given.table}.{given.column}-{given.longest}" if isinstance(given, Wait) else given,
)
async def test_what_lies_further_ahead_than_it_may_is_moved_and_nothing_else(
    open_database: Callable[[str], Awaitable[Pool]], service: str, wait: Wait
) -> None:
    pool = await open_database(service)
    ahead = wait.longest + timedelta(hours=1)
    insert = ROWS[wait.table].format(
        id=new_id(), column=wait.column, instant=f"clock_timestamp() + interval '{ahead.total_seconds()} s'"
    )
    async with pool.acquire() as conn:
        await conn.execute(insert)
        assert await shorten(conn, [wait]) == 1
        left = await conn.fetchval(f"select {wait.column} - clock_timestamp() from {wait.table}")
        longest = wait.longest if wait.is_claim else timedelta()
        assert longest - timedelta(seconds=10) < left <= longest
        assert await shorten(conn, [wait]) == 0


async def test_a_watch_looks_at_its_start_and_when_the_clock_was_set_back(
    open_database: Callable[[str], Awaitable[Pool]],
) -> None:
    pool = await open_database("visits")
    watch = ClockWatch(pool, KIT_WAITS)
    ahead = ROWS["leases"].format(instant="clock_timestamp() + interval '1 hour'")
    is_far = "select until > clock_timestamp() + interval '1 minute' from leases"

    await pool.execute(ahead)
    await watch.look()
    assert not await pool.fetchval(is_far), "it was set back while nobody looked"

    await pool.execute("delete from leases")
    await pool.execute(ahead)
    await watch.look()
    assert await pool.fetchval(is_far), "the clock goes on: there is nothing to look for"

    assert watch.seen is not None
    watch.seen += timedelta(hours=1)
    await watch.look()
    assert not await pool.fetchval(is_far)


def test_nothing_waits_for_the_databases_clock_that_is_not_watched() -> None:
    """Every column that a statement compares with `clock_timestamp()`."""
    watched = {wait.column for waits in WAITS.values() for wait in waits}
    compared = set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        if "migrations" not in path.parts:
            text = path.read_text(encoding="utf-8")
            compared |= set(re.findall(r"(\w+) <=? clock_timestamp\(\)(?! -)", text))
    assert compared == watched
