"""How long a log that lost everything takes to be rebuilt from the outboxes: from the wish for it until nothing is pending."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg

from deploy.local.installation import Installation
from deploy.local.topology import SERVICES

_LOOK_SECONDS = 0.02
_COUNT = "select (select count(*) from outbox_pending), (select count(*) from outbox), (select epoch from log_state)"


@dataclass(slots=True)
class _Outbox:
    """Of one service. `asked_at` is when its epoch moved, which fills the to-do list in the same transaction."""

    epoch: int | None = None
    asked_at: float | None = None
    done_at: float | None = None
    facts: int = 0


@dataclass(slots=True)
class Rebuild:
    """What was seen of it. Seconds are monotonic; they count what services need to find the new log, too."""

    outboxes: dict[str, _Outbox] = field(default_factory=dict)

    def note(self, service: str, pending: int, facts: int, epoch: int, at: float) -> None:
        one = self.outboxes.setdefault(service, _Outbox())
        if one.epoch is not None and epoch > one.epoch:
            one.asked_at, one.done_at, one.facts = at, None, facts
        if one.asked_at is not None and one.done_at is None and not pending:
            one.done_at = at
        one.epoch = epoch

    @property
    def facts(self) -> int:
        return sum(one.facts for one in self.outboxes.values())

    @property
    def seconds(self) -> float | None:
        """From the first wish to the last fact; None while it is not done, or was never asked for."""
        asked = [one for one in self.outboxes.values() if one.asked_at is not None]
        ends = [one.done_at for one in asked if one.done_at is not None]
        if not asked or len(ends) < len(asked):
            return None
        return max(ends) - min(one.asked_at for one in asked if one.asked_at is not None)

    def __str__(self) -> str:
        seconds = self.seconds
        if seconds is None:
            return "no rebuild was seen to end"
        return f"{self.facts} facts rebuilt in {seconds:.1f} s, {self.facts / seconds:.0f} a second"


@asynccontextmanager
async def watched_rebuild(gemba: Installation) -> AsyncIterator[Rebuild]:
    """Look at every outbox while this is open, and on until what was asked for is done."""
    rebuild, over = Rebuild(), asyncio.Event()

    def look_at(connections: dict[str, psycopg.Connection[tuple[int, int, int]]]) -> None:
        for service, connection in connections.items():
            row = connection.execute(_COUNT).fetchone()
            assert row is not None
            rebuild.note(service, *row, time.monotonic())

    async def keep_looking() -> None:
        opened = {service: psycopg.connect(gemba.databases[service].run, autocommit=True) for service in SERVICES}
        try:
            while not over.is_set():
                await asyncio.to_thread(look_at, opened)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for connection in opened.values():
                connection.close()

    looking = asyncio.create_task(keep_looking())
    try:
        yield rebuild
    finally:
        over.set()
        await asyncio.gather(looking, return_exceptions=True)
