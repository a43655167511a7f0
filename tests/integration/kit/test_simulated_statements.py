"""What the simulation takes the kit's SQL to mean is what PostgreSQL does: the same acts on both, and the same is seen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.commands import GET_COMMAND, INSERT_COMMAND, SET_RESULT
from shared.db import Pool, transaction
from shared.kafka.effect import REMEMBER_REQUEST
from shared.kafka.fate import Fate
from shared.kafka.inbox import accept_state, advance, is_known
from shared.kafka.log_reader import KNOWN_EVENT, KNOWN_VERSION
from shared.kafka.log_state import (
    get_log_state,
    recognise_cluster,
    release_lease,
    snapshot_states,
    start_replay,
    take_lease,
)
from shared.kafka.outbox import count_pending, emit, emit_all, emit_state
from shared.kafka.parked import claim, claim_due, delete_parked, insert_parked, mark_replay, mark_skip, save_fate
from shared.kafka.relay import DELETE_PENDING, GET_OWN_VERSIONS, READ_PENDING
from shared.lives import begin_life, get_life, release
from shared.timers import FAILED, NEXT_DUE, READ_DUE, TAKE, arm, disarm
from tests.integration.kit.parts import NOON, declined, later, raw_of
from tests.simulation.database import Database
from tests.simulation.database import Pool as SimulatedPool
from tests.simulation.loop import Loop
from tests.simulation.statements import KIT

Pools = Callable[[str], Awaitable[Pool]]

ONE, OTHER, PERSON, EVENT = (UUID(int=number) for number in range(1, 5))
_VISIT = "gemba.visit"


async def publishing(conn: Any) -> list[Any]:
    facts = [declined("x", visit_id=visit, trainer_id=PERSON) for visit in (ONE, ONE, OTHER)]
    seen: list[Any] = [await start_replay(conn, "log-0")]
    seen.append([await emit(conn, fact, now=NOON) for fact in facts])
    await emit_all(conn, facts, now=NOON, lane="zero_tolerance")
    seen.append([await emit_state(conn, "gemba.person", PERSON, now=NOON, erased=erased) for erased in (False, True)])
    rows = await conn.fetch(READ_PENDING, "general", 2)
    seen.append([(row["aggregate"], row["version"]) for row in rows])
    under = await get_log_state(conn)
    for epoch in (under.epoch + 1, under.epoch):
        gone = await conn.fetchval(DELETE_PENDING, [row["seq"] for row in rows], under.cluster, epoch)
        seen.append((gone, await count_pending(conn)))
    seen.append([tuple(row) for row in map(_values, await conn.fetch(GET_OWN_VERSIONS, "gemba.person", [PERSON, ONE]))])
    seen.append(await start_replay(conn, "log-1"))
    seen.append(await get_log_state(conn))
    seen.append([(row["cluster"], row["epoch"], row["version"]) for row in await conn.fetch(READ_PENDING, "state", 9)])
    seen.append([(row["epoch"], row["seq"]) for row in await conn.fetch(READ_PENDING, "zero_tolerance", 9)])
    seen.append(bool(await conn.fetchval(KNOWN_EVENT, rows[0]["event_id"])))
    seen.append([bool(await conn.fetchval(KNOWN_VERSION, "gemba.person", PERSON, version)) for version in (1, 2, 3)])
    return seen


async def leases(conn: Any) -> list[Any]:
    seen = [await take_lease(conn, "relay", holder, 60) for holder in ("a", "b", "a")]
    await release_lease(conn, "relay", "b")
    seen.append(await take_lease(conn, "relay", "b", 60))
    await release_lease(conn, "relay", "a")
    return [*seen, await take_lease(conn, "relay", "b", 60)]


async def reading(conn: Any) -> list[Any]:
    seen: list[Any] = [await advance(conn, "g", _VISIT, ONE, version, EVENT) for version in (2, 1, 1, 3, 2, 2, 4, 3)]
    seen += [await accept_state(conn, "gemba.person", ONE, version, erased=version == 3) for version in (2, 1, 3, 2)]
    seen += [await is_known(conn, "gemba.person", key) for key in (ONE, OTHER)]
    for result in (ONE, OTHER):
        seen.append(bool(await conn.fetchval(REMEMBER_REQUEST, "request", result)))
        seen.append(bool(await conn.fetchval(INSERT_COMMAND, "scope", "key", b"hash", None)))
    await conn.execute(SET_RESULT, "scope", "key", ONE)
    return [*seen, _values(await conn.fetchrow(GET_COMMAND, "scope", "key"))]


async def setting_aside(conn: Any) -> list[Any]:
    raws = [raw_of(declined("x", visit_id=ONE), version, offset=version) for version in (2, 3)]
    group = "notifications.general"
    now, never = timedelta(0), None

    async def put(raw: Any, version: int, next_in: timedelta | None, state: str) -> bool:
        head = type("Head", (), {"subject": ONE, "version": version, "event_id": EVENT})()
        return await insert_parked(conn, group, raw, head, Fate(state, "why", 1, next_in))

    seen: list[Any] = [await put(raws[1], 3, now, "waiting"), await put(raws[0], 2, timedelta(hours=1), "waiting")]
    seen.append(await put(raws[0], 2, now, "failing"))
    first = await claim_due(conn, group)
    seen.append((first["version"], first["state"], first["tries"]))
    await save_fate(conn, first["id"], Fate("waiting", "again", 2, timedelta(hours=1)))
    seen.append([await claim_due(conn, group), await claim(conn, first["id"])])
    await advance(conn, group, _VISIT, ONE, 1, EVENT)
    freed = await claim_due(conn, group)
    seen.append(freed["version"])
    await save_fate(conn, freed["id"], Fate("quarantined", "bad", 5, never))
    seen.append([await mark_replay(conn, [first["id"]]), await mark_replay(conn, [freed["id"]])])
    again = await claim(conn, freed["id"])
    seen.append((again["state"], again["failures"]))
    await save_fate(conn, freed["id"], Fate("quarantined", "bad", 5, never))
    seen.append([await mark_skip(conn, freed["id"], "no use"), await mark_skip(conn, freed["id"], "no use")])
    skipped = await claim_due(conn, group)
    seen.append((skipped["state"], skipped["reason"]))
    await delete_parked(conn, freed["id"])
    return [*seen, await claim_due(conn, group)]


async def deadlines(conn: Any) -> list[Any]:
    for aggregate, seconds in ((ONE, 5), (OTHER, 3), (PERSON, 60)):
        await arm(conn, "k", aggregate, later(seconds), now=NOON)
    due = await conn.fetch(READ_DUE, later(10), ["k"], 9)
    seen: list[Any] = [[row["aggregate"] for row in due], await conn.fetchval(NEXT_DUE, ["k"])]
    await arm(conn, "k", ONE, later(6), now=NOON)
    read = {row["aggregate"]: row["generation"] for row in due}
    for at in (later(2), later(10)):
        taken = await conn.fetch(TAKE, "k", list(read), list(read.values()), at)
        seen.append([row["aggregate"] for row in taken])
    newest = (await conn.fetch(READ_DUE, later(10), ["k"], 9))[0]
    seen.append(
        [bool(await conn.fetchval(FAILED, "k", ONE, generation, 300.0)) for generation in (-1, newest["generation"])]
    )
    seen.append(len(await conn.fetch(READ_DUE, later(10), ["k"], 9)))
    await disarm(conn, "k", PERSON, OTHER)
    return [*seen, await conn.fetchval(NEXT_DUE, ["k"])]


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(dict(row).values())


async def see(pool: Any) -> list[Any]:
    """All of it on one database, in the order in which it stands here."""
    seen: list[Any] = []
    await recognise_cluster(pool, "log-0")
    for act in (publishing, leases, reading, setting_aside, deadlines):
        async with transaction(pool) as conn:
            seen += [act.__name__, await act(conn)]
    await snapshot_states(pool)
    seen += [await begin_life(pool, ONE, "log-9"), await begin_life(pool, ONE, "log-9")]
    async with transaction(pool) as conn:
        await arm(conn, "k", ONE, later(1), now=NOON)
        seen += [await count_pending(conn), await get_log_state(conn), (await get_life(conn)).on_hold]
        seen.append(len(await conn.fetch(READ_DUE, later(10), ["k"], 9)))
        seen += [await release(conn, ONE), await release(conn, ONE), (await get_life(conn)).number]
        seen.append(len(await conn.fetch(READ_DUE, later(10), ["k"], 9)))
    return seen


def see_simulated() -> list[Any]:
    loop = Loop(random.Random(1))
    work = loop.world.run(loop, _on_simulated())
    seen: list[Any] = loop.run_until_complete(work)
    loop.close()
    return seen


async def _on_simulated() -> list[Any]:
    return await see(SimulatedPool(Database("simulated", random.Random(1), KIT)))


async def test_the_simulated_database_sees_what_postgresql_sees(open_database: Pools) -> None:
    simulated = await asyncio.to_thread(see_simulated)
    assert simulated == await see(await open_database("notifications"))
