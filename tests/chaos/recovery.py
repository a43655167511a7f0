"""Seeing that all is well again: whoever was ended runs as another process, all are ready, brokers in sync, deadlines met."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import psycopg

from deploy.local.kafka_login import client_settings
from deploy.local.topology import SERVICES
from tests.chaos.kinds import Kind
from tests.chaos.stage import Stage

RECOVERY_SECONDS = 90.0
LATE_SECONDS = 10.0
_POLL_SECONDS = 0.2


class Recovery:
    """Of one stage. `killed`: what was ended, with the process it was; well again is only what runs as another one."""

    def __init__(self, stage: Stage, killed: Mapping[str, int]) -> None:
        self._stage = stage
        self._killed = killed

    async def wait(self, kind: Kind) -> str:
        """Return when all is well, or what is still wrong when the time limit is over."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        well: list[Callable[[], Awaitable[str]]] = [self._all_run_again, self._all_ready]
        if kind.target in {"broker", "brokers"}:
            well.append(self._all_in_sync)
        for condition in well:
            while trouble := await condition():
                if time.monotonic() > deadline:
                    return trouble
                await asyncio.sleep(_POLL_SECONDS)
        return ""

    async def _all_run_again(self) -> str:
        """A process that was ended a moment ago may still answer, and a cluster may not have missed its broker yet."""
        pids = self._stage.gemba.supervisor.pids()
        again = self._stage.gemba.supervisor.runs_again
        gone = [name for name, pid in self._killed.items() if pids.get(name, pid) == pid or not again(name)]
        return f"not started again: {', '.join(gone)}" if gone else ""

    async def _all_ready(self) -> str:
        missing = await self._stage.not_ready()
        return f"not ready: {', '.join(missing)}" if missing else ""

    async def _all_in_sync(self) -> str:
        return await asyncio.to_thread(self._out_of_sync)

    def _out_of_sync(self) -> str:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        address = self._stage.gemba.kafka
        client = AdminClient(client_settings(address.bootstrap, address.user, address.password))
        try:
            topics = client.list_topics(timeout=5).topics.values()
        except KafkaException as fault:
            return f"the brokers do not answer: {fault}"
        wanted = min(3, self._stage.gemba.size.brokers)
        behind = sum(len(part.isrs) < wanted for topic in topics for part in topic.partitions.values())
        return f"{behind} partitions are not in sync" if behind or not topics else ""

    async def late_timers(self) -> int:
        """Deadlines that are still not acted upon ten seconds after everybody was ready."""
        deadline = time.monotonic() + LATE_SECONDS
        while late := await asyncio.to_thread(self._due_timers):
            if time.monotonic() > deadline:
                return late
            await asyncio.sleep(_POLL_SECONDS)
        return 0

    def _due_timers(self) -> int:
        count = 0
        for service in SERVICES:
            with psycopg.connect(self._stage.gemba.databases[service].run) as connection:
                row = connection.execute(
                    "select count(*) from timers where due_at <= %s", (self._stage.clock.now() - timedelta(seconds=1),)
                ).fetchone()
                count += row[0] if row else 0
        return count
