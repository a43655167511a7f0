"""An open zero-tolerance case cannot go quiet: whoever is silent, the next one hears of it, and at the end everybody, daily."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from tests.harness.scenario import SCENARIO
from tests.harness.scenario_acts import (
    close_case,
    confirmed_cohort,
    end_cohort,
    expect_about,
    messages_about,
    report,
    send,
    to_the_end_of,
)

pytestmark = SCENARIO

_MOMENT = timedelta(seconds=1)


async def _pass(world: World, fact: Any, field: str = "respond_by") -> None:
    """Let a deadline that a fact named go by."""
    await world.advance_to(instant(str(fact.data[field])) + _MOMENT)


async def _raise_from_the_phone(world: World, country: str, enterprise: int, **more: Any) -> Any:
    """A trainer raises a suspicion before any report; returns the fact of the case."""
    trainer = await world.actor(f"{country}-T01")
    key = f"{country}-E{enterprise:02d}"
    found = await world.administrator.get("/directory/api/enterprises", country=country)
    place = next(one["enterprise_id"] for one in found["items"] if one["key"] == key)
    after = len(world.log.events)
    sighting = {"finding_id": str(uuid4()), "item": 4, "text": "A child at a machine.", "enterprise_id": place} | more
    receipt = await trainer.post("/visits/api/suspicions", sighting)
    assert set(receipt) == {"finding_id", "received_at"}, "the finder gets a receipt and nothing of the case"
    return await world.log.has("CaseOpened", after=after, country=country)


async def test_silence_climbs_tier_by_tier_and_ends_in_a_daily_page(world: World) -> None:
    visit, _ = await confirmed_cohort(world, "BD", [11, 12])
    await to_the_end_of(world, visit)
    suspicion = {"item": 4, "text": "A girl of perhaps twelve at a sewing machine."}
    after = len(world.log.events)
    await report(world, visit, suspicions=[suspicion])

    opened = await world.log.has("CaseOpened", after=after)
    case_id = opened.data["case_id"]
    await expect_about(world, "BD-OFFICER", case_id, mail=1, sms=1)
    assert not await messages_about(world, "BD-DEPUTY", case_id), "the deputy's turn has not come"

    await _pass(world, opened)
    second = await world.log.has("CaseEscalated", case_id=case_id, tier=2)
    await expect_about(world, "BD-DEPUTY", case_id, mail=1, sms=1)
    assert not await messages_about(world, "BD-HEAD", case_id)

    await _pass(world, second)
    third = await world.log.has("CaseEscalated", case_id=case_id, tier=3)
    await expect_about(world, "BD-HEAD", case_id, mail=1, sms=1)

    await _pass(world, third)
    page = await world.log.has("CaseUnowned", case_id=case_id)
    await expect_about(world, "BD-HEAD", case_id, mail=2, sms=2)
    head = await world.actor("BD-HEAD")
    assert (await head.get(f"/visits/api/cases/{case_id}"))["standing"] == "unowned"
    for pages in (3, 4):
        await _pass(world, page)
        page = await world.log.has("CaseUnowned", case_id=case_id, step=page.data["step"] + 1)
        await expect_about(world, "BD-HEAD", case_id, mail=pages, sms=pages)
        assert instant(page.data["respond_by"]) - world.clock.now() <= timedelta(days=1), "paged daily"

    await expect_about(world, "BD-OFFICER", case_id, mail=1, sms=1)
    for contact in ("MGR", "REP"):
        told = await world.inbox.messages(f"bd-e11-{contact.lower()}@programme.example")
        assert not [one for one in told if "case" in (one["subject"] + one["text"]).lower()], "never the enterprise"
    await close_case(world, case_id, "BD-DEPUTY", "BD-HEAD")
    await end_cohort(world, visit)


async def test_an_acknowledgement_lapses_its_owner_is_asked_once_more_and_then_the_next_tier(world: World) -> None:
    opened = await _raise_from_the_phone(world, "BD", 15)
    case_id = opened.data["case_id"]
    officer = await world.actor("BD-OFFICER")
    await expect_about(world, officer.key, case_id, mail=1, sms=1)
    await officer.post(f"/visits/api/cases/{case_id}/acknowledge")
    acknowledged = await world.log.has("CaseAcknowledged", case_id=case_id, owner_id=officer.person_id)
    assert instant(acknowledged.data["valid_until"]) > instant(str(opened.data["respond_by"]))

    await _pass(world, opened)
    assert not await messages_about(world, "BD-DEPUTY", case_id), "it has an owner: nobody else is alerted"
    shelf_life = instant(acknowledged.data["valid_until"]) - world.clock.now()
    await world.advance_to(world.clock.now() + shelf_life * 0.75)
    await officer.post(f"/visits/api/cases/{case_id}/note", {"text": "Spoke to the manager."})
    progressed = await world.log.has("CaseProgressed", case_id=case_id)
    assert progressed.data["valid_until"] > acknowledged.data["valid_until"], "a note renews the shelf-life"

    await _pass(world, progressed, "valid_until")
    lapsed = await world.log.has("CaseAckLapsed", case_id=case_id, owner_id=officer.person_id)
    await expect_about(world, officer.key, case_id, mail=2, sms=2)
    assert not await messages_about(world, "BD-DEPUTY", case_id), "first its owner is asked once more"

    await _pass(world, lapsed)
    await world.log.has("CaseEscalated", case_id=case_id, tier=2)
    await expect_about(world, "BD-DEPUTY", case_id, mail=1, sms=1)
    await expect_about(world, officer.key, case_id, mail=2, sms=2)
    await close_case(world, case_id, "BD-DEPUTY", "BD-HEAD")


async def test_named_persons_and_their_line_have_no_part_in_a_case_not_even_in_a_count(world: World) -> None:
    officer, head = await world.actor("BD-OFFICER"), await world.actor("BD-HEAD")
    deputy, elsewhere = await world.actor("BD-DEPUTY"), await world.actor("PE-HEAD")
    before = {who.key: (await who.get("/visits/api/cases"))["counts"] for who in (officer, head)}

    opened = await _raise_from_the_phone(world, "BD", 16, named_person_ids=[officer.person_id])
    case_id = opened.data["case_id"]
    assert opened.data["recipient_ids"] == [deputy.person_id], "the officer is named: the deputy is the first"
    await expect_about(world, deputy.key, case_id, mail=1, sms=1)
    await _pass(world, opened)
    await world.log.has("CaseUnowned", case_id=case_id)
    await expect_about(world, elsewhere.key, case_id, mail=1, sms=1)

    for excluded in (officer, head):  # the head is the officer's line
        assert not await messages_about(world, excluded.key, case_id)
        listed = await excluded.get("/visits/api/cases")
        assert case_id not in [one["case_id"] for one in listed["items"]]
        assert listed["counts"] == before[excluded.key]
        for path in ("", "/acknowledge", "/note", "/confirm", "/propose-closure", "/approve-closure"):
            body = {"/note": {"text": "?"}, "/propose-closure": {"outcome": "cancelled"}}.get(path)
            method = "POST" if path else "GET"
            real = await send(excluded, method, f"/visits/api/cases/{case_id}{path}", body)
            absent = await send(excluded, method, f"/visits/api/cases/{uuid4()}{path}", body)
            assert (real.status_code, real.json()["detail"]) == (404, absent.json()["detail"]), path
    finder = await world.actor("BD-T01")
    real, absent = [await send(finder, "GET", f"/visits/api/cases/{one}") for one in (case_id, uuid4())]
    assert real.status_code == absent.status_code >= 400, "nor does the finder learn whether there is one"
    await close_case(world, case_id, deputy.key, elsewhere.key)
    for excluded in (officer, head):
        assert not await messages_about(world, excluded.key, case_id), "not even that it ended"
