"""The subscription: what FastStream and aiokafka would do by default, and what becomes of a poll here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.databases import DatabaseUrls
from shared.db import Connection
from shared.ids import new_id
from shared.kafka import access as kafka_access
from shared.kafka.access import KafkaAccess, cluster_of, end_client
from shared.kafka.log_reader import LogAhead, refuse_log_ahead
from shared.kafka.topics import BY_NAME
from tests.harness.servers import Servers
from tests.integration.kit.parts import (
    Listener,
    Publisher,
    access_of,
    declined,
    declined_again,
    eventually,
    raw_of,
)

pytestmark = pytest.mark.xdist_group("log")
Publishers = Callable[..., Awaitable[Publisher]]
Listeners = Callable[..., Awaitable[Listener]]
PARTITIONS = [TopicPartition("gemba.visit", number) for number in range(6)]


async def committed(access: KafkaAccess, group: str, **positions: Any) -> dict[TopicPartition, int]:
    """The group's offsets, once it has no members; `back_to` sets them first."""
    consumer = AIOKafkaConsumer(**access.options(), group_id=group, enable_auto_commit=False)
    await access.start(consumer)
    consumer.assign(PARTITIONS)
    try:
        if back_to := positions.get("back_to"):
            await consumer.commit(back_to)
        return {place: await consumer.committed(place) or 0 for place in PARTITIONS}
    finally:
        await consumer.stop()


async def ends(access: KafkaAccess) -> dict[TopicPartition, int]:
    consumer = access.reader()
    await access.start(consumer)
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(PARTITIONS)
        return found
    finally:
        await consumer.stop()


async def test_asking_for_the_cluster_never_waits_behind_a_fetch(
    test_servers: Servers, kafka_passwords: dict[str, str]
) -> None:
    """A fetch that waits for records holds up what stands behind it on its connection: each connection is asked once."""
    access = access_of(test_servers, kafka_passwords, "visits")
    consumer = AIOKafkaConsumer(**access.options(), fetch_max_wait_ms=20_000, group_id=None)
    await access.start(consumer)
    known = await cluster_of(consumer._client)
    consumer.assign(PARTITIONS)
    await consumer.seek_to_end(*PARTITIONS)
    fetching = asyncio.ensure_future(consumer.getone())
    try:
        await eventually(lambda: _waits_for_records(consumer), "a fetch waits")
        async with asyncio.timeout(5):
            assert await cluster_of(consumer._client) == known
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, consumer.stop(), return_exceptions=True)


async def _waits_for_records(consumer: AIOKafkaConsumer) -> bool:
    return bool(consumer._fetcher._in_flight) and any(
        connection._requests for connection in consumer._client._conns.values()
    )


async def test_a_group_that_is_rewound_makes_no_second_effect(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls]
) -> None:
    visits = await publisher("visits")
    dsn = database("notifications").run
    heard = await listener("notifications", dsn=dsn)
    visit = new_id()
    before = await ends(visits.access)
    await visits.emit(*declined_again(visit, 10))
    await heard.has_effects(visit, *map(str, range(1, 11)))
    await heard.broker.stop()
    access = heard.parking._access  # type: ignore[union-attr]
    await committed(access, "notifications.general", back_to=before)
    again = await listener("notifications", dsn=dsn)
    after = declined("after", visit_id=new_id())
    await visits.emit(after)
    await again.has_effects(after.visit_id, "after")
    await eventually(lambda: again.guard.handled >= 11, "the rewound facts were read again")
    assert await again.effects(visit) == [str(version) for version in range(1, 11)]


async def deaf(times: int) -> None:
    """A task that loses so many cancellations, as aiokafka's do when an answer comes in the same moment."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            times -= 1
            if times < 0:
                raise


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_consumer_whose_client_lost_a_cancellation_is_let_go_and_said(listener: Listeners, lost: int) -> None:
    """Otherwise the process would stay unready for good, between the cluster that was lost and the new one."""
    heard = await listener("notifications")
    await eventually(lambda: heard.subscription.assignment.held, "it has joined")  # type: ignore[union-attr]
    client = heard.subscription._subscriber.consumer._client  # type: ignore[union-attr]
    client._sync_task.cancel()
    client._sync_task = task = asyncio.create_task(deaf(lost))
    assert await end_client(heard.broker.stop(), 4.0 if lost else 15.0) is (lost == 0)
    assert task.done()


async def test_what_never_ends_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_access, "CANCEL_SECONDS", 0.1)
    assert not await end_client(deaf(1), 0.1)


async def test_poison_on_the_log_stops_nothing_and_offsets_move_on(publisher: Publishers, listener: Listeners) -> None:
    """With FastStream's own parser one header that is not UTF-8 fails the poll, and the next commit passes it: lost."""
    visits = await publisher("visits", start=False)
    heard = await listener("notifications", consume=False)
    producer = visits.access.producer()
    await visits.access.start(producer)
    facts = [declined("fine") for _ in range(30)]
    bad = [
        {"headers": [("x", b"\xff\xfe")]},
        {"headers": [("x", None)]},
        {"key": None},
        {"value": None},
        {"value": b"{"},
        {"value": b"x" * 300_000},
    ]
    try:
        for number, fact in enumerate(facts):
            for changes in bad if number % 10 == 5 else ():
                wrong = raw_of(declined(), 1, **changes)
                await producer.send("gemba.visit", key=wrong.key, value=wrong.value, headers=list(wrong.headers))
            right = raw_of(fact, 1)
            await producer.send("gemba.visit", key=right.key, value=right.value, headers=list(right.headers))
        await producer.flush()
    finally:
        await producer.stop()
    await heard.broker.start()
    for fact in facts:
        await heard.has_effects(fact.visit_id, "fine")

    async def all_quarantined() -> bool:
        return [row["state"] for row in await heard.parked_rows()].count("quarantined") == 3 * len(bad)

    await eventually(all_quarantined, "every poisoned record is quarantined")
    assert heard.subscription

    async def nothing_is_left() -> bool:
        assert heard.subscription
        return await heard.subscription.lag() == 0

    await eventually(nothing_is_left, "the offsets moved on")


async def test_the_default_parser_would_lose_a_whole_poll() -> None:
    """Why ours exists: this fails the day FastStream's own becomes harmless."""
    from faststream.kafka.parser import AioKafkaBatchParser

    from shared.kafka.broker import _parse_nothing

    class Message:
        def __init__(self, **options: Any) -> None:
            self.__dict__ |= options

    class Record:
        topic, partition, offset, timestamp, key = "gemba.visit", 0, 1, 0, b"k"
        headers = (("x", b"\xff\xfe"),)
        value = b"{}"

    parser = AioKafkaBatchParser(msg_class=Message, regex=None)
    with pytest.raises(UnicodeDecodeError):
        await parser.parse_batch((Record(),))
    parsed = await _parse_nothing((Record(),), parser.parse_batch)
    assert [record.headers for record in parsed.raw_message] == [(("x", b"\xff\xfe"),)]


async def test_a_stop_during_a_poll_leaves_no_acknowledged_record_unhandled(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastStream 2999: cancelled on shutdown, yet acknowledged."""
    monkeypatch.setattr("shared.kafka.broker.GRACE_SECONDS", 0.2)
    visits = await publisher("visits")
    dsn = database("notifications").run
    heard = await listener("notifications", dsn=dsn)
    handling, never = asyncio.Event(), asyncio.Event()
    fact = declined()

    async def hang(handled: Any, conn: Connection) -> None:
        if handled.visit_id == fact.visit_id:
            handling.set()
            await never.wait()

    heard.behave = hang
    await visits.emit(fact)
    await asyncio.wait_for(handling.wait(), 20)
    await heard.broker.stop()
    assert await heard.effects(fact.visit_id) == []
    successor = await listener("notifications", dsn=dsn)
    await successor.has_effects(fact.visit_id, "ill")


async def test_a_poll_in_hand_is_settled_and_committed_before_a_graceful_stop(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.broker.GRACE_SECONDS", 60)
    visits = await publisher("visits")
    dsn = database("notifications").run
    heard = await listener("notifications", dsn=dsn)
    handling, go_on = asyncio.Event(), asyncio.Event()
    fact = declined()

    async def be_slow(handled: Any, conn: Connection) -> None:
        if handled.visit_id == fact.visit_id:
            handling.set()
            await go_on.wait()

    heard.behave = be_slow
    await visits.emit(fact)
    await asyncio.wait_for(handling.wait(), 20)
    stopping = asyncio.create_task(heard.broker.stop())
    go_on.set()
    await stopping
    assert await heard.effects(fact.visit_id) == ["ill"]
    access = heard.parking._access  # type: ignore[union-attr]
    assert await committed(access, "notifications.general") == await ends(access)


async def test_a_failed_record_is_not_passed_by_a_later_commit(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls]
) -> None:
    """FastStream 2618. The record whose handler raised is parked in the very transaction's place, then committed."""
    visits = await publisher("visits")
    heard = await listener("notifications")
    sick, healthy = declined("sick"), declined("healthy")
    working = False

    async def raise_for_sick(handled: Any, conn: Connection) -> None:
        if handled.reason == "sick" and not working:
            raise RuntimeError("bug")

    heard.behave = raise_for_sick
    await visits.emit(sick, healthy)
    await heard.has_effects(healthy.visit_id, "healthy")
    working = True
    await heard.has_effects(sick.visit_id, "sick")


async def test_a_poll_is_committed_only_under_the_assignment_in_which_it_was_read(
    listener: Listeners,
) -> None:
    heard = await listener("notifications")
    assert heard.subscription
    subscription = heard.subscription
    commits: list[Any] = []

    class Consumer:
        _client = None

        async def commit(self, offsets: Any) -> None:
            commits.append(offsets)
            await asyncio.Event().wait()  # aiokafka's own retries, which would go on under the next assignment

    fact = declined()
    record = raw_of(fact, 1)

    async def is_ours(*_: Any) -> bool:
        return True

    subscription._is_ours = is_ours  # type: ignore[method-assign]
    committing = asyncio.create_task(subscription._settle_poll([record], Consumer()))
    await eventually(lambda: commits, "the commit began")
    await subscription.assignment.on_partitions_revoked(())
    await asyncio.wait({committing}, timeout=10)
    assert committing.done(), "a commit is given up with its assignment"

    async def reassign(handled: Any, conn: Connection) -> None:
        await subscription.assignment.on_partitions_assigned(())

    heard.behave = reassign
    await subscription._settle_poll([raw_of(declined(), 1)], Consumer())
    assert len(commits) == 1
    assert await heard.effects(fact.visit_id) == ["ill"]


async def test_records_of_an_unknown_cluster_are_not_consumed(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls]
) -> None:
    visits = await publisher("visits")
    dsn = database("notifications").run
    heard = await listener("notifications", dsn=dsn, cluster="the-one-before")
    fact = declined()
    await visits.emit(fact)
    assert heard.subscription
    await asyncio.wait_for(heard.subscription.met_other_cluster.wait(), 20)
    assert heard.guard.handled == 0
    await heard.broker.stop()
    again = await listener("notifications", dsn=dsn)
    await again.has_effects(fact.visit_id, "ill")


async def test_a_database_older_than_the_log_refuses_to_start(publisher: Publishers) -> None:
    """Restored on a surviving log, it would take facts from after its instant as news and drop its own as repeats."""
    visits = await publisher("visits")
    await visits.emit(declined())
    await visits.is_empty()
    restored = await publisher("visits", start=False)
    with pytest.raises(LogAhead, match="newly formatted log"):
        await refuse_log_ahead(restored.access, restored.pool, [BY_NAME["gemba.visit"]])


async def test_a_database_that_knows_the_end_of_its_log_may_start(
    kafka_server: Servers, kafka_passwords: dict[str, str], publisher: Publishers
) -> None:
    visits = await publisher("visits")
    facts = [declined() for _ in range(40)]  # every partition ends with one of them
    await visits.emit(*facts)
    await visits.is_empty()
    await refuse_log_ahead(access_of(kafka_server, kafka_passwords, "visits"), visits.pool, [BY_NAME["gemba.visit"]])


async def test_every_fact_is_handled_once_while_consumers_come_and_go(
    publisher: Publishers, listener: Listeners, database: Callable[[str], DatabaseUrls]
) -> None:
    visits = await publisher("visits")
    dsn = database("notifications").run
    first = await listener("notifications", dsn=dsn)
    chosen = [new_id() for _ in range(8)]
    for version in range(1, 11):
        await visits.emit(*(declined(str(version), visit_id=visit) for visit in chosen))
        if version == 3:
            second = await listener("notifications", dsn=dsn)
        if version == 7:
            await first.broker.stop()
    for visit in chosen:
        await second.has_effects(visit, *map(str, range(1, 11)))
