"""Open case ⇒ armed timer: held by the database at commit, by the watchdog, and when deciding itself fails."""

import asyncio
import dataclasses
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest

from services.visits.timers import TIMERS
from services.visits.use_cases import step_case as step_module
from services.visits.use_cases.watch_cases import check_cases
from shared.contracts.case import CaseEscalated, CaseUnowned
from shared.contracts.message import MessageFailed
from shared.ids import new_id
from shared.timer_runner import TimerRunner
from shared.timers import arm
from shared.wakeups import Wakeup
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World

UNARMED = """
    select count(*) from cases c where standing <> 'closed' and not exists (
        select from timers t where t.kind = 'case.step' and t.aggregate = c.case_id and t.due_at = c.due_at
        and t.due_at <= t.armed_at + c.longest_step)
"""


async def test_a_transaction_that_would_leave_an_open_case_unarmed_does_not_commit(world: World) -> None:
    case_id = await world.raise_case()
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.pool.execute("delete from timers where aggregate = $1", case_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with world.pool.acquire() as conn, conn.transaction():
            far = world.clock.now() + timedelta(days=22)
            await arm(conn, "case.step", case_id, far, now=world.clock.now())
    assert (
        await world.pool.fetchval("select count(*) from timers where kind = 'case.step' and aggregate = $1", case_id)
        == 1
    )


async def test_closing_a_case_and_reopening_it_without_a_deadline_does_not_commit(world: World) -> None:
    case_id = await world.raise_case()
    close = "update cases set standing = 'closed', due_at = null, outcome = 'cancelled', closed_at = opened_at"
    async with world.pool.acquire() as conn, conn.transaction():
        await conn.execute(f"{close} where case_id = $1", case_id)
        await conn.execute("delete from timers where aggregate = $1", case_id)
    reopen = "update cases set standing = 'alerting', due_at = opened_at, outcome = null, closed_at = null"
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.pool.execute(f"{reopen} where case_id = $1", case_id)


async def test_two_transactions_that_each_break_one_half_cannot_both_commit(world: World) -> None:
    """Write skew: one reopens the case while the other, seeing it closed, removes its timer."""
    case_id = await world.raise_case()
    close = "update cases set standing = 'closed', due_at = null, outcome = 'cancelled', closed_at = opened_at"
    await world.pool.execute(f"{close} where case_id = $1", case_id)
    reopen = "update cases set standing = 'alerting', due_at = opened_at, outcome = null, closed_at = null"
    async with world.pool.acquire() as one, world.pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        await one.execute(f"{reopen} where case_id = $1", case_id)
        await two.execute("delete from timers where kind = 'case.step' and aggregate = $1", case_id)
        # Each is checked while the other is not yet committed: the second must wait for the case, and then see it.
        checked = asyncio.create_task(two.execute("set constraints all immediate"))
        await asyncio.wait([checked], timeout=0.3)
        await one.execute("set constraints all immediate")
        await first.commit()
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await checked
        await second.rollback()
    armed = "select count(*) from timers where kind = 'case.step' and aggregate = $1"
    assert await world.pool.fetchval(armed, case_id) == 1


async def test_the_audit_cannot_be_changed_or_emptied(world: World) -> None:
    await world.raise_case()
    for statement in (
        "update case_audit set act = 'nothing'",
        "delete from case_audit",
        "delete from case_exclusions where true",
    ):
        if "exclusions" in statement:
            await world.raise_case(named=(world.people.officer,))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.pool.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.pool.execute("truncate case_audit")


async def test_the_watchdog_finds_nothing_and_repairs_what_should_not_be(world: World, postgres_server: str) -> None:
    case_id = await world.raise_case()
    assert await check_cases(world.deps) == 0
    name = await world.pool.fetchval("select current_database()")
    with psycopg.connect(psycopg.conninfo.make_conninfo(postgres_server, dbname=name), autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")  # as a careless restore would
        admin.execute("delete from timers where aggregate = %s", (case_id,))
    assert await check_cases(world.deps) == 1
    assert await check_cases(world.deps) == 0
    assert await world.pool.fetchval(UNARMED) == 0
    assert await world.pool.fetchval("select count(*) from case_audit where act = 'rearmed_by_watchdog'") == 1
    await world.pass_time(hours=3)
    assert await emitted(world.pool, CaseEscalated)


async def test_when_deciding_raises_somebody_is_told_anyway_and_the_deadline_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await world.raise_case()
    await world.pool.execute("delete from timers where kind = 'case.alert_lost'")

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug in deciding")

    kinds = [dataclasses.replace(kind, fire=broken) if kind.name == "case.step" else kind for kind in TIMERS]
    runner = TimerRunner(kinds, world.pool, world.clock, world.deps, Wakeup())
    world.clock.advance(timedelta(hours=2))
    assert await runner.fire_due() == 1
    (page,) = await emitted(world.pool, CaseUnowned)
    assert page.recipient_ids == (world.people.head,)
    assert await world.pool.fetchval("select failures from timers where kind = 'case.step'") == 1
    await world.pool.execute("update timers set retry_at = null")
    await runner.fire_due()
    assert len(await emitted(world.pool, CaseUnowned)) == 1, "once for each deadline, however often it is tried"

    async def cannot(*_: Any, **__: Any) -> None:
        raise RuntimeError("even that")

    monkeypatch.setattr(step_module, "claim_minimal", cannot)
    await world.pool.execute("update timers set retry_at = null")
    assert await runner.fire_due() == 1, "the minimal escalation cannot raise"
    await world.pool.execute("update timers set retry_at = null")
    assert await world.timers.fire_due() == 1, "and the deadline is still there when deciding works again"
    assert [fact.tier for fact in await emitted(world.pool, CaseEscalated)] == [2]
    assert (await world.case(case_id))["tier"] == 2


@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_of_acts_and_deadlines_leaves_an_open_case_without_its_timer(world: World, seed: int) -> None:
    """The machine as a whole, on the real database: every act either commits with a timer or is refused."""
    chance = random.Random(seed)
    case_id = await world.raise_case(named=(world.people.second_officer,) if seed % 2 else ())
    moves = _moves(world, case_id, chance)
    for _ in range(30):
        await chance.choice(moves)()
        assert await world.pool.fetchval(UNARMED) == 0
    outsiders = await world.pool.fetch("select person_id from case_exclusions where case_id = $1", case_id)
    row = await world.case(case_id)
    assert row["owner_id"] not in {out["person_id"] for out in outsiders}


def _moves(world: World, case_id: UUID, chance: random.Random) -> list[Callable[[], Any]]:
    people = world.people
    staff = [people.officer, people.second_officer, people.deputy, people.head, people.peruvian_head]
    acts: list[tuple[str, dict[str, Any]]] = [
        ("acknowledge", {}),
        ("acknowledge", {"take_over": True}),
        ("note", {"text": "went there"}),
        ("confirm", {}),
        ("verification", {}),
        ("propose-closure", {"outcome": "cancelled", "reason": "no"}),
        ("propose-closure", {"outcome": "resolved", "reason": "done"}),
        ("return-closure", {"reason": "not yet"}),
        ("approve-closure", {}),
    ]

    async def some_act() -> None:
        act, body = chance.choice(acts)
        answer = await world.post(f"/visits/api/cases/{case_id}/{act}", body, by=chance.choice(staff))
        assert answer.status_code < 500, answer.text

    async def owner_acts() -> None:
        row = await world.case(case_id)
        if row["owner_id"] is not None:
            act, body = chance.choice(acts[:-1])
            answer = await world.post(f"/visits/api/cases/{case_id}/{act}", body, by=row["owner_id"])
            assert answer.status_code < 500, answer.text

    async def time_passes() -> None:
        world.clock.advance(timedelta(hours=chance.choice((1, 3, 25, 200))))
        await world.timers.fire_due()

    async def somebody_is_named() -> None:
        body = {"text": "it is about them", "named_person_ids": [str(chance.choice(staff))]}
        answer = await world.post(f"/visits/api/cases/{case_id}/note", body, by=chance.choice(staff))
        assert answer.status_code < 500, answer.text

    async def alert_bounces() -> None:
        step = (await world.case(case_id))["step"]
        for row in await world.pool.fetch(
            "select person_id from case_alerts where case_id = $1 and step = $2", case_id, step
        ):
            await world.feeder.deliver(
                MessageFailed(
                    message_id=new_id(),
                    about=case_id,
                    step=step,
                    recipient_id=row["person_id"],
                    channel=None,
                    code="no_channel",
                )
            )

    async def somebody_leaves() -> None:
        person = chance.choice(staff[:4])
        role = {staff[0]: "officer", staff[1]: "officer", staff[2]: "deputy", staff[3]: "head"}[person]
        await world.know(person, (role,), active=chance.random() < 0.5)

    return [
        some_act,
        some_act,
        owner_acts,
        owner_acts,
        time_passes,
        time_passes,
        somebody_is_named,
        alert_bounces,
        somebody_leaves,
    ]
