"""Growth: what is old must cost nothing. The same work in a fresh database and in one with years behind it.

`size` facts lie in the outbox, a tenth as many aggregates in the inbox. What is timed is committing facts, publishing
them, and moving watermarks: the three that touch these tables. Then one aggregate of that many facts, a tenth of `size`:
its next ones cost what those of a new aggregate do.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from uuid import UUID

from shared.db import Pool, open_pool, transaction
from shared.ids import new_id
from shared.kafka.inbox import advance
from shared.kafka.outbox import emit
from tests.benchmarks.figures import Row, ratio_at_most
from tests.benchmarks.records import TOPIC, declined
from tests.benchmarks.relay import running_relay, through_outbox
from tests.benchmarks.stage import Stage

_ROUNDS = 3
_COMMITS = 300
_PUBLISHED = 4_000
OLD_FACTS = """
    insert into outbox (event_id, topic, aggregate, version, type, body, occurred_at, traceparent, lane)
    select gen_random_uuid(), $2, md5((n / 4)::text)::uuid, n % 4 + 1, 'VisitDeclined.v1', convert_to(repeat('x', 200), 'UTF8'),
           now(), '', 'general'
    from generate_series($1::bigint, $1::bigint + 99999) n
"""
OLD_WATERMARKS = """
    insert into watermarks (consumer, topic, aggregate, version, event_id)
    select 'visits.message', $2, md5(n::text)::uuid, 4, gen_random_uuid() from generate_series(1, $1::int) n
"""
OLD_AGGREGATE = """
    insert into outbox (event_id, topic, aggregate, version, type, body, occurred_at, traceparent, lane)
    select gen_random_uuid(), $2, $3, n, 'VisitDeclined.v1', convert_to(repeat('x', 200), 'UTF8'), now(), '', 'general'
    from generate_series(1, $1::bigint) n
"""


async def measure(stage: Stage, size: int) -> list[Row]:
    """Fresh and grown in turn, three rounds, medians."""
    times: dict[str, dict[str, list[float]]] = {}
    for name, old in (("fresh", 0), ("grown", size)):
        urls = stage.database("visits")
        pool = await open_pool(urls.run, size=6, name="bench")
        try:
            await _age(pool, old)
            aggregate = new_id()
            await pool.execute(OLD_AGGREGATE, old // 10, TOPIC, aggregate, timeout=300)
            stage.tidy(urls)
            times[name] = await _work(stage, pool, urls.run)
            times[name]["commit to one aggregate"] = [
                await _commit(pool, [aggregate] * _COMMITS) for _ in range(_ROUNDS)
            ]
        finally:
            pool.terminate()
    beside = f"beside {size:,} old facts, {size // 10:,} watermarks, as many facts of one aggregate"
    return [
        Row(
            f"growth: {what} {beside}",
            "ms",
            1000 * statistics.median(times["grown"][what]),
            "a fresh database",
            1000 * statistics.median(times["fresh"][what]),
            ratio_at_most(1.3),
        )
        for what in times["fresh"]
    ]


async def _age(pool: Pool, old: int) -> None:
    for start in range(0, old, 100_000):
        await pool.execute(OLD_FACTS, start, TOPIC, timeout=300)
    await pool.execute(OLD_WATERMARKS, old // 10, TOPIC, timeout=300)


async def _work(stage: Stage, pool: Pool, dsn: str) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"commit": [], "publish": [], "watermark": []}
    for _ in range(_ROUNDS):
        visits = [new_id() for _ in range(_COMMITS)]
        taken["commit"].append(await _commit(pool, visits))
        taken["watermark"].append(await _move(pool, visits))
    async with running_relay(pool, dsn, stage.access("visits")) as relay:
        for _ in range(_ROUNDS):
            taken["publish"].append(await through_outbox(pool, relay, _PUBLISHED))
    return taken


async def _commit(pool: Pool, visits: list[UUID]) -> float:
    start = time.perf_counter()
    for visit in visits:
        async with transaction(pool) as conn:
            await emit(conn, declined(visit), now=datetime.now(UTC))
    return time.perf_counter() - start


async def _move(pool: Pool, visits: list[UUID]) -> float:
    start = time.perf_counter()
    for visit in visits:
        async with transaction(pool) as conn:
            await advance(conn, "visits.message", TOPIC, visit, 1, new_id())
    return time.perf_counter() - start
