"""What goes wrong, drawn from the seed; each fault heals by itself or by an operator's act."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.kafka.log_state import snapshot_states
from shared.kafka.parked import mark_replay, mark_skip
from tests.simulation.loop import lapse

if TYPE_CHECKING:
    from tests.simulation.services import Replica
    from tests.simulation.world import World

Fault = Callable[["World"], Awaitable[None]]


def _some(world: World) -> Replica:
    return world.rng.choice(world.replicas)


async def kill(world: World) -> None:
    """kill -9, at any step; a supervisor starts it again."""
    replica = _some(world)
    world.kill(replica)
    await lapse(world.rng.random() * 3)
    replica.start()


async def terminate(world: World) -> None:
    """SIGTERM: what is in hand is finished."""
    replica = _some(world)
    if not replica.process.alive or replica.process.stopped:
        return
    replica.main.cancel()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(replica.ended.wait(), 15)
    world.kill(replica)
    replica.start()


async def pause(world: World) -> None:
    """SIGSTOP and SIGCONT: it comes back believing that no time has passed."""
    process = _some(world).process
    world.loop.stop_process(process)
    await lapse(world.rng.choice([0.05, 1.0, 7.0, 12.0]) * world.rng.random())
    world.loop.continue_process(process)


async def cut_database(world: World) -> None:
    """Connections break, perhaps while a commit is on its way."""
    replica = _some(world)
    replica.database.cut(replica.process)
    world.excuse_mails(replica.service)


async def crash_database(world: World) -> None:
    database = world.databases[world.rng.choice(sorted(world.databases))]
    database.up = False
    database.cut()
    world.excuse_mails(database.name)
    await lapse(world.rng.random() * 4)
    database.up = True


async def broker_away(world: World) -> None:
    cluster = world.network.cluster
    cluster.up = False
    await lapse(world.rng.random() * 12)
    cluster.up = True


async def cut_broker(world: World) -> None:
    """One process does not reach the broker."""
    name = _some(world).name
    world.network.cut.add(name)
    await lapse(world.rng.random() * 12)
    world.network.cut.discard(name)


async def bad_network(world: World) -> None:
    """Answers are lost, batches run out of time, everything is slow."""
    network = world.network
    network.loss, network.expiry, network.slowest = 0.3, world.rng.choice([0.0, 0.3]), world.rng.choice([0.004, 0.5])
    await lapse(world.rng.random() * 6)
    network.loss, network.expiry, network.slowest = 0.0, 0.0, 0.004


async def slow_database(world: World) -> None:
    database = world.databases[world.rng.choice(sorted(world.databases))]
    database.slowest, database.deaf = 0.3, 0.5
    await lapse(world.rng.random() * 5)
    database.slowest, database.deaf = 0.004, 0.0


async def jump_clock(world: World) -> None:
    """One machine's clock is stepped by up to an hour, and later put right."""
    clock = _some(world).clock
    step = timedelta(minutes=world.rng.choice([-60, -5, -1, 1, 5, 60]))
    clock.step += step
    await lapse(world.rng.random() * 5)
    clock.step -= step


async def pass_time(world: World) -> None:
    """Hours go by in which nothing happens."""
    step = timedelta(minutes=world.rng.choice([5, 45, 300, 1500]))
    for name in world.clocks:
        world.clocks[name].step += step


async def bad_handlers(world: World) -> None:
    """Handlers raise for a while: some facts are quarantined."""
    world.bugs = world.rng.choice([0.3, 0.9])
    await lapse(world.rng.random() * 8)
    world.bugs = 0.0


async def poison(world: World) -> None:
    """Something unreadable on the log, under the key of something that is in use."""
    if world.visits:
        key = str(world.rng.choice(world.visits)).encode()
        world.network.cluster.put_garbage(world.rng, "gemba.visit", key)


async def rewind_group(world: World) -> None:
    """The broker forgets how far a group was: everything is read again."""
    groups = world.network.cluster.groups
    if groups:
        groups[world.rng.choice(sorted(groups))].committed.clear()


async def compact(world: World) -> None:
    world.network.cluster.compact(world.rng, "gemba.person")


async def nightly_snapshot(world: World) -> None:
    database = world.databases["directory"]
    if database.up:
        await snapshot_states(world.operators.pool("directory"))


async def needless_replay(world: World) -> None:
    """An operator asks for a replay into the log that is there."""
    await world.operators.replay(world.rng.choice(sorted(world.databases)))


async def lose_cluster(world: World) -> None:
    """The log is gone. Somebody formats a new one and asks everybody to publish again."""
    world.operators.replace_cluster()
    await lapse(world.rng.random() * 3)
    for name in world.rng.sample(sorted(world.databases), len(world.databases)):
        await world.operators.replay(name)
        await lapse(world.rng.random())


async def split_clusters(world: World) -> None:
    """A new log, while some processes still reach the old one for a while."""
    old = world.network.cluster
    left_behind = [replica.name for replica in world.replicas if world.rng.random() < 0.5]
    world.network.elsewhere |= dict.fromkeys(left_behind, old)
    world.operators.replace_cluster()
    for name in world.rng.sample(sorted(world.databases), len(world.databases)):
        await world.operators.replay(name)
    await lapse(world.rng.random() * 8)
    for name in left_behind:
        world.network.elsewhere.pop(name, None)


async def operate_quarantine(world: World) -> None:
    """An operator lets some quarantined facts go on and passes others over."""
    name = world.rng.choice(sorted(world.databases))
    pool = world.operators.pool(name)
    if not world.databases[name].up:
        return
    async with pool.acquire() as conn, conn.transaction():
        for key, row in conn.tx.rows("parked"):
            if row["state"] == "quarantined":
                if world.may_skip and world.rng.random() < 0.5:
                    await mark_skip(conn, key, "simulated")
                else:
                    await mark_replay(conn, [key])


async def restore(world: World) -> None:
    """All databases go back to one instant. The log lives on for a while; then a new one is formatted."""
    await world.operators.restore()


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill, terminate, pause, cut_database, crash_database, broker_away, cut_broker, bad_network, slow_database, jump_clock,
        pass_time, bad_handlers, poison, rewind_group, compact, nightly_snapshot, needless_replay, lose_cluster,
        split_clusters, operate_quarantine, restore,
    )
}  # fmt: skip
