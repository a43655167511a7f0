"""Reminders: the day before, every visit of a country has its deadline in the same minute; each makes its messages and their facts.

Ours as the service runs it. Beside it, one visit after the other: the same deadlines with a batch of one each.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifications.timers import TIMERS
from shared.clock import FrozenClock
from shared.db import Connection, Pool, open_pool
from shared.timer_runner import TimerRunner
from shared.timers import Due, TimerKind
from shared.wakeups import Wakeup
from tests.benchmarks.figures import Row
from tests.benchmarks.stage import Stage

_ROUNDS = 3
_NOW = datetime(2026, 3, 10, 11, tzinfo=UTC)

PEOPLE = """
    insert into people (person_id, name, country, roles, countries, language, zone, active, contact_points)
    select md5('person ' || n)::uuid, 'Person ' || n, 'BD', array['trainer'], array['BD'], 'en', 'Asia/Dhaka', true,
           jsonb_build_array(jsonb_build_object('channel', 'email', 'address', n || '@example.org', 'verified', true))
    from generate_series(0, $1::int) n
"""
VISITS = """
    with made as (
        insert into visits (visit_id, country, kind, enterprise_ids, trainer_id, offer, starts_at, ends_at, zone, state,
                            sequence, co_trainer_ids, invited_ids)
        select gen_random_uuid(), 'BD', 'consultancy', '{}', md5('person ' || n % 100)::uuid, 1,
               $2::timestamptz + interval '1 day', $2::timestamptz + interval '30 hours', 'Asia/Dhaka', 'confirmed', 1, '{}',
               array[md5('person ' || n)::uuid]
        from generate_series(1, $1::int) n returning visit_id
    )
    insert into timers (kind, aggregate, generation, due_at, armed_at)
    select 'reminder.visit', visit_id, nextval('timer_generation'), $2, $2 from made
"""
MADE = "select (select count(*) from messages where state = 'queued'), (select count(*) from outbox)"


async def measure(stage: Stage, size: int) -> list[Row]:
    """So many visits are tomorrow; two messages and two facts for each."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_ROUNDS):
        for together, taken in rates.items():
            count = size if together else size // 5
            taken.append(count / await _seconds(stage, count, together=together))
    ours, each = statistics.median(rates[True]), statistics.median(rates[False])
    return [Row(f"reminders of {size:,} visits", "visits/s", ours, "one after the other", each)]


async def _seconds(stage: Stage, count: int, *, together: bool) -> float:
    urls = stage.database("notifications")
    pool: Pool = await open_pool(urls.run, size=6, name="bench")
    try:
        await pool.execute(PEOPLE, count)
        await pool.execute(VISITS, count, _NOW)
        stage.tidy(urls)
        kinds = TIMERS if together else tuple(map(_one_by_one, TIMERS))
        runner = TimerRunner(kinds, pool, FrozenClock(_NOW + timedelta(seconds=1)), None, Wakeup())
        start = time.perf_counter()
        while await runner.fire_due():
            pass
        seconds = time.perf_counter() - start
        made = tuple(await pool.fetchrow(MADE))
        assert made == (2 * count, 2 * count), f"messages and facts of {count} visits: {made}"
        return seconds
    finally:
        pool.terminate()


def _one_by_one(kind: TimerKind) -> TimerKind:
    effect = kind.fire_together
    assert effect is not None, f"{kind.name} fires one by one as it is"

    async def fire(due: Due, *, now: datetime, conn: Connection, deps: Any) -> None:
        await effect([due], now=now, conn=conn, deps=deps)

    return replace(kind, fire=fire, fire_together=None)
