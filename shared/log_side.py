"""The log side of a running service: it meets its cluster, then publishes and consumes; it refuses any other cluster."""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from shared.db import transaction
from shared.ids import new_id
from shared.kafka.access import KafkaAccess, end_client
from shared.kafka.broker import CLOSE_SECONDS, Subscription, build_broker
from shared.kafka.guard import Guard
from shared.kafka.log_reader import refuse_log_ahead
from shared.kafka.log_state import recognise_cluster
from shared.kafka.parking import Parking
from shared.kafka.relay import Relay
from shared.kafka.topics import TOPICS, lanes_of
from shared.lives import get_life

if TYPE_CHECKING:
    from shared.assembly import Running

_RETRY_SECONDS = 1.0
_START_SECONDS = 30.0

_log = structlog.get_logger(__name__)


async def run_log_side(
    service: "Running", tasks: list["asyncio.Task[None]"], make_broker: Callable[[KafkaAccess], Any] = build_broker
) -> None:
    """Meet the cluster, publish and consume; when the cluster turns out to be another one, from the beginning.

    `make_broker` is how records come in: FastStream, or a simulated transport.
    """
    assert service.parts is not None
    parts = service.parts
    pools = {consumer.group: parts.pools.get(consumer.group, service.pool) for consumer in parts.consumers}
    parkings = [
        Parking(
            consumer, pools[consumer.group], service.clock, parts.deps, service.access, service.wakeups.on("parked")
        )
        for consumer in parts.consumers
    ]
    guards = [Guard(consumer, pools[consumer.group], service.clock, parts.deps) for consumer in parts.consumers]
    relays: list[Relay] = []
    while True:
        try:
            cluster = await _meet_cluster(service)
            if not service.relays:
                async with transaction(service.pool) as conn:
                    relays = _make_relays(service, (await get_life(conn)).number)
                service.relays += relays
                tasks += [asyncio.create_task(relay.run(), name=relay.lease) for relay in relays]
                tasks += [asyncio.create_task(parking.run(), name="parking") for parking in parkings]
            service.subscriptions[:] = [Subscription(guard, cluster) for guard in guards]
            await _consume(service, make_broker)
        except Exception as fault:
            service.trouble = f"Nothing is consumed: {type(fault).__name__}: {fault}"
            _log.exception("log.bug")
        await asyncio.sleep(_RETRY_SECONDS)


def _make_relays(service: "Running", life: int) -> list[Relay]:
    settings = service.settings
    assert service.parts is not None
    return [
        Relay(
            service.pool,
            service.access,
            service.wakeups.on("outbox", lane),
            service=settings.service,
            source=f"/gemba/{settings.installation}/{life}/{settings.service}",
            holder=f"{settings.service}.{settings.replica}.{os.getpid()}.{new_id()}",
            lane=lane,
            load_states=service.parts.load_states,
        )
        for lane in lanes_of(settings.service)
    ]


async def _meet_cluster(service: "Running") -> str:
    """The id of a cluster that we may publish to and consume from. What is wrong is said, and tried again."""
    name = service.settings.service
    owned = [topic for topic in TOPICS if name in topic.writers and not topic.name.endswith(".dlq")]
    while True:
        try:
            cluster = await service.access.cluster_id()
            await recognise_cluster(service.pool, cluster)
            await refuse_log_ahead(service.access, service.pool, owned)
            return cluster
        except Exception as fault:
            if service.trouble != str(fault):
                _log.error("log.refused", reason=str(fault), fault=type(fault).__name__)
            service.trouble = str(fault) or type(fault).__name__
            await asyncio.sleep(_RETRY_SECONDS)


async def _consume(service: "Running", make_broker: Callable[[KafkaAccess], Any]) -> None:
    """Consume until the broker turns out to be of another cluster."""
    broker = make_broker(service.access)
    for subscription in service.subscriptions:
        subscription.attach(broker)
    try:
        async with asyncio.timeout(_START_SECONDS):
            await broker.start()
        service.trouble = None
        _log.info("log.running", groups=[s.guard.consumer.group for s in service.subscriptions])
        # A service without consumers waits for ever; its relays look at the cluster themselves.
        leaving: list[asyncio.Future[Any]] = [asyncio.ensure_future(s.left_cluster()) for s in service.subscriptions]
        if not leaving:
            leaving.append(asyncio.ensure_future(asyncio.Event().wait()))
        try:
            await asyncio.wait(leaving, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in leaving:
                waiting.cancel()
        service.trouble = "The broker is of another cluster than a moment ago."
    except TimeoutError:
        service.trouble = f"The consumers could not start within {_START_SECONDS:.0f} s."
        _log.error("consumers.not_started")
    finally:
        if not await end_client(broker.stop(), CLOSE_SECONDS):
            service.is_stuck.set()
