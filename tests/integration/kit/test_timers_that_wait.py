"""Deadlines that only wait cost those that fall due nothing: they are not read, whatever PostgreSQL knows of the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.db import Connection, Pool, transaction
from shared.timers import NEXT_DUE, READ_AHEAD, READ_DUE, TAKE
from tests.integration.kit.parts import NOON, later

Pools = Callable[[str], Awaitable[Pool]]

WAITING, DUE = 20_000, 40
ARM_MANY = """
    insert into timers (kind, aggregate, generation, due_at, armed_at)
    select 'step', gen_random_uuid(), nextval('timer_generation'), $1::timestamptz + n * interval '1 second', $1
    from generate_series(1, $2::int) n
"""
ROWS_READ = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'timers'"


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
async def test_what_only_waits_is_not_read_to_find_and_fire_what_is_due(open_database: Pools, plan: str) -> None:
    """In the transaction that armed them, so that nothing can have counted them yet: as after a large import."""
    pool = await open_database("visits")
    async with transaction(pool) as conn:
        await conn.execute(f"set local plan_cache_mode = {plan}")
        await conn.execute(ARM_MANY, later(3600), WAITING)
        await conn.execute(ARM_MANY, NOON - timedelta(hours=1), DUE)
        due, read = await _reading(conn, READ_DUE, NOON, ["step", "other"], 500)
        assert (len(due), read) == (DUE, DUE)
        assert await _reading(conn, READ_AHEAD, NOON, later(2), ["step", "other"], 500) == ([], 0)
        assert (await _reading(conn, NEXT_DUE, ["step", "other"]))[1] <= 2
        of_them = [row["aggregate"] for row in due], [row["generation"] for row in due]
        taken, read = await _reading(conn, TAKE, "step", *of_them, NOON)
        assert len(taken) == DUE
        assert read <= 2 * DUE


async def _reading(conn: Connection, query: str, *arguments: Any) -> tuple[list[Any], int]:
    """The answer, and how many rows of the table were looked at for it."""
    before = await conn.fetchval(ROWS_READ)
    rows = await conn.fetch(query, *arguments)
    return rows, await conn.fetchval(ROWS_READ) - before
