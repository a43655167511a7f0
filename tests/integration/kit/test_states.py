"""State topics: state and version are read together, a later relay fences an earlier one, the newest wins, erased is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from aiokafka.errors import KafkaError, ProducerFenced

from deploy.local.databases import DatabaseUrls
from shared.contracts.person import PersonState
from shared.db import Connection, transaction
from shared.ids import new_id
from shared.kafka.access import KafkaAccess
from shared.kafka.inbox import is_known
from shared.kafka.log_state import ask_for_replay, snapshot_states
from shared.kafka.outbox import emit_state
from tests.integration.kit.parts import NOON, Listener, Publisher, eventually, raw_of

pytestmark = pytest.mark.xdist_group("log")
Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]
TOPIC = "gemba.person"


def person(person_id: UUID, name: str) -> PersonState:
    return PersonState(
        person_id=person_id, key_name=name, name=name, country="BD", roles=(), countries=("BD",), language="en",
        zone="Asia/Dhaka",
    )  # fmt: skip


class Directory:
    """The owner of people; its own table is a column of the kit's."""

    def __init__(self, published: Publisher) -> None:
        self.published = published
        self.pool = published.pool

    async def save(self, person_id: UUID, name: str) -> None:
        async with transaction(self.pool) as conn:
            await conn.execute(
                """
                insert into commands (scope, key, request_hash) values ('person', $1, $2)
                on conflict (scope, key) do update set request_hash = excluded.request_hash
                """,
                str(person_id),
                name.encode(),
            )
            await emit_state(conn, TOPIC, person_id, now=NOON)

    async def erase(self, person_id: UUID) -> None:
        async with transaction(self.pool) as conn:
            await conn.execute("delete from commands where key = $1", str(person_id))
            await emit_state(conn, TOPIC, person_id, now=NOON, erased=True)


async def load(conn: Connection, topic: str, keys: Sequence[UUID]) -> Mapping[UUID, PersonState]:
    rows = await conn.fetch(
        "select key, request_hash from commands where scope = 'person' and key = any($1::text[])",
        [str(key) for key in keys],
    )
    return {UUID(row["key"]): person(UUID(row["key"]), row["request_hash"].decode()) for row in rows}


@pytest.fixture
async def make_directory(publisher: Publishers) -> Callable[..., Awaitable[Directory]]:
    async def make(**options: Any) -> Directory:
        return Directory(await publisher("directory", lane="state", load_states=load, **options))

    return make


Directories = Callable[..., Awaitable[Directory]]


async def names(heard: Listener, person_id: UUID) -> list[str | None]:
    return [state.name if state else None for key, state in heard.seen_states if key == person_id]


async def until(heard: Listener, person_id: UUID, last: str | None) -> list[str | None]:
    async def there() -> bool:
        seen = await names(heard, person_id)
        return bool(seen) and seen[-1] == last

    await eventually(there, f"the copy is {last!r}")
    return await names(heard, person_id)


async def test_what_is_published_is_the_newest_state_with_its_own_version(
    make_directory: Directories, listener: Listeners
) -> None:
    """Two changes before the relay comes are one record: version 2 with the state of version 2, never 1 with that of 2."""
    heard = await listener("visits", facts=(), states=(PersonState,))
    directory = await make_directory(start=False)
    amina = new_id()
    await directory.save(amina, "Amina")
    await directory.save(amina, "Amina R.")
    relay = asyncio.create_task(directory.published.relay.run())
    try:
        assert await until(heard, amina, "Amina R.") == ["Amina R."]
        version = await heard.pool.fetchval("select version from state_copies where aggregate = $1", amina)
        assert version == 2
        await directory.save(amina, "Amina Rahman")
        assert await until(heard, amina, "Amina Rahman") == ["Amina R.", "Amina Rahman"]
        await directory.erase(amina)
        assert await until(heard, amina, None) == ["Amina R.", "Amina Rahman", None]
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def test_a_second_relay_fences_the_first(
    make_directory: Directories, database: Callable[[str], DatabaseUrls]
) -> None:
    """Relay A reads version 1 and pauses, B publishes the tombstone: A must not be able to write any more."""
    dsn = database("directory").run
    one, other = await make_directory(start=False, dsn=dsn), await make_directory(start=False, dsn=dsn)
    await one.save(new_id(), "Amina")
    access = one.published.access
    transactional_id = f"directory.test-{new_id()}"
    first, second = (
        access.producer(transactional_id=transactional_id),
        access.producer(transactional_id=transactional_id),
    )
    await access.start(first)
    try:
        async with first.transaction():
            pass
        await access.start(second)
        try:
            with pytest.raises((ProducerFenced, KafkaError)):
                await one.published.relay.publish_batch(first)
            assert await one.published.pending() == 1
            assert await other.published.relay.publish_batch(second) == 1
        finally:
            await second.stop()
    finally:
        first._closed = True
        first._sender.sender_task.cancel()
        await asyncio.gather(first._sender.sender_task, return_exceptions=True)
        await first.client.close()


async def test_relays_of_one_state_lane_fence_each_other(
    make_directory: Directories, database: Callable[[str], DatabaseUrls], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which they do by one transactional id, whoever holds the lane."""
    ids: list[str | None] = []
    original = KafkaAccess.producer

    def noted(access: KafkaAccess, *, transactional_id: str | None = None) -> Any:
        ids.append(transactional_id)
        return original(access, transactional_id=transactional_id)

    monkeypatch.setattr(KafkaAccess, "producer", noted)
    dsn = database("directory").run
    for count in (1, 2):
        directory = await make_directory(start=False, dsn=dsn)
        relay = asyncio.create_task(directory.published.relay.run())
        await eventually(lambda count=count: len(ids) == count, "the relay has a producer")  # type: ignore[misc]
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    assert ids[0] is not None
    assert ids[0] == ids[1]


async def test_a_tombstone_is_known_and_beats_a_late_older_copy(listener: Listeners) -> None:
    heard = await listener("visits", facts=(), states=(PersonState,), consume=False)
    amina = new_id()
    old, newer = raw_of(person(amina, "Amina"), 1), raw_of(person(amina, "Amina R."), 2)
    tombstone = raw_of(person(amina, "x"), 3, value=None)
    await heard.deliver(newer, tombstone, old)
    assert await names(heard, amina) == ["Amina R.", None]
    async with heard.pool.acquire() as conn:
        assert await is_known(conn, TOPIC, amina)
        assert not await is_known(conn, TOPIC, new_id())


async def test_a_consumer_that_saw_only_the_tombstone_knows_the_key(listener: Listeners) -> None:
    heard = await listener("visits", facts=(), states=(PersonState,), consume=False)
    erased = new_id()
    await heard.deliver(raw_of(person(erased, "x"), 7, value=None))
    async with heard.pool.acquire() as conn:
        assert await is_known(conn, TOPIC, erased)


async def test_a_snapshot_has_every_key_with_its_tombstones(make_directory: Directories, listener: Listeners) -> None:
    """Erased while the broker was wiped: without its tombstone the copy would live for ever."""
    directory = await make_directory(start=False)
    amina, erased = new_id(), new_id()
    await directory.save(amina, "Amina")
    await directory.save(erased, "Babul")
    await directory.erase(erased)
    await directory.pool.execute("delete from outbox_pending")  # published to a log that is lost
    await snapshot_states(directory.pool)
    assert await directory.published.pending() == 2
    await directory.pool.execute("delete from outbox_pending")
    assert await ask_for_replay(directory.pool, await directory.published.access.cluster_id()) == 2
    heard = await listener("visits", facts=(), states=(PersonState,))
    relay = asyncio.create_task(directory.published.relay.run())
    try:
        assert await until(heard, amina, "Amina") == ["Amina"]
        assert await until(heard, erased, None) == [None]
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def test_a_parked_state_holds_no_body_and_is_read_from_the_log_again(
    make_directory: Directories, listener: Listeners
) -> None:
    directory = await make_directory()
    heard = await listener("visits", facts=(), states=(PersonState,))
    amina = new_id()
    broken = True

    async def refuse(state: Any, conn: Connection) -> None:
        if broken and state is not None and state.person_id == amina:
            raise RuntimeError("bug")

    heard.behave = refuse
    await directory.save(amina, "Amina")

    async def parked() -> bool:
        return any(row["aggregate"] == amina for row in await heard.parked_rows())

    await eventually(parked, "the record is parked")
    (row,) = [row for row in await heard.parked_rows() if row["aggregate"] == amina]
    assert row["value"] is None
    assert "Amina" not in str(tuple(row.values()))
    broken = False
    assert await until(heard, amina, "Amina") == ["Amina"]

    async def settled() -> bool:
        return not await parked()

    await eventually(settled, "nothing is parked any more")


async def test_a_parked_state_of_a_lost_cluster_is_let_go(make_directory: Directories, listener: Listeners) -> None:
    """Another record stands at its place now; the replay brought the state again."""
    directory = await make_directory()
    await directory.save(new_id(), "Somebody")
    await directory.published.is_empty()
    heard = await listener("visits", facts=(), states=(PersonState,), consume=False)

    async def fail(*_: Any) -> None:
        raise RuntimeError("bug")

    heard.behave = fail
    await heard.deliver(raw_of(person(new_id(), "Amina"), 1, offset=0, cluster="the-one-before"))
    heard.behave = None

    async def gone() -> bool:
        return await heard.parked() == []

    await eventually(gone, "the row is gone")
    assert heard.seen_states == []
