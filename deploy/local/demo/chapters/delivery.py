"""Visits take place and are reported; one does not, is noticed, and is given another date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from deploy.local.demo.chapters.cast import COORDINATOR, Cast
from deploy.local.demo.chapters.offers import accept_in_mail, taps
from deploy.local.demo.observing import instant, until
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.world import World

_AFTER_THE_VISIT = timedelta(hours=1)


async def deliver_first_stages(world: World, cast: Cast) -> None:
    """Five baselines and two classroom days; the first is reported by one tap, the last one brings up a finding."""
    coordinator = await world.actor(COORDINATOR)
    visits = (await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id))["items"]
    early = sorted(
        (visit for visit in visits if visit["kind"] in {"baseline", "classroom"}), key=lambda visit: visit["starts_at"]
    )
    for number, visit in enumerate(early):
        await world.advance_to(instant(visit["ends_at"]) + _AFTER_THE_VISIT)
        if number == 0:
            await _report_by_one_tap(world, cast, visit)
        elif number == len(early) - 1:
            await _report_a_finding(world, cast, visit)
        else:
            await report(world, cast, visit)
    await world.settle()
    world.tell(
        "trainers", f"{len(early)} visits done and reported: all baselines, both classroom days", "VisitReported"
    )


async def report(world: World, cast: Cast, visit: dict[str, Any], **more: object) -> None:
    """The visit's trainer reports it from a phone."""
    current = await (await world.actor(COORDINATOR)).get(f"/visits/api/visits/{visit['visit_id']}")
    trainer = await world.actor(cast.trainer_keys[current["trainer"]["id"]])
    body = {"whole": True, "participants": {"managers": 2, "workers": 2}, "summary": "As agreed."} | more
    await trainer.post(f"/visits/api/visits/{visit['visit_id']}/report", body)
    await world.log.has("VisitReported", visit_id=visit["visit_id"])


async def run_until(world: World, cast: Cast, target: datetime) -> None:
    """Move time on; every confirmed visit that ends on the way is reported by its trainer, but those spoken for."""
    coordinator = await world.actor(COORDINATOR)
    while True:
        visits = (await coordinator.get("/visits/api/visits", state="confirmed"))["items"]
        due = [
            (instant(visit["ends_at"]) + _AFTER_THE_VISIT, visit)
            for visit in visits
            if visit["visit_id"] not in cast.unreported
        ]
        ends_at, visit = min(due, key=lambda pair: pair[0], default=(target, None))
        if visit is None or ends_at > target:
            await world.advance_to(target)
            return
        await world.advance_to(ends_at)
        await report(world, cast, visit)


async def miss_and_reschedule(world: World, cast: Cast) -> None:
    """Nobody reports a consultancy visit: it is noticed a day later, told, and planned again."""
    coordinator = await world.actor(COORDINATOR)
    visits = (await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id))["items"]
    ahead = [
        visit
        for visit in visits
        if visit["kind"] == "consultancy" and visit["state"] == "confirmed"
        and instant(visit["starts_at"]) > world.clock.now()
    ]  # fmt: skip
    visit = min(ahead, key=lambda visit: visit["starts_at"])
    cast.missed_visit_id = visit["visit_id"]
    cast.unreported.add(visit["visit_id"])
    await run_until(world, cast, instant(visit["ends_at"]) + timedelta(hours=25))
    await world.log.has("VisitMissed", visit_id=visit["visit_id"])
    world.tell("visits", "nobody reported the visit: it counts as missed", "VisitMissed")
    await world.inbox.expect(
        coordinator.email,
        "the missed visit",
        lambda mail: visit["visit_id"] in mail["text"] or "miss" in mail["subject"].lower(),
    )

    async def offered_again() -> dict[str, Any] | None:
        now: dict[str, Any] = await coordinator.get(f"/visits/api/visits/{visit['visit_id']}")
        return now if now["state"] == "offered" else None

    again = await until(offered_again, "the missed visit is offered at another time")
    await world.settle()
    world.tell("scheduler", f"finds another date: {again['starts_at'][:10]}", "BookingMoved")
    await accept_in_mail(world, cast, visit["visit_id"])
    cast.unreported.discard(visit["visit_id"])
    await world.settle()
    world.tell(cast.trainer_keys[again["trainer"]["id"]], "accepts the new date by one tap", "VisitConfirmed")


async def _report_by_one_tap(world: World, cast: Cast, visit: dict[str, Any]) -> None:
    current = await (await world.actor(COORDINATOR)).get(f"/visits/api/visits/{visit['visit_id']}")
    key = cast.trainer_keys[current["trainer"]["id"]]
    mail = await world.inbox.expect(
        f"{key.lower()}@{MAIL_DOMAIN}",
        "the request for a report with its one-tap link",
        lambda message: len(taps(message)) == 1 and not message.get("calendar"),
    )
    trainer = await world.actor(key)
    await trainer.tap(taps(mail)[0])
    await world.log.has("VisitReported", visit_id=visit["visit_id"])
    world.tell(trainer.name, "reports a baseline by one tap in the mail: nothing to note", "VisitReported")


async def _report_a_finding(world: World, cast: Cast, visit: dict[str, Any]) -> None:
    finding = {
        "item": 3,
        "grade": "major",
        "enterprise_id": visit["enterprises"][0]["id"],
        "text": "Workers say that the emergency exit of the cutting hall is blocked by rolls of fabric.",
    }
    await report(world, cast, visit, findings=[finding])
    opened = await world.log.has("ActionOpened")
    cast.action_id = str(opened.data["action_id"])
    await world.settle()
    world.tell(cast.trainer_keys[visit["trainer"]["id"]], "reports a major finding", "FindingRecorded → ActionOpened")
