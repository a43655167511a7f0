"""PostgreSQL commits and its answer is lost on the way: the client is told that it failed, and its repetition finds it done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest

from deploy.local.databases import DatabaseUrls
from deploy.local.size import by_detour
from shared.commands import Idempotency, command
from shared.db import Pool, open_pool
from shared.errors import Transient
from shared.ids import new_id
from shared.kafka.outbox import emit
from tests.chaos.wire import Wire
from tests.integration.kit.parts import NOON, declined

_TIMES = 200


@pytest.fixture
async def wire(database: Callable[[str], DatabaseUrls]) -> AsyncIterator[tuple[Wire, Pool, Pool]]:
    """A relay on the way to a database, a pool that goes through it, and one that does not."""
    dsn = database("visits").run
    made = Wire("postgres-visits", urlsplit(dsn).port or 5432)
    await made.start()
    through = await open_pool(by_detour(dsn, made.port), size=2, name="through the wire")
    direct = await open_pool(dsn, size=1, name="direct")
    yield made, through, direct
    through.terminate()
    direct.terminate()
    await made.stop()


async def _wish(pool: Pool, key: str) -> bool:
    """One command with one fact; whether it was done before."""
    async with command(pool, Idempotency.of(key, "test", {"wish": key})) as act:
        if not act.repeated:
            await emit(act.conn, declined(), now=NOON)
            await act.done(new_id())
        return act.repeated


async def test_every_command_whose_answer_was_lost_has_one_effect(wire: tuple[Wire, Pool, Pool]) -> None:
    relay, through, direct = wire
    for number in range(_TIMES):
        key = str(new_id())
        relay.set("reset")
        with pytest.raises(Transient):
            await _wish(through, key)
        relay.set("pass")
        assert await direct.fetchval("select count(*) from outbox") == number + 1, "it was committed all the same"
        assert await _wish(through, key), "and the repetition finds it done"
    assert relay.torn == _TIMES
    assert await direct.fetchval("select count(*) from outbox") == _TIMES
