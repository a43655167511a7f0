"""Whoever must act is reminded, then somebody with more authority is told; nobody is told the same twice, or at night."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from tests.harness.scenario import SCENARIO
from tests.harness.scenario_acts import (
    close_case,
    confirmed_cohort,
    end_action,
    end_cohort,
    expect_about,
    messages_about,
    report,
)

pytestmark = SCENARIO

_DHAKA = ZoneInfo("Asia/Dhaka")


def _next(world: World, wall: time) -> datetime:
    """The next time that a clock on the wall in Dhaka shows this."""
    now = world.clock.now().astimezone(_DHAKA)
    today = datetime.combine(now.date(), wall, tzinfo=_DHAKA)
    return today if today > now else today + timedelta(days=1)


async def test_the_night_holds_ordinary_mail_and_not_zero_tolerance(world: World) -> None:
    visit, _ = sorted(await confirmed_cohort(world, "BD", [25, 26]), key=lambda one: str(one["ends_at"]))
    await world.advance_to(instant(visit["ends_at"]))
    await world.advance_to(_next(world, time(22, 0)))
    after = len(world.log.events)
    done = await report(
        world,
        visit,
        findings=[{"item": 3, "grade": "minor", "text": "Boxes before the exit."}],
        suspicions=[{"item": 1, "text": "Papers are kept by the owner."}],
    )
    case_id = (await world.log.has("CaseOpened", after=after)).data["case_id"]
    await expect_about(world, "BD-OFFICER", case_id, mail=1, sms=1)
    await close_case(world, case_id, "BD-OFFICER", "BD-HEAD")

    action_id = done["action_ids"][0]
    owner = await _owner_of(world, action_id)
    assert not await messages_about(world, owner, action_id), "ten at night: it waits"
    morning = _next(world, time(7, 0))
    await world.advance_to(morning - timedelta(minutes=1))
    assert not await messages_about(world, owner, action_id)
    await world.advance_to(morning + timedelta(minutes=1))
    (mail,) = await expect_about(world, owner, action_id, mail=1, sms=0)
    assert datetime.fromisoformat(mail["date"]).astimezone(_DHAKA).time() >= time(7, 0)
    await end_action(world, "BD", action_id)
    await end_cohort(world, visit)


async def test_an_action_is_reminded_once_and_climbs_tier_by_tier(world: World) -> None:
    visit, _ = sorted(await confirmed_cohort(world, "BD", [27, 28]), key=lambda one: str(one["ends_at"]))
    await world.advance_to(instant(visit["ends_at"]) + timedelta(minutes=1))
    done = await report(world, visit, findings=[{"item": 6, "grade": "minor", "text": "No record of overtime."}])
    await end_cohort(world, visit)
    action_id = done["action_ids"][0]
    owner, due_at = await _owner_of(world, action_id), await _due(world, action_id)
    coordinators, head = ("BD-COORD", "BD-COORD2"), "BD-HEAD"
    await world.advance(hours=14)
    await expect_about(world, owner, action_id, mail=1, sms=0)  # that there is something to do

    await world.advance_to(due_at - timedelta(days=7, hours=1))
    await expect_about(world, owner, action_id, mail=1, sms=0)
    await world.advance_to(due_at - timedelta(days=6))
    await expect_about(world, owner, action_id, mail=2, sms=0)  # the reminder
    await world.advance_to(due_at + timedelta(days=1))
    await world.log.has("ActionOverdue", action_id=action_id, tier=1)
    await expect_about(world, owner, action_id, mail=3, sms=0)
    for coordinator in coordinators:
        assert not await messages_about(world, coordinator, action_id), "first its owner"

    await world.advance_to(due_at + timedelta(days=8))
    await world.log.has("ActionOverdue", action_id=action_id, tier=2)
    for coordinator in coordinators:
        await expect_about(world, coordinator, action_id, mail=1, sms=0)
    assert not await messages_about(world, head, action_id)
    await world.advance_to(due_at + timedelta(days=15))
    await world.log.has("ActionOverdue", action_id=action_id, tier=3)
    await expect_about(world, head, action_id, mail=1, sms=0)
    await world.advance_to(due_at + timedelta(days=29))
    await expect_about(world, head, action_id, mail=2, sms=0)  # the last tier is told again, every two weeks
    await expect_about(world, owner, action_id, mail=3, sms=0)

    await end_action(world, "BD", action_id)
    await world.advance(days=15)
    for told in (owner, head):
        newest = (await messages_about(world, told, action_id))[-1]
        assert "overdue" not in newest["subject"].lower() or told == head, "done is done"
    await expect_about(world, head, action_id, mail=2, sms=0)
    await _nothing_came_twice(world)


async def _owner_of(world: World, action_id: str) -> str:
    action = await (await world.actor("BD-COORD")).get(f"/visits/api/actions/{action_id}")
    person = await world.administrator.get(f"/directory/api/people/{action['owner']['id']}")
    return str(person["key"])


async def _due(world: World, action_id: str) -> datetime:
    action = await (await world.actor("BD-COORD")).get(f"/visits/api/actions/{action_id}")
    return instant(action["due_at"])


async def _nothing_came_twice(world: World) -> None:
    """No two messages of this installation have one id, and nobody gets the same words twice within a day."""
    messages = await world.inbox.messages()
    ids = Counter((one["kind"], one["message_id"]) for one in messages if ".gemba" in one["message_id"])
    assert max(ids.values()) == 1
    said: dict[tuple[str, ...], datetime] = {}
    for one in messages:
        if one["kind"] != "mail" or "token=" in one["text"]:  # a sign-in link is asked for by its reader
            continue
        words, at = (*one["to"], one["subject"], one["text"]), datetime.fromisoformat(one["date"])
        assert words not in said or at - said[words] >= timedelta(days=1), one["text"]
        said[words] = at
