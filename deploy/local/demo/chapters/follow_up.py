"""An ordinary finding's action: reminded, overdue, the next tier, evidence, a planned follow-up visit, verified."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from deploy.local.demo.chapters.cast import COORDINATOR, Cast
from deploy.local.demo.chapters.delivery import report, run_until
from deploy.local.demo.chapters.offers import accept_in_mail
from deploy.local.demo.observing import instant, until
from deploy.local.demo.world import World

_NEXT_TIER = timedelta(days=7)


async def follow_an_action(world: World, cast: Cast) -> None:
    """The owner hears before and after the due date; then somebody with more authority does."""
    coordinator = await world.actor(COORDINATOR)
    action = await coordinator.get(f"/visits/api/actions/{cast.action_id}")
    due_at = instant(action["due_at"])
    owner_key = await _key_of(world, action["owner"]["id"])
    owner = await world.actor(owner_key)
    await run_until(world, cast, due_at - timedelta(days=6))
    await world.log.has("ActionReminded", action_id=cast.action_id)
    await _told(world, owner.email, "the reminder")
    world.tell("notifications", f"reminds {owner.name}, who owns the action", "ActionReminded")
    await run_until(world, cast, due_at + timedelta(hours=12))
    await world.log.has("ActionOverdue", action_id=cast.action_id, tier=1)
    world.tell("notifications", f"tells {owner.name} that it is overdue", "ActionOverdue, tier 1")
    await run_until(world, cast, due_at + _NEXT_TIER + timedelta(hours=18))
    await world.log.has("ActionOverdue", action_id=cast.action_id, tier=2)
    await _told(world, coordinator.email, "the overdue action")
    world.tell("notifications", f"tells {coordinator.name}: still overdue", "ActionOverdue, tier 2")

    await owner.post(
        f"/visits/api/actions/{cast.action_id}/evidence",
        {"text": "The exit is clear; a line on the floor keeps it so."},
    )
    await world.log.has("EvidenceSubmitted", action_id=cast.action_id)
    world.tell(owner.name, "submits evidence", "EvidenceSubmitted")
    await _verify_by_visit(world, cast)


async def _verify_by_visit(world: World, cast: Cast) -> None:
    """A major finding is verified at the factory: the visit is planned by the same planner."""
    coordinator = await world.actor(COORDINATOR)
    await coordinator.post(f"/visits/api/actions/{cast.action_id}/follow-up")
    wanted = await world.log.has("FollowUpWanted", action_id=cast.action_id)
    visit_id = str(wanted.data["visit_id"])
    await world.log.has("VisitScheduled", visit_id=visit_id)
    await world.settle()
    world.tell("scheduler", "plans the follow-up visit within its window", "FollowUpWanted → VisitScheduled")

    async def offered() -> dict[str, Any] | None:
        visits = (await coordinator.get("/visits/api/visits", state="offered"))["items"]
        return next((visit for visit in visits if visit["visit_id"] == visit_id), None)

    visit = await until(offered, "the follow-up visit is offered")
    cast.unreported.add(visit_id)
    await accept_in_mail(world, cast, visit_id)
    await run_until(world, cast, instant(visit["ends_at"]) + timedelta(hours=1))
    await report(world, cast, visit)
    await coordinator.post(f"/visits/api/actions/{cast.action_id}/verify")
    await world.log.has("ActionVerified", action_id=cast.action_id)
    await world.settle()
    state = (await coordinator.get(f"/visits/api/actions/{cast.action_id}"))["state"]
    if state != "verified":
        raise AssertionError(f"the action is {state}, not verified")
    world.tell(coordinator.name, "verifies the action after the follow-up visit", "ActionVerified")


async def _told(world: World, address: str, what: str) -> None:
    await world.inbox.expect(address, what, lambda mail: "action" in (mail["subject"] + mail["text"]).lower())


async def _key_of(world: World, person_id: str) -> str:
    person = await world.administrator.get(f"/directory/api/people/{person_id}")
    return str(person["key"])
