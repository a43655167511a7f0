"""The relay: one at a time, everything pending, and what it forgets was acknowledged by the log it accounts for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError

from deploy.local.databases import DatabaseUrls
from shared.db import transaction
from shared.errors import Transient
from shared.ids import new_id
from shared.kafka.access import KafkaAccess, cluster_of
from shared.kafka.log_state import UnknownCluster, ask_for_replay, get_log_state, recognise_cluster, take_lease
from shared.kafka.relay import DELETE_PENDING, _discard
from tests.integration.kit.parts import Publisher, declined, declined_again, eventually

pytestmark = pytest.mark.xdist_group("log")
Publishers = Callable[..., Awaitable[Publisher]]


@asynccontextmanager
async def producing(published: Publisher) -> AsyncIterator[Any]:
    """The relay's own kind of producer."""
    producer = published.access.producer()
    await published.access.start(producer)
    try:
        yield producer
    finally:
        await producer.stop()


async def versions_on_the_log(access: KafkaAccess, topic: str, *aggregates: Any) -> list[int]:
    """Versions of the records of these aggregates, in the order of their offsets."""
    consumer: AIOKafkaConsumer = access.reader()
    await access.start(consumer)
    try:
        places = [TopicPartition(topic, number) for number in range(6)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        keys = {str(aggregate).encode() for aggregate in aggregates}
        found = []
        for place in places:
            consumer.seek(place, 0)
            while await consumer.position(place) < ends[place]:
                polled = await consumer.getmany(place, timeout_ms=1000)
                found += [record for record in polled.get(place, ()) if record.key in keys]
        return [int(dict(record.headers)["ce_version"]) for record in found]
    finally:
        await consumer.stop()


async def test_what_is_acknowledged_leaves_the_list_and_the_outbox_keeps_it(publisher: Publishers) -> None:
    visits = await publisher("visits", start=False)
    facts = declined_again(new_id(), 3)
    await visits.emit(*facts)
    async with producing(visits) as producer:
        assert await visits.relay.publish_batch(producer) == 3
        assert await visits.relay.publish_batch(producer) == 0
    assert await visits.pending() == 0
    assert await visits.pool.fetchval("select count(*) from outbox") == 3
    assert await versions_on_the_log(visits.access, "gemba.visit", facts[0].visit_id) == [1, 2, 3]


class Handed:
    """A producer whose hand-over of a batch is one's own; all else is the real one's."""

    def __init__(self, real: Any, send_batch: Callable[..., Awaitable[Any]]) -> None:
        self._real, self.send_batch = real, send_batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def lost() -> asyncio.Future[Any]:
    """What a batch that ran out of time comes to."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(KafkaTimeoutError())
    return future


async def test_after_a_send_error_everything_is_still_pending_and_starts_again_from_the_first(
    publisher: Publishers,
) -> None:
    visits = await publisher("visits", start=False)
    visit = new_id()
    await visits.emit(*declined_again(visit, 3))
    async with producing(visits) as real:
        create_batch = real.create_batch
        real.create_batch = lambda: one_record_each(create_batch())
        handed: list[Any] = []

        async def lose_the_first(batch: Any, *args: Any, **options: Any) -> Any:
            handed.append(batch)
            return lost() if len(handed) == 1 else await real.send_batch(batch, *args, **options)

        with pytest.raises(KafkaError):
            await visits.relay.publish_batch(Handed(real, lose_the_first))
    assert len(handed) == 1, "the next one of its partition was not handed over: aiokafka would send it all the same"
    assert await visits.pending() == 3
    async with producing(visits) as producer:
        await visits.relay.publish_batch(producer)
    assert await versions_on_the_log(visits.access, "gemba.visit", visit) == [1, 2, 3]


def one_record_each(batch: Any) -> Any:
    """A batch that is full with its first record."""
    append = batch.append

    def append_one(**record: Any) -> Any:
        return None if batch.record_count() else append(**record)

    batch.append = append_one
    return batch


async def test_what_fills_several_batches_is_on_the_log_in_order(publisher: Publishers) -> None:
    visits = await publisher("visits", start=False)
    visit, other = new_id(), new_id()
    await visits.emit(*declined_again(visit, 5), *declined_again(other, 5))
    async with producing(visits) as producer:
        create_batch = producer.create_batch
        producer.create_batch = lambda: one_record_each(create_batch())
        assert await visits.relay.publish_batch(producer) == 10
    for aggregate in (visit, other):
        assert await versions_on_the_log(visits.access, "gemba.visit", aggregate) == [1, 2, 3, 4, 5]


async def test_a_send_error_discards_the_producer(publisher: Publishers, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = await publisher("visits", start=False)
    made: list[Any] = []
    original = KafkaAccess.producer

    def producer(self: KafkaAccess, **options: Any) -> Any:
        made.append(original(self, **options))
        if len(made) == 1:

            async def send_batch(*args: Any, **kwargs: Any) -> Any:
                raise KafkaTimeoutError

            made[0].send_batch = send_batch
        return made[-1]

    monkeypatch.setattr(KafkaAccess, "producer", producer)
    visit = new_id()
    await visits.emit(*declined_again(visit, 4))
    relay = asyncio.create_task(visits.relay.run())
    await visits.is_empty()
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    assert len(made) == 2
    assert made[0]._closed
    assert made[0]._sender.sender_task.done()


async def test_a_discarded_producer_does_not_send_what_it_still_holds(publisher: Publishers) -> None:
    """Its own stop() would flush: version 2 after version 1 was lost."""
    visits = await publisher("visits", start=False)
    visit = new_id()
    holding = AIOKafkaProducer(**visits.access.options(), acks="all", enable_idempotence=True, linger_ms=500)
    await visits.access.start(holding)
    await holding.send("gemba.visit", key=str(visit).encode(), value=b"{}", headers=[("ce_version", b"2")])
    async with asyncio.timeout(10):
        await _discard(holding)
    assert await versions_on_the_log(visits.access, "gemba.visit", visit) == []
    assert holding._sender.sender_task.done()


async def test_an_acknowledgement_of_an_old_epoch_deletes_nothing(publisher: Publishers) -> None:
    """A replay is asked for between the send and its acknowledgement."""
    visits = await publisher("visits", start=False)
    await visits.emit(declined())
    async with producing(visits) as producer:
        cluster = await cluster_of(producer.client)

        async def send_slowly(*args: Any, **options: Any) -> Any:
            sent = await producer.send_batch(*args, **options)
            await ask_for_replay(visits.pool, cluster)
            return sent

        assert await visits.relay.publish_batch(Handed(producer, send_slowly)) == 0
        assert await visits.pending() == 1
        assert await visits.relay.publish_batch(producer) == 1


async def test_only_striking_off_does_not_wait_for_the_disk(publisher: Publishers) -> None:
    """A crash that loses it publishes again what readers know; nothing else of the service may be lost by a crash."""
    visits = await publisher("visits", start=False)
    await visits.emit(declined())
    async with visits.pool.acquire() as conn:
        async with conn.transaction():
            seqs = [row["seq"] for row in await conn.fetch("select seq from outbox_pending")]
            under = await get_log_state(conn)
            assert await conn.fetchval(DELETE_PENDING, seqs, under.cluster, under.epoch)
            assert await conn.fetchval("show synchronous_commit") == "off"
        assert await conn.fetchval("show synchronous_commit") == "on", "what comes next on this connection waits again"
    assert await visits.pending() == 0


async def test_a_relay_that_lost_its_lease_strikes_off_nothing_that_was_not_acknowledged(
    publisher: Publishers,
) -> None:
    """Its successor may have died meanwhile, too: only the broker's word counts."""
    visits = await publisher("visits", start=False)
    await visits.emit(declined())
    async with producing(visits) as producer:

        async def lose_the_lease_too(*args: Any, **options: Any) -> Any:
            async with transaction(visits.pool) as conn:
                assert await take_lease(conn, visits.relay.lease, "successor", 30)
            return lost()

        with pytest.raises((Transient, KafkaError)):
            await visits.relay.publish_batch(Handed(producer, lose_the_lease_too))
    assert await visits.pending() == 1


async def test_a_replica_on_an_unknown_cluster_refuses_to_publish(publisher: Publishers) -> None:
    visits = await publisher("visits", start=False)
    await visits.emit(declined())
    await visits.pool.execute("update log_state set cluster = 'the-new-one', epoch = epoch + 1")
    async with producing(visits) as producer:
        with pytest.raises(UnknownCluster, match="gemba outbox replay"):
            await visits.relay.publish_batch(producer)
    assert await visits.pending() == 1
    with pytest.raises(UnknownCluster):
        await recognise_cluster(visits.pool, await visits.access.cluster_id())


async def test_a_replay_is_one_transaction_and_keeps_event_ids(
    publisher: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = await publisher("visits", start=False)
    await visits.emit(*declined_again(new_id(), 3))
    async with producing(visits) as producer:
        await visits.relay.publish_batch(producer)
    ids = [row[0] for row in await visits.pool.fetch("select event_id from outbox order by seq")]
    monkeypatch.setattr("shared.kafka.log_state.REFILL_PENDING", "insert into outbox_pending select 1/0")
    with pytest.raises(Exception, match="division by zero"):
        await ask_for_replay(visits.pool, "the-next-one")
    async with transaction(visits.pool) as conn:
        assert (await get_log_state(conn)).cluster != "the-next-one"
    monkeypatch.undo()
    assert await ask_for_replay(visits.pool, await visits.access.cluster_id()) == 3
    assert ids == [
        row[0]
        for row in await visits.pool.fetch("select event_id from outbox_pending join outbox using (seq) order by seq")
    ]


async def test_the_lease_lapses_in_database_time_and_goes_to_one(
    publisher: Publishers, database: Callable[[str], DatabaseUrls]
) -> None:
    """Business time stands still in every test of this file."""
    dsn = database("visits").run
    dead = await publisher("visits", start=False, dsn=dsn)
    async with transaction(dead.pool) as conn:
        assert await take_lease(conn, dead.relay.lease, "killed", 0.4)
        assert not await take_lease(conn, dead.relay.lease, "another", 5)
    heir = await publisher("visits", dsn=dsn)
    await heir.emit(declined())
    assert await heir.pending() == 1
    await heir.is_empty()
    holders = await heir.pool.fetch("select holder from leases")
    assert [row["holder"] for row in holders] != ["killed"]


async def test_a_lease_is_renewed_before_it_lapses_and_not_with_every_batch(publisher: Publishers) -> None:
    """A renewal is a commit: before every batch it would be on the way of every fact."""
    visits = await publisher("visits")
    leases = "select until, until > clock_timestamp() as holds from leases"
    seen = [await eventually(lambda: visits.pool.fetchrow(leases), "the relay takes its lease")]
    for _ in range(20):
        await visits.emit(declined())
        await visits.is_empty()
        seen.append(await visits.pool.fetchrow(leases))

    async def renewed_again() -> bool:
        seen.append(await visits.pool.fetchrow(leases))
        return bool(seen[-1]["until"] > seen[20]["until"])

    await eventually(renewed_again, "it is renewed while nothing happens")
    assert all(row["holds"] for row in seen), "at no moment was it free"
    renewals = len({row["until"] for row in seen}) - 1
    assert renewals <= 1 + (seen[-1]["until"] - seen[0]["until"]) / timedelta(seconds=2.4), "not one with each batch"


async def test_a_relay_that_stands_by_is_in_no_trouble_once_the_database_answers_again(
    publisher: Publishers, database: Callable[[str], DatabaseUrls]
) -> None:
    """It publishes nothing because the other one does: a fault of a moment must not leave its replica unready for good."""
    dsn = database("visits").run
    at_work = await publisher("visits", dsn=dsn)
    await at_work.emit(declined())
    await at_work.is_empty()
    stands_by = await publisher("visits", dsn=dsn)
    stands_by.relay._complain(Transient("The database did not answer as it should."))
    await eventually(lambda: stands_by.relay.trouble is None, "its trouble is over")


async def test_two_relays_of_one_outbox_publish_each_fact_once(
    publisher: Publishers, database: Callable[[str], DatabaseUrls]
) -> None:
    dsn = database("visits").run
    one, other = await publisher("visits", dsn=dsn), await publisher("visits", dsn=dsn)
    visit = new_id()
    await one.emit(*declined_again(visit, 40))
    await one.is_empty()
    assert await versions_on_the_log(one.access, "gemba.visit", visit) == list(range(1, 41))
    assert sorted([one.relay.published, other.relay.published]) == [0, 40]


async def test_a_relay_that_is_stopped_finishes_its_batch_and_gives_the_lease_back(
    publisher: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = await publisher("visits", start=False)
    await visits.emit(*declined_again(new_id(), 50))
    relay = asyncio.create_task(visits.relay.run())

    sending, may_go_on = asyncio.Event(), asyncio.Event()
    original = visits.relay._send_facts

    async def send_slowly(*args: Any) -> None:
        sending.set()
        await may_go_on.wait()
        await original(*args)

    monkeypatch.setattr(visits.relay, "_send_facts", send_slowly)
    await asyncio.wait_for(sending.wait(), 10)
    relay.cancel()
    may_go_on.set()
    await asyncio.gather(relay, return_exceptions=True)
    assert await visits.pool.fetchval("select count(*) from leases") == 0
    assert await visits.pending() == 0


async def test_a_wrong_password_is_said_within_the_time_limit(
    publisher: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka itself would try for ever, with a log line."""
    visits = await publisher("visits", start=False)
    monkeypatch.setattr("shared.kafka.access._START_SECONDS", 1)
    wrong = KafkaAccess(visits.access.bootstrap, "visits", "not the password")
    with pytest.raises(Transient, match=r"'visits' in within 1 s .*name and password right"):
        await wrong.cluster_id()
    for client in (wrong.producer(), wrong.reader("gemba.visit")):
        with pytest.raises(Transient, match=r"'visits' in within 1 s .*name and password right"):
            await wrong.start(client)


async def test_a_broker_that_never_answers_is_said_within_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.access._START_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        access = KafkaAccess(f"127.0.0.1:{mute.getsockname()[1]}", "visits", "secret")
        for client in (access.producer(), access.reader("gemba.visit")):
            async with asyncio.timeout(15):
                with pytest.raises(Transient, match=r"'visits' in within 1 s .*is it running"):
                    await access.start(client)
