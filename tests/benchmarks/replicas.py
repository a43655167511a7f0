"""Partitions × replicas: what more processes of a service gain, and what partitions it takes for them to share the work.

Each replica is a process with the subscription, the guard and a pool of its own, in one consumer group, on one database.
On a machine with fewer processors than replicas this shows what sharing costs; where it should end is one more replica
that gains nothing and loses nothing. `python -m tests.benchmarks.replicas` is such a replica.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Any

import asyncpg

from deploy.local.kafka_answers import ANSWER_SECONDS, answers, refuse, wait_for
from deploy.local.kafka_login import admin_client
from deploy.local.provision import provision_kafka
from shared.clock import RealClock
from shared.contracts.visit import VisitDeclined
from shared.db import Connection, open_pool
from shared.kafka.access import KafkaAccess
from shared.kafka.broker import Subscription, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.topics import BY_NAME
from tests.benchmarks.figures import Row
from tests.benchmarks.records import TOPIC, facts, publish, record_of
from tests.benchmarks.stage import Stage

PARTITIONS = (1, 6, 24)
REPLICAS = (1, 2, 4)
_ROUNDS = 3
_LOOK_SECONDS = 0.05
_START_SECONDS = 60.0

EFFECTS = """
    create table effects (aggregate uuid not null, reason text not null, replica int not null,
                          at timestamptz not null default clock_timestamp());
    grant select, insert on effects to public;
"""
EFFECT = "insert into effects (aggregate, reason, replica) values ($1, $2, $3)"
DONE = "select count(*) from effects"
SPAN = """
    select extract(epoch from max(at) - min(at))::float8 as seconds, count(distinct replica) as at_work
    from (select * from effects order by at offset $1) these
"""


async def measure(stage: Stage, size: int) -> list[Row]:
    """`size` facts a round, the median of three; beside each figure that of one replica on one partition."""
    rates = {
        (partitions, replicas): await _rate(stage, partitions, replicas, size)
        for partitions in PARTITIONS
        for replicas in REPLICAS
    }
    alone = rates[PARTITIONS[0], REPLICAS[0]]
    return [
        Row(
            f"an ordinary handler, {replicas} replicas ({at_work} of them at work), {partitions} partitions",
            "facts/s",
            rate,
            "one replica, one partition",
            alone[0],
        )
        for (partitions, replicas), (rate, at_work) in rates.items()
    ]


async def _rate(stage: Stage, partitions: int, replicas: int, size: int) -> tuple[float, int]:
    """Facts a second, and how many replicas had some of them."""
    _topic_of(stage, partitions)
    dsn = stage.database("scheduler", EFFECTS).run
    conn = await asyncpg.connect(dsn)
    rates: list[float] = []
    at_work = 0
    try:
        async with _running(stage, dsn, replicas):
            for number in range(_ROUNDS):
                stage.tidy()
                await publish(stage.admin, [record_of(fact, version) for fact, version in facts(size)])
                while await conn.fetchval(DONE) < size * (number + 1):
                    await asyncio.sleep(_LOOK_SECONDS)
                span = await conn.fetchrow(SPAN, size * number)
                rates.append(size / span["seconds"])
                at_work = max(at_work, span["at_work"])
    finally:
        await conn.close()
    return statistics.median(rates), at_work


def _topic_of(stage: Stage, partitions: int) -> None:
    """The topic anew, empty, with so many partitions; its readers may read it as before."""
    given = stage.servers
    client = admin_client(given.kafka_bootstrap, given.kafka_admin_user, given.kafka_admin_password)
    refuse("topics", answers(client.delete_topics([TOPIC], operation_timeout=ANSWER_SECONDS).values()))
    wait_for(lambda: f"{TOPIC} is still there" * (TOPIC in client.list_topics(timeout=ANSWER_SECONDS).topics))
    provision_kafka(
        given.kafka_bootstrap,
        given.kafka_admin_user,
        given.kafka_admin_password,
        stage.passwords,
        [replace(BY_NAME[TOPIC], partitions=partitions)],
        exclusive=False,
    )


@asynccontextmanager
async def _running(stage: Stage, dsn: str, replicas: int) -> AsyncIterator[None]:
    """So many processes that have joined their group; gone afterwards."""
    access = json.dumps(asdict(stage.access("scheduler")))
    started: list[asyncio.subprocess.Process] = []
    try:
        for number in range(replicas):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, dsn, str(number), stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            started.append(process)
            assert process.stdin is not None, "it was asked for"
            process.stdin.write(access.encode() + b"\n")
            await process.stdin.drain()
        for process in started:
            assert process.stdout is not None, "it was asked for"
            said = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
            assert said == b"joined\n", f"a replica did not start: it said {said!r}"
        yield
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _replica(dsn: str, number: int) -> None:
    access = KafkaAccess(**json.loads(sys.stdin.readline()))
    pool = await open_pool(dsn, size=10, name="bench")

    async def on_declined(fact: VisitDeclined, *, conn: Connection, deps: Any) -> None:
        await conn.execute(EFFECT, fact.visit_id, fact.reason, number)

    guard = Guard(Consumer("scheduler.general", facts={VisitDeclined: on_declined}), pool, RealClock(), None)
    broker = build_broker(access)
    subscription = Subscription(guard, await access.cluster_id())
    subscription.attach(broker)
    await broker.start()
    while not subscription.assignment.held:
        await asyncio.sleep(_LOOK_SECONDS)
    print("joined", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_replica(sys.argv[1], int(sys.argv[2])))
