"""A candidate delivers beside an expert: a stage asks for two, both are booked, and either is replaced when they decline."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from shared.contracts.booking import BookingMoved, BookingReassigned, VisitScheduled
from shared.contracts.visit import VisitDeclined

from .conftest import STAGE_SHEET, STAGES, Programme, programme, workbook

EXPERTS, CANDIDATES = ("BD-T1", "BD-T2"), ("BD-C1", "BD-C2")


async def paired(bd: Programme) -> None:
    """The first consultancy visit is delivered by two; of the trainers two are experts, and two more are candidates."""
    for key in CANDIDATES:
        await bd.know_trainer(key)
    sheets = programme()
    sheets["trainers"] += [(key, 23.75, 90.40, "Dhaka", "Sun-Thu", 2, 4, "") for key in CANDIDATES]
    stages = [
        (*STAGE_SHEET, "crew"),
        *(("WC", "", *stage, 2 if stage[0] == "visit_1" else None) for stage in STAGES),
    ]
    held = [
        ("person", "module", "level", "valid_from", "valid_to"),
        *((key, "WC", "expert", date(2025, 1, 1), None) for key in EXPERTS),
        *((key, "WC", "candidate", date(2025, 1, 1), None) for key in CANDIDATES),
    ]
    answer = await bd.upload(workbook(**(sheets | {"stages": stages, "certificates": held})))
    assert answer.status_code == 200, answer.text


async def declines(bd: Programme, visit_id: Any, who: Any) -> None:
    fact = VisitDeclined(visit_id=visit_id, offer=1, country="BD", trainer_id=who, reason="illness")
    await bd.feeder.deliver(fact)
    await bd.plan_all()


async def test_a_stage_for_two_is_booked_with_an_expert_and_a_candidate(bd: Programme) -> None:
    await paired(bd)
    await bd.published()
    keys = {person_id: key for key, person_id in bd.people.items()}
    for fact in await bd.facts(VisitScheduled):
        assert keys[fact.trainer_id] not in CANDIDATES
        assert len(fact.co_trainer_ids) == (1 if fact.stage == "visit_1" else 0)
        assert keys[fact.trainer_id] in EXPERTS or fact.stage != "visit_1"


async def test_whoever_of_the_two_declines_is_replaced_and_the_other_stays(bd: Programme) -> None:
    await paired(bd)
    await bd.published()
    first = next(one for one in await bd.facts(VisitScheduled) if one.stage == "visit_1")
    (second,) = first.co_trainer_ids
    await declines(bd, first.visit_id, second)
    (again,) = await bd.facts(BookingMoved)
    assert (again.visit_id, again.trainer_id, again.starts_at) == (first.visit_id, first.trainer_id, first.starts_at)
    assert again.co_trainer_ids not in {(), (second,)}
    await declines(bd, first.visit_id, first.trainer_id)
    (other,) = await bd.facts(BookingReassigned)
    (expert,) = {bd.people[key] for key in EXPERTS} - {first.trainer_id}
    assert (other.former_trainer_id, other.trainer_id) == (first.trainer_id, expert)
    assert len(other.co_trainer_ids) == 1
    stays = expert not in again.co_trainer_ids
    assert (other.co_trainer_ids == again.co_trainer_ids) is stays, "unless she leads now: somebody else goes along"


async def test_somebody_who_never_went_changes_nothing_by_declining(bd: Programme) -> None:
    await paired(bd)
    await bd.published()
    first = next(one for one in await bd.facts(VisitScheduled) if one.stage == "visit_1")
    await declines(bd, first.visit_id, uuid4())
    assert await bd.facts(BookingMoved, BookingReassigned) == []
