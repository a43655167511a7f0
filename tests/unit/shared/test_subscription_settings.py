"""Every default of FastStream, aiokafka and APScheduler that loses something, asserted over what is really declared."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faststream import AckPolicy

from deploy.local.program import Program
from shared import assembly, serve
from shared.assembly import _ticks
from shared.clock import RealClock
from shared.contracts.case import CaseOpened
from shared.contracts.visit import VisitDeclined
from shared.kafka.access import KafkaAccess
from shared.kafka.broker import GRACE_SECONDS, Subscription, _faststream_log, _parse_nothing, build_broker
from shared.kafka.consumer import Consumer
from shared.kafka.guard import Guard
from shared.kafka.relay import _LAST_BATCH_SECONDS
from shared.kafka.topics import TOPICS, lanes_of, topics_of
from shared.wakeups import Wakeups

GROUPS = sorted({group for topic in TOPICS for group in topic.groups})
ACCESS = KafkaAccess("localhost:1", "visits", "secret")


@pytest.fixture
async def broker() -> Any:
    broker = build_broker(ACCESS)
    for group in GROUPS:
        Subscription(Guard(Consumer(group), None, RealClock(), None), "c").attach(broker)  # type: ignore[arg-type]
    return broker


async def test_every_subscriber_acknowledges_by_hand_in_its_own_group_from_the_beginning(broker: Any) -> None:
    assert sorted(subscriber.group_id for subscriber in broker.subscribers) == GROUPS
    for subscriber in broker.subscribers:
        arguments = subscriber._connection_args
        assert subscriber.ack_policy is AckPolicy.MANUAL  # default: ACK_FIRST, at most once
        assert arguments["enable_auto_commit"] is False
        assert arguments["auto_offset_reset"] == "earliest"  # default: latest
        assert arguments["isolation_level"] == "read_committed"  # default: read_uncommitted
        assert subscriber._no_reply is True
        assert subscriber.max_records == 500
        assert [topic.name for topic in subscriber.topics] == [topic.name for topic in topics_of(subscriber.group_id)]


async def test_every_subscriber_sees_raw_records_and_does_not_sleep_between_polls(broker: Any) -> None:
    for subscriber in broker.subscribers:
        assert type(subscriber).__name__ == "BatchSubscriber"  # one worker: several drop their commits when stopped
        assert subscriber.get_msg.__func__ is Subscription._get_poll
        assert subscriber._parser is not None
        assert subscriber._call_options.parser is _parse_nothing


async def test_the_broker_publishes_nothing_makes_no_topics_and_waits_for_polls_in_hand(broker: Any) -> None:
    config = broker.config.broker_config
    assert config.consumer_only is True
    assert config.allow_auto_create_topics is False
    assert config.graceful_timeout == GRACE_SECONDS  # default: cancelled at once
    assert config.logger.params_storage.get_logger(context=config.fd_config.context) is _faststream_log
    assert _faststream_log.propagate  # its own would not


async def test_groups_are_joined_side_by_side(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = asyncio.Barrier(len(GROUPS))

    async def joined_by_all() -> None:
        await everybody.wait()

    async def connect() -> None: ...

    monkeypatch.setattr(broker, "connect", connect)
    for subscriber in broker.subscribers:
        monkeypatch.setattr(subscriber, "start", joined_by_all)
    async with asyncio.timeout(60):
        await broker.start()
    assert broker.running


async def test_a_group_that_cannot_be_joined_leaves_no_other_one_half_joined(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[str] = []

    async def refused() -> None:
        raise ConnectionError

    async def joining() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append("given up")

    async def connect() -> None: ...

    monkeypatch.setattr(broker, "connect", connect)
    for number, subscriber in enumerate(broker.subscribers):
        monkeypatch.setattr(subscriber, "start", joining if number else refused)
    with pytest.raises(ConnectionError):
        await broker.start()
    assert len(given_up) == len(GROUPS) - 1, "whoever stops the broker now meets nobody who joins behind its back"


async def test_the_time_to_stop_ends_before_a_supervisor_kills() -> None:
    """Requests first, then what was read, sent and due: whoever is killed in the middle of it is delivered it again."""
    assert Program.stop_seconds >= serve._FINISH_SECONDS + assembly._STOP_SECONDS + assembly._CLOSE_SECONDS
    assert max(GRACE_SECONDS, _LAST_BATCH_SECONDS) < assembly._STOP_SECONDS


async def test_a_producer_is_idempotent_and_acknowledged_by_all() -> None:
    producer = ACCESS.producer()
    assert producer._sender._acks == -1  # default: 1
    assert producer._txn_manager is not None  # default: no idempotence
    fenced = ACCESS.producer(transactional_id="directory.state")
    assert fenced._txn_manager.transactional_id == "directory.state"
    producer._closed = fenced._closed = True


async def test_apscheduler_only_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is late is still run, once, and never a deadline of its own: those are rows."""
    seen: list[Any] = []
    monkeypatch.setattr(
        "shared.assembly.AsyncIOScheduler.start", lambda self, *_, **__: seen.append(self), raising=True
    )
    monkeypatch.setattr("shared.assembly.AsyncIOScheduler.shutdown", lambda *_, **__: None)
    service = SimpleNamespace(
        wakeups=Wakeups("postgresql://nowhere"), pool=None, parts=SimpleNamespace(load_states=lambda: None)
    )
    with _ticks(service):  # type: ignore[arg-type]
        (scheduler,) = seen
    assert str(scheduler.timezone) == "UTC"
    assert scheduler._job_defaults == {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    assert {job.func.__name__ for job, *_ in scheduler._pending_jobs} == {"wake", "snapshot_states"}


def test_a_consumer_that_handles_what_it_does_not_read_is_refused() -> None:
    async def handler(**_: Any) -> None: ...

    with pytest.raises(ValueError, match=r"does not read gemba\.case"):
        Consumer("notifications.general", facts={CaseOpened: handler, VisitDeclined: handler})


def test_zero_tolerance_has_a_lane_and_groups_of_its_own() -> None:
    assert "zero_tolerance" in lanes_of("visits")
    assert "zero_tolerance" in lanes_of("notifications")
    for group in ("notifications.case", "scheduler.case"):
        assert [topic.name for topic in topics_of(group)] == ["gemba.case"]


async def test_consumers_know_every_broker_of_the_cluster() -> None:
    """A text with commas would be taken for the name of one host, and nothing would ever be consumed."""
    several = build_broker(KafkaAccess("localhost:1,localhost:2,localhost:3", "visits", "secret"))
    told = several._connection_kwargs["bootstrap_servers"]
    assert list(told) == ["localhost:1", "localhost:2", "localhost:3"]
