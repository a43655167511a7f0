"""Zero tolerance: the named people, at once, by every channel, at any hour; never anybody else, and never in silence."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.case import (
    CaseAckLapsed,
    CaseAcknowledged,
    CaseClosed,
    CaseEscalated,
    CaseUnowned,
    ClosureProposed,
    ClosureReturned,
    VerificationReported,
)
from shared.contracts.message import MessageCancelled, MessageFailed, MessageQueued, MessageSent
from shared.contracts.values import Channel, Role
from shared.db import transaction
from shared.ids import new_id
from tests.integration.notifications.world import START, World, case_opened

BOTH = (Channel.EMAIL, Channel.SMS)


def escalated(case_id: UUID, *recipients: UUID, step: int = 2) -> CaseEscalated:
    return CaseEscalated(
        case_id=case_id,
        country="BD",
        step=step,
        tier=2,
        recipient_ids=recipients,
        respond_by=START + timedelta(hours=8),
        cause="no_answer",
    )


def acknowledged(case_id: UUID, owner: UUID) -> CaseAcknowledged:
    return CaseAcknowledged(case_id=case_id, country="BD", owner_id=owner, valid_until=START + timedelta(days=2))


def closed(case_id: UUID, *recipients: UUID) -> CaseClosed:
    return CaseClosed(
        case_id=case_id,
        country="BD",
        outcome="resolved",
        proposed_by=new_id(),
        approved_by=new_id(),
        closed_at=START,
        recipient_ids=recipients,
    )


async def test_an_alert_leaves_by_mail_and_sms_at_once_and_at_night(world: World) -> None:
    officer = await world.knows("officer", Role.OFFICER, zone="America/Lima", channels=BOTH)
    opened = case_opened(officer)
    await world.hears(opened, times=3)
    await world.send()
    (mail,) = world.post.to("officer@example.org")
    (text,) = world.sms.texts
    reference = opened.case_id.hex[-6:].upper()
    assert mail["Subject"] == f"Case {reference} needs you"
    assert "05:00 (Lima time)" in mail.get_body(("plain",)).get_content()
    assert "/visits/tap?t=" in text["text"]
    assert {(fact.about, fact.step, fact.channel) for fact in await world.said(MessageSent)} == {
        (opened.case_id, 1, Channel.EMAIL),
        (opened.case_id, 1, Channel.SMS),
    }


async def test_nobody_is_told_whom_the_fact_does_not_name(world: World) -> None:
    manager = await world.knows("manager", Role.ENTERPRISE)
    await world.knows_enterprise("rahman", manager)
    for key, role in (("head", Role.HEAD), ("mita", Role.COORDINATOR), ("deputy", Role.DEPUTY)):
        await world.knows(key, role)
    officer = await world.knows("officer", Role.OFFICER)
    opened = case_opened(officer)
    unowned = CaseUnowned(
        case_id=opened.case_id, country="BD", step=2, recipient_ids=(officer,), respond_by=START + timedelta(days=1)
    )
    await world.hears(opened, unowned, closed(opened.case_id, officer))
    await world.send()
    assert {to for to, _ in world.post.mails} == {"officer@example.org"}
    rows = await world.pool.fetch("select distinct recipient_id from messages")
    assert [row["recipient_id"] for row in rows] == [officer]


async def test_an_alert_that_waits_is_not_sent_once_its_case_is_taken(world: World) -> None:
    officer, deputy = await world.knows("officer"), await world.knows("deputy")
    opened = case_opened(officer, deputy)
    await world.hears(opened, acknowledged(opened.case_id, officer))
    await world.send()
    assert world.post.mails == []
    cancelled = await world.said(MessageCancelled)
    assert {(fact.recipient_id, fact.code) for fact in cancelled} == {
        (officer, "acknowledged"),
        (deputy, "acknowledged"),
    }
    lanes = await world.pool.fetch("select distinct lane from outbox")
    assert [row["lane"] for row in lanes] == ["zero_tolerance"]


@pytest.mark.parametrize("template", ["case_lapsed", "case_closure", "case_verified", "case_closed"])
async def test_each_question_of_a_case_reaches_its_people(world: World, template: str) -> None:
    officer = await world.knows("officer")
    case_id, by = new_id(), START + timedelta(hours=2)
    opened = case_opened(officer, case_id=case_id)
    values: dict[str, Any] = {"case_id": case_id, "country": "BD", "recipient_ids": (officer,)}
    told = {
        "case_lapsed": CaseAckLapsed(**values, step=2, owner_id=officer, respond_by=by),
        "case_closure": ClosureProposed(**values, step=2, outcome="resolved", proposed_by=new_id(), respond_by=by),
        "case_verified": VerificationReported(**values, visit_id=new_id()),
        "case_closed": closed(case_id, officer),
    }[template]
    await world.hears(opened, acknowledged(case_id, officer), told)
    await world.send()
    assert await world.states(template) == ["sent"]
    assert len(world.post.mails) == 1


async def test_a_proposal_that_was_returned_asks_nobody_any_more(world: World) -> None:
    officer = await world.knows("officer")
    opened = case_opened(officer)
    proposed = ClosureProposed(
        case_id=opened.case_id,
        country="BD",
        step=2,
        outcome="resolved",
        proposed_by=new_id(),
        recipient_ids=(officer,),
        respond_by=START,
    )
    returned = ClosureReturned(
        case_id=opened.case_id, country="BD", returned_by=officer, owner_id=officer, valid_until=START
    )
    await world.hears(opened, proposed, returned)
    await world.send()
    assert await world.states("case_closure") == ["cancelled"]


async def test_an_unknown_recipient_is_a_failed_message_at_once_and_not_a_parked_fact(world: World) -> None:
    stranger, officer = new_id(), await world.knows("officer")
    opened = case_opened(stranger, officer)
    (raised,) = await asyncio.gather(world.hears(opened), return_exceptions=True)
    assert raised is None, "a fact about a case is never set aside for somebody unknown"
    (failed,) = await world.said(MessageFailed)
    assert (failed.recipient_id, failed.code, failed.step) == (stranger, "no_recipient", 1)
    assert {fact.message_id for fact in await world.said(MessageQueued)} >= {failed.message_id}
    await world.send()
    assert len(world.post.to("officer@example.org")) == 1, "the others are told all the same"


async def test_who_could_not_be_found_is_alerted_when_they_arrive_while_the_case_is_open(world: World) -> None:
    late, gone = new_id(), new_id()
    opened, over = case_opened(late), case_opened(gone)
    await world.hears(opened, over, closed(over.case_id))
    await world.send()
    await world.knows("late", person_id=late)
    await world.knows("gone", person_id=gone)
    await world.send()
    await world.send()
    assert len(world.post.to("late@example.org")) == 1
    assert world.post.to("gone@example.org") == []


async def test_somebody_without_a_channel_is_said_to_be_so(world: World) -> None:
    officer = await world.knows("officer", channels=())
    await world.hears(case_opened(officer))
    assert [fact.code for fact in await world.said(MessageFailed)] == ["no_channel"]


async def test_every_tier_is_told_apart_and_each_only_once(world: World) -> None:
    officer, deputy = await world.knows("officer"), await world.knows("deputy")
    opened = case_opened(officer)
    second = escalated(opened.case_id, deputy)
    await world.hears(opened, second, escalated(opened.case_id, deputy, step=3), times=2)
    await world.send()
    steps = [fact.step for fact in await world.said(MessageSent)]
    assert sorted(steps) == [1, 2, 3]


async def test_a_stuck_case_record_pages_the_operators_at_once_without_naming_the_case(world: World) -> None:
    await world.knows("admin", Role.ADMINISTRATOR, channels=BOTH)
    await world.knows("mita", Role.COORDINATOR)
    case_id = new_id()
    from services.notifications.consumers import CASE

    assert CASE.on_stuck is not None
    for _ in range(2):
        async with transaction(world.pool) as conn:
            await CASE.on_stuck("gemba.case", case_id, conn, world.deps)
    await world.send()
    (mail,) = world.post.to("admin@example.org")
    assert len(world.post.mails) == len(world.sms.texts) == 1
    assert case_id.hex[-6:].upper() not in mail.as_string().upper().replace("-", "")
    assert str(case_id) not in mail.as_string() + str(world.sms.texts)


async def test_nothing_of_a_case_but_its_id_and_clock_is_kept(world: World) -> None:
    officer = await world.knows("officer")
    await world.hears(case_opened(officer, item=4))
    row = await world.pool.fetchrow("select data from messages")
    assert set(row["data"]) == {"respond_by", "outcome"}
    columns = await world.pool.fetch("select column_name from information_schema.columns where table_name = 'cases'")
    assert {column["column_name"] for column in columns} == {
        "case_id",
        "country",
        "state",
        "step",
        "answered",
    }
