"""A running service: its parts in the order in which they start, and stop in reverse.

`main.py` of each service says which consumers, timers and topics it has; this says how they run together.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from shared.clock import Clock, open_clock
from shared.clock_watch import KIT_WAITS, ClockWatch, Wait
from shared.db import Connection, Pool, open_pool, refuse_unsafe_server, session
from shared.errors import Transient
from shared.gauges import Gauges
from shared.kafka.access import KafkaAccess
from shared.kafka.broker import Subscription
from shared.kafka.consumer import Consumer
from shared.kafka.log_state import snapshot_states
from shared.kafka.outbox import count_pending
from shared.kafka.parked import count_by_state
from shared.kafka.relay import LoadStates, Relay
from shared.lives import ListHeld, OneLife, get_life, list_held
from shared.log_side import run_log_side
from shared.settings import ServiceSettings
from shared.timer_runner import TimerRunner
from shared.timers import TimerKind, count_due, next_due
from shared.wakeups import Wakeups

_log = structlog.get_logger(__name__)

_STOP_SECONDS = 4.25
_CLOSE_SECONDS = 0.75
_MOST_HELD = 10_000

Background = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Parts:
    """What one service consists of, besides its HTTP side; made by `main.py` once the pool is open."""

    deps: Any
    consumers: Sequence[Consumer] = ()
    timers: Sequence[TimerKind] = ()
    load_states: LoadStates | None = None
    background: Sequence[Background] = ()
    """Loops of the service's own (the senders of notifications): run until cancelled."""
    waiting: Callable[[Connection], Awaitable[Mapping[str, int]]] | None = None
    """What else waits *and is due now*, by name, for /status."""
    counters: Callable[[], Mapping[str, int]] | None = None
    pools: Mapping[str, Pool] = field(default_factory=dict)
    """Connections that one consumer group has to itself, by group; the others share the service's. Closed at the end."""
    list_held: ListHeld | None = None
    """What a hold keeps back besides deadlines (messages)."""
    next_due: Callable[[Connection], Awaitable[datetime | None]] | None = None
    """When the next thing that is held for later (besides timers) will be due, in business time."""
    waits: Sequence[Wait] = ()
    """Claims and pauses of the service's own, by the database's clock."""


@dataclass(slots=True)
class Running:
    """A started service."""

    settings: ServiceSettings
    pool: Pool
    clock: Clock
    wakeups: Wakeups
    access: KafkaAccess
    parts: Parts | None = None
    relays: list[Relay] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    timers: TimerRunner | None = None
    trouble: str | None = None
    """Why the log side is not running, for readiness."""
    life: OneLife = field(default_factory=OneLife)
    is_stuck: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something of this process does not end, so that only another process can go on."""

    async def check_database(self) -> None:
        """Raises when the database does not answer."""
        async with asyncio.timeout(1), session(self.pool) as conn:
            await conn.execute("select 1")

    async def check_log(self) -> None:
        """Raises when nothing is published or consumed, and says why."""
        troubles = [self.trouble, *(relay.trouble for relay in self.relays)]
        for trouble in troubles:
            if trouble:
                raise Transient(trouble)

    async def status(self) -> dict[str, Any]:
        """What waits and is due now, and counters that only grow: quiet is two equal passes with nothing waiting."""
        assert self.parts is not None
        now = self.clock.now()
        async with asyncio.timeout(2), session(self.pool) as conn:
            parked = await count_by_state(conn)
            waiting: dict[str, int] = {
                "outbox": await count_pending(conn),
                "parked": sum(parked.get(state, 0) for state in ("waiting", "failing", "skip")),
                "timers": await count_due(conn, self.timers.kinds, now) if self.timers else 0,
                "in_hand": sum(not subscription.idle for subscription in self.subscriptions),
            }
            if self.parts.waiting:
                waiting |= await self.parts.waiting(conn)
            upcoming = [await next_due(conn, self.timers.kinds)] if self.timers else []
            if self.parts.next_due:
                upcoming.append(await self.parts.next_due(conn))
            life = await get_life(conn)
            held = await list_held(conn, now, _MOST_HELD, self.parts.list_held)
        # Side by side: each question waits behind its own subscription's long poll.
        waiting["lag"] = sum(await asyncio.gather(*(subscription.lag() for subscription in self.subscriptions)))
        if self.trouble:
            waiting["log"] = 1
        counters = {
            "published": sum(relay.published for relay in self.relays),
            "handled": sum(subscription.guard.handled for subscription in self.subscriptions),
            "fired": self.timers.fired if self.timers else 0,
        }
        if self.parts.counters:
            counters |= self.parts.counters()
        return {
            "service": self.settings.service,
            "replica": self.settings.replica,
            "now": now.isoformat(),
            "next_due": min((at.isoformat() for at in upcoming if at), default=None),
            "quiet": not any(waiting.values()),
            "waiting": waiting,
            "counters": counters,
            "quarantined": parked.get("quarantined", 0),
            "refused": parked.get("refused", 0),
            "trouble": self.trouble,
            "life": life.number,
            "on_hold": life.on_hold,
            "held": len(held),
        }


@asynccontextmanager
async def running(
    settings: ServiceSettings, make_parts: Callable[[Running], Awaitable[Parts]]
) -> AsyncIterator[Running]:
    """Start everything, yield, stop in reverse. HTTP is served from the first moment; /readyz tells the rest."""
    dsn = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        password = settings.database_password
        name = f"{settings.service}.{settings.replica}"
        life = OneLife()
        pool = await open_pool(dsn, size=settings.pool_size, name=name, password=password, meet=life.meet)
        stack.push_async_callback(_close, pool)
        await refuse_unsafe_server(pool)
        service = Running(
            settings,
            pool,
            open_clock(settings.clock, profile=settings.profile),
            Wakeups(dsn, password),
            KafkaAccess.of(settings),
            trouble="The log side is starting.",
            life=life,
        )
        service.parts = await make_parts(service)
        for own in service.parts.pools.values():
            stack.push_async_callback(_close, own)
        tasks = await stack.enter_async_context(_tasks())
        _start_timers(service, tasks)
        tasks.append(asyncio.create_task(run_log_side(service, tasks), name="log"))
        for loop in service.parts.background:
            tasks.append(asyncio.create_task(_keep(loop), name=getattr(loop, "__qualname__", "background")))
        tasks.append(asyncio.create_task(service.wakeups.run(), name="wakeups"))
        tasks.append(asyncio.create_task(_end_when_over(life, service.is_stuck), name="life"))
        watch = ClockWatch(pool, [*KIT_WAITS, *service.parts.waits])
        tasks.append(asyncio.create_task(_keep(watch.run), name="clock-watch"))
        gauges = Gauges(service, [consumer.group for consumer in service.parts.consumers])
        tasks.append(asyncio.create_task(gauges.run(), name="gauges"))
        stack.enter_context(_ticks(service))
        yield service


async def _end_when_over(life: OneLife, is_stuck: asyncio.Event) -> None:
    """Ask this process to stop as a supervisor would: it is started again, of the new life and with nothing stuck."""
    reasons = {"life": life.is_over, "stuck": is_stuck}
    waiting = {asyncio.ensure_future(event.wait()): why for why, event in reasons.items()}
    try:
        ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    _log.error("process.over", why=[waiting[one] for one in ended], life=life.number)
    os.kill(os.getpid(), signal.SIGTERM)


def _start_timers(service: Running, tasks: list["asyncio.Task[None]"]) -> None:
    assert service.parts is not None
    if service.parts.timers:
        service.timers = TimerRunner(
            service.parts.timers, service.pool, service.clock, service.parts.deps, service.wakeups.on("timers")
        )
        tasks.append(asyncio.create_task(service.timers.run(), name="timers"))


def _ticks(service: Running) -> Any:
    """APScheduler only ticks: nothing that must not be lost is a job of its own."""
    from contextlib import contextmanager

    @contextmanager
    def ticking() -> Any:
        scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        for channel in ("outbox", "timers", "parked"):
            scheduler.add_job(service.wakeups.wake, "interval", seconds=5, args=[channel])
        if service.parts and service.parts.load_states:
            scheduler.add_job(snapshot_states, "cron", hour=2, args=[service.pool])
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)

    return ticking()


@asynccontextmanager
async def _tasks() -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks: list[asyncio.Task[None]] = []
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            # Longer than a poll in hand may take, shorter than a supervisor's patience.
            _, late = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            for task in late:
                _log.error("stop.late", task=task.get_name())


async def _keep(loop: Background) -> None:
    """A loop of the service's own that ends by a fault is started again, and says so."""
    while True:
        try:
            await loop()
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("background.failed", loop=getattr(loop, "__qualname__", "?"))
        await asyncio.sleep(1)


async def _close(pool: Pool) -> None:
    """A leaked connection must not hang the exit."""
    try:
        await asyncio.wait_for(pool.close(), _CLOSE_SECONDS)
    except TimeoutError:
        pool.terminate()
