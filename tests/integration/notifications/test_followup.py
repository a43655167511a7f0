"""Corrective actions and notices: to whom their facts name, or to the coordinators, bundled."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from shared.contracts.action import (
    ActionCancelled,
    ActionOpened,
    ActionOverdue,
    ActionReminded,
    ActionVerified,
    EvidenceReturned,
    EvidenceSubmitted,
)
from shared.contracts.booking import BookingUnplaceable
from shared.contracts.cohort import CohortCompleted, CohortCreated, CohortPlanned, CohortPublished
from shared.contracts.message import MessageCancelled, MessageSent
from shared.contracts.values import Role, VisitKind
from shared.errors import NotKnownYet
from shared.ids import new_id
from tests.integration.notifications.world import START, World

DUE = START + timedelta(days=30)


def opened(owner: UUID, mill: UUID) -> ActionOpened:
    return ActionOpened(
        action_id=new_id(),
        finding_id=new_id(),
        enterprise_id=mill,
        country="BD",
        item=3,
        owner_id=owner,
        due_at=DUE,
        verification="desk",
    )


async def test_an_action_is_told_step_by_step_to_whom_its_facts_name(world: World) -> None:
    owner, mita = await world.knows("owner", Role.ENTERPRISE), await world.knows("mita", Role.COORDINATOR)
    action = opened(owner, await world.knows_enterprise("rahman"))
    about = {"action_id": action.action_id, "country": "BD"}
    evidence = new_id()
    steps = (
        action,
        ActionReminded(**about, owner_id=owner, due_at=DUE, recipient_ids=(owner,)),
        ActionOverdue(**about, tier=1, due_at=DUE, recipient_ids=(owner,)),
        ActionOverdue(**about, tier=2, due_at=DUE, recipient_ids=(mita,)),
        EvidenceSubmitted(**about, evidence_id=evidence, submitted_by=owner, recipient_ids=(mita,)),
        EvidenceReturned(**about, evidence_id=evidence, recipient_ids=(owner,)),
        EvidenceSubmitted(**about, evidence_id=new_id(), submitted_by=owner, recipient_ids=(mita,)),
        ActionVerified(**about, verified_by=mita, recipient_ids=(owner,)),
    )
    for step in steps:
        await world.hears(step, times=2)
        await world.send()
    to_owner = [str(mail["Subject"]).partition(":")[0] for mail in world.post.to("owner@example.org")]
    to_mita = [str(mail["Subject"]).partition(":")[0] for mail in world.post.to("mita@example.org")]
    assert to_owner == ["An action for you", "Due soon", "Overdue", "Not enough yet", "Done"]
    assert to_mita == ["Overdue", "Evidence to look at", "Evidence to look at"]
    told = world.post.to("owner@example.org")[0].get_body(("plain",)).get_content()
    assert "About: 3 · Safe and healthy working conditions" in told
    assert f"/visits/actions/{action.action_id}" in told


async def test_a_reminder_held_for_the_night_is_not_sent_once_the_evidence_is_there(world: World) -> None:
    owner = await world.knows("owner", zone="America/Lima")
    action = opened(owner, await world.knows_enterprise("rahman"))
    about = {"action_id": action.action_id, "country": "BD"}
    await world.hears(action, ActionReminded(**about, owner_id=owner, due_at=DUE, recipient_ids=(owner,)))
    await world.hears(EvidenceSubmitted(**about, evidence_id=new_id(), submitted_by=owner, recipient_ids=()))
    await world.advance(days=1)
    await world.send()
    assert [fact.code for fact in await world.said(MessageCancelled)] == ["submitted"]
    assert await world.states("action_opened") == ["sent"]


async def test_the_last_tier_hears_again_each_time_it_is_told_and_once_each_time(world: World) -> None:
    head = await world.knows("head", Role.HEAD)
    action = opened(await world.knows("owner"), await world.knows_enterprise("rahman"))
    await world.hears(action)
    for days in (14, 28):
        again = ActionOverdue(
            action_id=action.action_id,
            country="BD",
            tier=3,
            due_at=DUE,
            recipient_ids=(head,),
            told_at=DUE + timedelta(days=days),
        )
        await world.hears(again, times=2)
        await world.send()
    assert len(world.post.to("head@example.org")) == 2


async def test_a_cancelled_action_is_not_announced_any_more(world: World) -> None:
    action = opened(await world.knows("owner"), await world.knows_enterprise("rahman"))
    await world.hears(action, ActionCancelled(action_id=action.action_id, country="BD", reason="mistake"))
    await world.send()
    assert world.post.mails == []


def created() -> CohortCreated:
    return CohortCreated(
        cohort_id=new_id(),
        request_id=None,
        country="BD",
        module="WC",
        delivery_plan="WC-1",
        enterprise_ids=(new_id(), new_id()),
        first_day=date(2026, 4, 1),
        last_day=date(2026, 6, 30),
        created_by=None,
    )


async def test_notices_of_one_minute_are_one_mail(world: World) -> None:
    await world.knows("mita", Role.COORDINATOR)
    cohort, mill = created(), await world.knows_enterprise("rahman")
    about = {"cohort_id": cohort.cohort_id, "country": "BD"}
    await world.hears(cohort, CohortPlanned(**about, plan_id=new_id(), placed=9, unplaced=0))
    await world.send()
    assert len(world.post.to("mita@example.org")) == 1, "the first one goes at once"
    await world.hears(CohortPlanned(**about, plan_id=new_id(), placed=12, unplaced=1))
    await world.advance(seconds=30)
    dry = BookingUnplaceable(
        visit_id=new_id(),
        cohort_id=None,
        country="BD",
        kind=VisitKind.VERIFICATION,
        enterprise_ids=(mill,),
        codes=("declined",),
    )
    await world.hears(dry, CohortPublished(**about, plan_id=new_id(), visit_ids=(new_id(),)), times=2)
    await world.send()
    assert len(world.post.mails) == 1
    await world.advance(seconds=30)
    await world.send()
    _, mail = world.post.to("mita@example.org")
    told = mail.get_body(("plain",)).get_content()
    assert mail["Subject"].startswith("3 notices: Plan ready: WC")
    assert "Visits placed: 12 of 13" in told
    assert "What: Follow-up visit" in told, "a verification is called what any follow-up is called"
    assert len(await world.said(MessageSent)) == 4
    with_ids = await world.pool.fetch("select sent_with from messages where sent_with is not null")
    assert len({row["sent_with"] for row in with_ids}) == 1


async def test_a_completed_cohort_comes_with_its_figures(world: World) -> None:
    await world.knows("mita", Role.COORDINATOR)
    cohort = created()
    done = CohortCompleted(
        cohort_id=cohort.cohort_id,
        country="BD",
        visits_planned=14,
        visits_reported=13,
        visits_withdrawn=1,
        visits_moved=2,
    )
    await world.hears(cohort, done)
    await world.advance(minutes=1)
    await world.send()
    (mail,) = world.post.to("mita@example.org")
    assert "13 of 14 visits reported, 2 moved, 1 withdrawn" in mail.get_body(("plain",)).get_content()


async def test_a_country_without_a_coordinator_tells_the_administrators_and_an_empty_one_waits(world: World) -> None:
    cohort = created()
    planned = CohortPlanned(cohort_id=cohort.cohort_id, country="BD", plan_id=new_id(), placed=1, unplaced=0)
    await world.hears(cohort)
    with pytest.raises(NotKnownYet):
        await world.hears(planned)
    await world.knows("root", Role.ADMINISTRATOR, country="PE")
    done = CohortCompleted(
        cohort_id=cohort.cohort_id,
        country="BD",
        visits_planned=1,
        visits_reported=1,
        visits_withdrawn=0,
        visits_moved=0,
    )
    world._feeder._versions[planned.topic, cohort.cohort_id] = 1
    await world.hears(planned, done)
    await world.advance(minutes=1)
    await world.send()
    assert len(await world.said(MessageSent)) == 2
