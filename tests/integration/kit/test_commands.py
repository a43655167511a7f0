"""Idempotency keys: the client that did not see our answer asks again, and gets the same one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from shared.commands import Idempotency, command
from shared.db import Pool
from shared.errors import Rejected
from shared.ids import new_id
from shared.kafka.outbox import emit
from tests.integration.kit.parts import NOON, declined

Pools = Callable[[str], Awaitable[Pool]]
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"


async def decline(pool: Pool, asked: Idempotency, *, fail: bool = False) -> UUID:
    """A use case: one fact, unless this was done before."""
    async with command(pool, asked) as doing:
        if doing.repeated:
            return doing.earlier_result
        fact = declined()
        await emit(doing.conn, fact, now=NOON)
        if fail:
            raise RuntimeError("broken after the effect")
        return await doing.done(fact.visit_id)


async def facts(pool: Pool) -> int:
    count: int = await pool.fetchval("select count(*) from outbox")
    return count


async def test_the_same_key_at_once_has_one_effect_and_one_result(open_database: Pools) -> None:
    pool = await open_database("visits")
    asked = Idempotency.of(KEY, "decline/somebody", {"visit": "v"})
    results = await asyncio.gather(*(decline(pool, asked) for _ in range(6)))
    assert len(set(results)) == 1
    assert await facts(pool) == 1


async def test_after_a_lost_reply_the_same_key_gets_the_same_result(open_database: Pools) -> None:
    """A killed PostgreSQL can commit what the client saw fail."""
    pool = await open_database("visits")
    asked = Idempotency.of(KEY, "decline/somebody", {"visit": "v"})
    first = await decline(pool, asked)
    assert await decline(pool, asked) == first
    assert await facts(pool) == 1


async def test_the_same_key_for_another_request_is_refused(open_database: Pools) -> None:
    pool = await open_database("visits")
    await decline(pool, Idempotency.of(KEY, "decline/somebody", {"visit": "v"}))
    with pytest.raises(Rejected) as refused:
        await decline(pool, Idempotency.of(KEY, "decline/somebody", {"visit": "w"}))
    assert (refused.value.code, refused.value.status) == ("idempotency_key_reused", 422)
    assert await facts(pool) == 1


async def test_two_people_may_use_the_same_key(open_database: Pools) -> None:
    pool = await open_database("visits")
    one = await decline(pool, Idempotency.of(KEY, "decline/one", {}))
    assert await decline(pool, Idempotency.of(KEY, "decline/other", {})) != one


async def test_a_failed_command_leaves_nothing_and_may_be_tried_again(open_database: Pools) -> None:
    pool = await open_database("visits")
    asked = Idempotency.of(KEY, "decline/somebody", {})
    with pytest.raises(RuntimeError):
        await decline(pool, asked, fail=True)
    assert await facts(pool) == 0
    assert await pool.fetchval("select count(*) from commands") == 0
    await decline(pool, asked)
    assert await facts(pool) == 1


async def test_one_that_waits_for_another_that_fails_does_the_work_itself(open_database: Pools) -> None:
    pool = await open_database("visits")
    asked = Idempotency.of(KEY, "decline/somebody", {})
    results = await asyncio.gather(
        decline(pool, asked, fail=True), decline(pool, asked), decline(pool, asked), return_exceptions=True
    )
    assert isinstance(results[0], RuntimeError)
    assert results[1] == results[2]
    assert await facts(pool) == 1


async def test_the_request_itself_is_not_kept(open_database: Pools) -> None:
    pool = await open_database("visits")
    await decline(pool, Idempotency.of(KEY, "decline/somebody", {"reason": "a confidence"}))
    assert "confidence" not in str(tuple(await pool.fetchrow("select * from commands")))


@pytest.mark.parametrize("key", ["", "short", "x" * 201])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Rejected, match="8 to 200 characters") as refused:
        Idempotency.of(key, "decline/somebody", {})
    assert refused.value.status == 400


def test_requests_are_the_same_when_their_json_is() -> None:
    identifier = new_id()
    one = Idempotency.of(KEY, "s", {"a": 1, "b": identifier})
    assert one == Idempotency.of(KEY, "s", {"b": str(identifier), "a": 1})
