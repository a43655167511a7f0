"""Two things at once to one case or visit: the order of commits decides, and nothing happens twice.

Each race is forced in both orders by holding the row's lock, not hoped for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from services.visits.storage.case_records import insert_exclusions
from services.visits.timers import TIMERS
from services.visits.use_cases.step_case import step_case
from shared.contracts.case import CaseAcknowledged, CaseEscalated, CaseOpened
from shared.contracts.visit import OfferLapsed, VisitConfirmed, VisitReported
from shared.ids import new_id
from shared.timer_runner import TimerRunner
from shared.timers import Due
from shared.wakeups import Wakeup
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World


@asynccontextmanager
async def held(world: World, table: str, key: str, row_id: UUID) -> AsyncIterator[None]:
    """The row is locked by somebody else until the block ends."""
    async with world.pool.acquire() as conn, conn.transaction():
        await conn.execute(f"select 1 from {table} where {key} = $1 for update", row_id)
        yield


async def until_waiting(world: World, count: int = 1) -> None:
    """Until that many sessions wait for a lock."""
    for _ in range(500):
        waiting = await world.pool.fetchval(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        if waiting >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waited for the lock")


def replica(world: World) -> TimerRunner:
    """A second process of the service."""
    return TimerRunner(TIMERS, world.pool, world.clock, world.deps, Wakeup())


async def drop_lost_alert_timer(world: World) -> None:
    await world.pool.execute("delete from timers where kind = 'case.alert_lost'")


async def test_an_acknowledgement_that_commits_first_takes_the_deadline_with_it(world: World) -> None:
    case_id = await world.raise_case()
    await drop_lost_alert_timer(world)
    world.clock.advance(timedelta(hours=2))
    async with held(world, "cases", "case_id", case_id):
        press = asyncio.create_task(world.post(f"/visits/api/cases/{case_id}/acknowledge", by=world.people.officer))
        await until_waiting(world)
        assert await world.timers.fire_due() == 0, "the deadline skips a case that somebody holds"
    assert (await press).status_code == 200
    assert await world.timers.fire_due() == 0
    assert not await emitted(world.pool, CaseEscalated)
    assert (await world.case(case_id))["standing"] == "owned"


async def test_a_deadline_that_commits_first_stands_and_the_acknowledgement_counts_after_it(world: World) -> None:
    case_id = await world.raise_case()
    await drop_lost_alert_timer(world)
    asked_at = world.clock.now()
    async with world.pool.acquire() as conn, conn.transaction():
        # The deadline has the case, as the runner has it while it fires; the acknowledgement waits behind it.
        await conn.execute("select 1 from cases where case_id = $1 for update", case_id)
        press = asyncio.create_task(world.post(f"/visits/api/cases/{case_id}/acknowledge", by=world.people.officer))
        await until_waiting(world)
        world.clock.advance(timedelta(hours=2))
        taken = await conn.fetchrow(
            "delete from timers where kind = 'case.step' returning kind, aggregate, generation, due_at"
        )
        await step_case(Due(**dict(taken)), now=world.clock.now(), conn=conn, deps=world.deps)
    assert (await press).status_code == 200
    assert [fact.tier for fact in await emitted(world.pool, CaseEscalated)] == [2]
    (acknowledged,) = await emitted(world.pool, CaseAcknowledged)
    assert acknowledged.owner_id == world.people.officer
    lines = await world.pool.fetch("select act, received_at, at from case_audit where act <> 'read' order by seq")
    assert [line["act"] for line in lines] == ["raised", "alerted_opened", "alerted_escalated", "acknowledged"]
    assert (lines[-1]["received_at"], lines[-1]["at"]) == (asked_at, world.clock.now())
    assert await world.pool.fetchval("select count(*) from timers where kind = 'case.step'") == 1
    assert await world.timers.fire_due() == 0


async def test_an_acknowledgement_that_waited_while_time_went_on_is_on_record_with_both_instants(world: World) -> None:
    case_id = await world.raise_case()
    asked_at = world.clock.now()
    async with held(world, "cases", "case_id", case_id):
        press = asyncio.create_task(world.post(f"/visits/api/cases/{case_id}/acknowledge", by=world.people.officer))
        await until_waiting(world)
        world.clock.advance(timedelta(minutes=3))
    assert (await press).status_code == 200
    line = await world.pool.fetchrow("select at, received_at from case_audit where act = 'acknowledged'")
    assert (line["received_at"], line["at"]) == (asked_at, asked_at + timedelta(minutes=3))


async def test_two_replicas_fire_one_deadline_once(world: World) -> None:
    case_ids = [await world.raise_case() for _ in range(3)]
    await drop_lost_alert_timer(world)
    world.clock.advance(timedelta(hours=2))
    runners = [world.timers, *(replica(world) for _ in range(3))]
    await asyncio.gather(*(runner.fire_due() for runner in runners))
    for runner in runners:
        await runner.fire_due()
    escalated = await emitted(world.pool, CaseEscalated)
    assert sorted(fact.case_id for fact in escalated) == sorted(case_ids)


async def test_a_double_tap_acknowledges_once(world: World) -> None:
    case_id = await world.raise_case()
    token = world.tap("acknowledge", case_id, world.people.officer)
    async with held(world, "cases", "case_id", case_id):
        taps = [asyncio.create_task(world.http.post("/visits/tap", data={"t": token})) for _ in range(3)]
        await until_waiting(world, 2)
    assert [answer.status_code for answer in await asyncio.gather(*taps)] == [200, 200, 200]
    assert len(await emitted(world.pool, CaseAcknowledged)) == 1


async def test_of_two_officers_who_press_at_once_one_has_it_and_the_other_is_told(world: World) -> None:
    case_id = await world.raise_case()
    people = world.people
    async with held(world, "cases", "case_id", case_id):
        presses = [
            asyncio.create_task(world.post(f"/visits/api/cases/{case_id}/acknowledge", by=person))
            for person in (people.officer, people.second_officer)
        ]
        await until_waiting(world, 2)
    assert sorted(answer.status_code for answer in await asyncio.gather(*presses)) == [200, 409]
    assert len(await emitted(world.pool, CaseAcknowledged)) == 1


async def test_an_answer_and_its_deadline_leave_one_outcome(world: World) -> None:
    visit_id = await world.schedule()
    world.clock.advance(timedelta(days=5))
    async with held(world, "visits", "visit_id", visit_id):
        press = asyncio.create_task(world.post(f"/visits/api/visits/{visit_id}/accept", by=world.people.trainer))
        await until_waiting(world)
        assert await world.timers.fire_due() == 0
    assert (await press).status_code == 200
    await world.timers.fire_due()
    assert (len(await emitted(world.pool, VisitConfirmed)), len(await emitted(world.pool, OfferLapsed))) == (1, 0)


async def test_the_same_report_sent_twice_at_once_is_one_report(world: World) -> None:
    visit_id = await world.visit_under_way()
    finding = str(new_id())
    body = {"report_id": str(new_id()), "suspicions": [{"finding_id": finding, "item": 4, "text": "A child."}]}
    answers = await asyncio.gather(
        *(world.post(f"/visits/api/visits/{visit_id}/report", body, by=world.people.trainer) for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len(await emitted(world.pool, VisitReported)) == 1
    assert len(await emitted(world.pool, CaseOpened)) == 1


async def test_the_same_sighting_sent_twice_at_once_is_one_case(world: World) -> None:
    visit_id = await world.visit_under_way()
    body = {"finding_id": str(new_id()), "item": 4, "text": "A child.", "visit_id": str(visit_id)}
    answers = await asyncio.gather(
        *(world.post("/visits/api/suspicions", body, by=world.people.trainer) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len(await emitted(world.pool, CaseOpened)) == 1


async def test_an_exclusion_that_commits_while_an_act_waits_wins(world: World) -> None:
    case_id = await world.raise_case()
    async with world.pool.acquire() as conn, conn.transaction():
        await conn.execute("select 1 from cases where case_id = $1 for update", case_id)
        press = asyncio.create_task(world.post(f"/visits/api/cases/{case_id}/acknowledge", by=world.people.officer))
        await until_waiting(world)
        await insert_exclusions(conn, case_id, {world.people.officer: "named"}, world.clock.now())
    assert (await press).status_code == 404
    assert not await emitted(world.pool, CaseAcknowledged)
