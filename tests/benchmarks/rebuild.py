"""Rebuild: a log that was lost is filled again from the outbox, in its order and under the ids of its events.

Timed from before the transaction in which an operator asks for it to the last fact acknowledged and struck off. Who
reads the log again knows what it had: that is in `consumer`.
"""

from __future__ import annotations

import statistics
import time

from shared.db import open_pool
from shared.kafka.log_state import ask_for_replay
from tests.benchmarks.figures import Row, at_least
from tests.benchmarks.relay import published, running_relay, through_outbox
from tests.benchmarks.stage import Stage

_ROUNDS = 3


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` facts that were published once, three times again; the median."""
    access = stage.access("visits")
    urls = stage.database("visits")
    pool = await open_pool(urls.run, size=6, name="bench")
    rates = []
    try:
        cluster = await access.cluster_id()
        async with running_relay(pool, urls.run, access) as relay:
            await through_outbox(pool, relay, size)
            for _ in range(_ROUNDS):
                stage.tidy(urls)
                before, start = relay.published, time.perf_counter()
                pending = await ask_for_replay(pool, cluster)
                await published(relay, before + pending)
                rates.append(pending / (time.perf_counter() - start))
    finally:
        pool.terminate()
    return [Row("rebuild: outbox → an empty log", "facts/s", statistics.median(rates), "", None, at_least(1_000))]
