"""Named persons and their line meet a case nowhere: not as recipients, not in lists, counts, pages or acts."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.case import CaseAcknowledged, CaseEscalated, CaseOpened, CaseUnowned, ClosureProposed
from shared.contracts.message import MessageAnswered
from shared.errors import Rejected
from shared.ids import new_id
from tests.harness.facts import emitted
from tests.integration.visits.conftest import World

ACTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("acknowledge", {}),
    ("note", {"text": "x"}),
    ("confirm", {}),
    ("verification", {}),
    ("propose-closure", {"outcome": "cancelled", "reason": "x"}),
    ("approve-closure", {}),
    ("return-closure", {"reason": "x"}),
)


async def assert_absent(world: World, case_id: UUID, person: UUID) -> None:
    missing = await world.get(f"/visits/api/cases/{new_id()}", by=person, status=404)
    seen = await world.get(f"/visits/api/cases/{case_id}", by=person, status=404)
    assert (seen["code"], seen["detail"]) == (missing["code"], missing["detail"])
    listed = await world.get("/visits/api/cases", by=person)
    assert (listed["items"], listed["counts"]) == ([], {})
    for act, body in ACTS:
        answer = await world.post(f"/visits/api/cases/{case_id}/{act}", body, by=person, status=404)
        assert answer.json()["detail"] == missing["detail"]


async def told(world: World) -> set[UUID]:
    kinds = (CaseOpened, CaseEscalated, CaseUnowned, ClosureProposed)
    return {person for fact in await emitted(world.pool, *kinds) for person in fact.recipient_ids}


async def test_a_named_officer_is_not_alerted_and_meets_the_case_nowhere(world: World) -> None:
    people = world.people
    case_id = await world.raise_case(named=(people.officer,))
    (opened,) = await emitted(world.pool, CaseOpened)
    assert opened.recipient_ids == (people.second_officer,)
    await assert_absent(world, case_id, people.officer)
    await world.pass_time(days=3)
    assert people.officer not in await told(world)


async def test_the_whole_line_of_a_named_person_is_out_above_and_below(world: World) -> None:
    people = world.people
    await world.know(people.other_trainer, ("trainer",), line_manager_id=people.officer)
    await world.know(people.officer, ("officer",), line_manager_id=people.deputy)
    await world.know(people.second_officer, ("officer",), line_manager_id=people.other_trainer)
    case_id = await world.raise_case(named=(people.other_trainer,))
    (opened,) = await emitted(world.pool, CaseOpened)
    assert (opened.tier, opened.recipient_ids) == (3, (people.head,)), "officers and deputy are in the line"
    for person in (people.officer, people.second_officer, people.deputy):
        await assert_absent(world, case_id, person)
    excluded = (await world.get(f"/visits/api/cases/{case_id}", by=people.head))["excluded"]
    assert {(one["person"]["id"], one["because"]) for one in excluded} == {
        (str(people.other_trainer), "named"),
        (str(people.officer), "line_above"),
        (str(people.deputy), "line_above"),
        (str(people.second_officer), "line_below"),
    }


async def test_where_everybody_is_excluded_the_heads_of_other_countries_are_told(world: World) -> None:
    people = world.people
    named = (people.officer, people.second_officer, people.deputy, people.head)
    case_id = await world.raise_case(named=named)
    (opened,) = await emitted(world.pool, CaseOpened)
    (unowned,) = await emitted(world.pool, CaseUnowned)
    assert (opened.recipient_ids, unowned.recipient_ids) == ((), (people.peruvian_head,))
    for person in named:
        await assert_absent(world, case_id, person)
    await world.post(f"/visits/api/cases/{case_id}/acknowledge", by=people.peruvian_head, status=200)
    assert (await world.case(case_id))["owner_id"] == people.peruvian_head


async def test_where_no_head_is_left_anywhere_administrators_are_told(world: World) -> None:
    people = world.people
    named = (people.officer, people.second_officer, people.deputy, people.head, people.peruvian_head)
    case_id = await world.raise_case(named=named)
    (unowned,) = await emitted(world.pool, CaseUnowned)
    assert unowned.recipient_ids == (people.administrator,)
    await world.get(f"/visits/api/cases/{case_id}", by=people.administrator)


async def test_naming_the_owner_moves_the_case_to_the_next_tier_at_once(world: World) -> None:
    people = world.people
    case_id = await world.raise_case()
    await world.post(f"/visits/api/cases/{case_id}/acknowledge", by=people.officer, status=200)
    body = {"text": "It is the officer's brother.", "named_person_ids": [str(people.officer)]}
    await world.post(f"/visits/api/cases/{case_id}/note", body, by=people.deputy, status=200)
    (escalated,) = await emitted(world.pool, CaseEscalated)
    assert (escalated.tier, escalated.cause) == (2, "owner_excluded")
    await assert_absent(world, case_id, people.officer)


async def test_a_new_line_manager_excludes_from_the_moment_directory_says_so(world: World) -> None:
    people = world.people
    case_id = await world.raise_case(named=(people.other_trainer,))
    await world.post(f"/visits/api/cases/{case_id}/acknowledge", by=people.officer, status=200)
    await world.know(people.other_trainer, ("trainer",), line_manager_id=people.officer)
    await assert_absent(world, case_id, people.officer)
    assert (await world.case(case_id))["owner_id"] is None
    await world.know(people.other_trainer, ("trainer",), line_manager_id=None)
    await assert_absent(world, case_id, people.officer)


async def test_an_owner_who_leaves_does_not_take_the_case_along(world: World) -> None:
    people = world.people
    case_id = await world.raise_case()
    await world.post(f"/visits/api/cases/{case_id}/acknowledge", by=people.officer, status=200)
    await world.know(people.officer, ("officer",), active=False)
    (escalated,) = await emitted(world.pool, CaseEscalated)
    assert escalated.recipient_ids == (people.deputy,)


async def test_an_excluded_person_cannot_acknowledge_by_sms_either(world: World) -> None:
    people = world.people
    case_id = await world.raise_case(named=(people.officer,))
    answer = MessageAnswered(
        message_id=new_id(),
        about=case_id,
        recipient_id=people.officer,
        answer="acknowledge",
        answered_at=world.clock.now(),
    )
    with pytest.raises(Rejected) as refused:
        await world.feeder.deliver(answer)
    assert refused.value.status == 404
    assert not await emitted(world.pool, CaseAcknowledged)


async def test_a_named_person_must_be_known(world: World) -> None:
    visit_id = await world.visit_under_way()
    body = {
        "finding_id": str(new_id()),
        "item": 4,
        "text": "x",
        "visit_id": str(visit_id),
        "named_person_ids": [str(new_id())],
    }
    answer = await world.post("/visits/api/suspicions", body, by=world.people.trainer, status=422)
    assert answer.json()["field"] == "named_person_ids"


async def test_a_line_that_directory_told_unheard_is_looked_at_again_at_every_step(world: World) -> None:
    people = world.people
    case_id = await world.raise_case(named=(people.other_trainer,))
    await world.pool.execute(
        "update people set line_manager_id = $1 where person_id = $2", people.deputy, people.other_trainer
    )
    await world.pass_time(hours=2)
    assert people.deputy not in await told(world)
    await assert_absent(world, case_id, people.deputy)


async def test_a_line_does_not_change_while_somebody_in_it_is_being_named(world: World) -> None:
    people = world.people
    visit_id = await world.visit_under_way()
    body = {
        "finding_id": str(new_id()),
        "item": 4,
        "text": "x",
        "visit_id": str(visit_id),
        "named_person_ids": [str(people.other_trainer)],
    }
    async with world.pool.acquire() as conn, conn.transaction():
        # Directory's new line is being taken over, and not committed, when the suspicion comes.
        line = "update people set line_manager_id = $1 where person_id = $2"
        await conn.execute(line, people.officer, people.other_trainer)
        raised = asyncio.create_task(world.post("/visits/api/suspicions", body, by=people.trainer))
        await asyncio.wait([raised], timeout=0.5)
        assert not raised.done(), "it waits for the line"
    assert (await raised).status_code == 201
    (opened,) = await emitted(world.pool, CaseOpened)
    assert opened.recipient_ids == (people.second_officer,)
