"""Visits that a corrective action or a case asks for are planned like any other, and look like any other."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from shared.contracts.action import ActionCancelled, FollowUpWanted
from shared.contracts.booking import BookingUnplaceable, BookingWithdrawn, VisitScheduled
from shared.contracts.case import VerificationWanted
from shared.contracts.values import VisitKind
from shared.errors import NotKnownYet

from .conftest import Programme

EARLIEST, LATEST = datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 24, tzinfo=UTC)


def verification(bd: Programme, *excluded: UUID) -> VerificationWanted:
    return VerificationWanted(
        case_id=uuid4(),
        country="BD",
        enterprise_id=bd.enterprises["BD-E1"],
        visit_id=uuid4(),
        earliest_at=EARLIEST,
        latest_at=LATEST,
        excluded_trainer_ids=excluded,
    )


async def test_a_follow_up_is_placed_within_its_window_with_the_trainer_who_knows_the_place(bd: Programme) -> None:
    wanted = FollowUpWanted(
        action_id=uuid4(),
        country="BD",
        enterprise_id=bd.enterprises["BD-E1"],
        module="WC",
        visit_id=uuid4(),
        earliest_at=EARLIEST,
        latest_at=LATEST,
        prefer_trainer_id=bd.people["BD-T3"],
    )
    await bd.feeder.deliver(wanted, times=2)
    assert await bd.plan_all() == 1
    (fact,) = await bd.facts(VisitScheduled)
    assert (fact.visit_id, fact.kind, fact.cause_id) == (wanted.visit_id, VisitKind.FOLLOW_UP, wanted.action_id)
    assert fact.trainer_id == bd.people["BD-T3"]
    assert EARLIEST <= fact.starts_at <= LATEST
    assert fact.cohort_id is None


async def test_a_follow_up_of_a_cancelled_action_is_withdrawn(bd: Programme) -> None:
    wanted = FollowUpWanted(
        action_id=uuid4(),
        country="BD",
        enterprise_id=bd.enterprises["BD-E1"],
        module="WC",
        visit_id=uuid4(),
        earliest_at=EARLIEST,
        latest_at=LATEST,
        prefer_trainer_id=None,
    )
    await bd.feeder.deliver(wanted)
    await bd.plan_all()
    await bd.feeder.deliver(ActionCancelled(action_id=wanted.action_id, country="BD", reason="mistake"), times=2)
    (fact,) = await bd.facts(BookingWithdrawn)
    assert fact.visit_id == wanted.visit_id
    assert await bd.pool.fetchval("select count(*) from timetable") == 0


async def test_the_finder_of_a_case_never_verifies_its_fix(bd: Programme) -> None:
    finder, *others = (bd.people[f"BD-T{number}"] for number in range(1, 5))
    wanted = verification(bd, finder, *others[:2])
    await bd.feeder.deliver(wanted)
    await bd.plan_all()
    (fact,) = await bd.facts(VisitScheduled)
    assert fact.trainer_id == others[2]
    assert (fact.kind, fact.cause_id) == (VisitKind.VERIFICATION, wanted.case_id)


async def test_a_verification_looks_like_any_follow_up_to_people(bd: Programme) -> None:
    wanted = verification(bd, bd.people["BD-T1"])
    await bd.feeder.deliver(wanted)
    await bd.plan_all()
    for path in ("/api/bookings", f"/api/bookings/{wanted.visit_id}", "/"):
        answer = await bd.get(path)
        assert answer.status_code == 200
        told = answer.text.lower()
        assert "verification" not in told
        assert str(wanted.case_id) not in told
    assert (await bd.booking(str(wanted.visit_id)))["kind"] == "follow_up"


async def test_when_nobody_independent_is_left_it_says_so_without_naming_who_is_excluded(bd: Programme) -> None:
    wanted = verification(bd, *bd.people.values())
    await bd.feeder.deliver(wanted)
    await bd.plan_all()
    (fact,) = await bd.facts(BookingUnplaceable)
    assert fact.visit_id == wanted.visit_id
    shown = await bd.booking(str(wanted.visit_id))
    assert shown["reasons"]
    assert not any(reason["trainer_id"] for reason in shown["reasons"])
    assert "case" not in str(shown["reasons"])


async def test_what_is_wanted_again_takes_the_place_of_what_could_not_be_placed(bd: Programme) -> None:
    """Otherwise the coordinator's list keeps a visit that somebody has asked for anew, and both are looked after."""
    in_vain = verification(bd, *bd.people.values())
    await bd.feeder.deliver(in_vain)
    await bd.plan_all()
    again = in_vain.model_copy(update={"visit_id": uuid4(), "excluded_trainer_ids": (bd.people["BD-T1"],)})
    await bd.feeder.deliver(again, times=2)
    await bd.plan_all()
    assert [fact.visit_id for fact in await bd.facts(VisitScheduled)] == [again.visit_id]
    assert (await bd.booking(str(in_vain.visit_id)))["state"] == "withdrawn"
    assert not await bd.facts(BookingWithdrawn), "nobody had heard of it"
    assert str(in_vain.visit_id) not in (await bd.get("/")).text


async def test_a_wish_for_an_enterprise_that_is_not_known_yet_waits(bare: Programme) -> None:
    bare.enterprises["BD-E1"] = uuid4()
    with pytest.raises(NotKnownYet):
        await bare.feeder.deliver(verification(bare))
    assert await bare.plan_all() == 0
