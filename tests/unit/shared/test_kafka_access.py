"""A client of the log is started within a limit, and whoever is cancelled meanwhile is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.errors import Transient
from shared.kafka import access as kafka_access
from shared.kafka.access import KafkaAccess

ACCESS = KafkaAccess("127.0.0.1:1", "visits", "unused")


class Client:
    """Starts after so many turns of the loop; never, for None."""

    def __init__(self, turns: int | None) -> None:
        self.turns = turns
        self.stopped = 0

    async def start(self) -> None:
        if self.turns is None:
            await asyncio.Event().wait()
        for _ in range(self.turns or 0):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.stopped += 1


async def start(client: Any) -> None:
    await ACCESS.start(client)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_in_the_moment_of_the_answer_is_not_lost(turns: int) -> None:
    """Otherwise a relay that is asked to stop while it gets its producer would publish on for ever."""
    for since in range(10):
        client = Client(turns)
        starting = asyncio.create_task(start(client))
        for _ in range(since):
            await asyncio.sleep(0)
        if starting.cancel():
            await asyncio.wait({starting})
            assert starting.cancelled(), f"cancelled after {since} turns"
            assert client.stopped == 1 or since == 0


async def test_what_does_not_start_is_given_up_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_access, "_START_SECONDS", 0.05)
    client = Client(None)
    with pytest.raises(Transient, match="did not let principal"):
        await start(client)
    assert client.stopped == 1
