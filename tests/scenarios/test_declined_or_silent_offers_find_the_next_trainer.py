"""An offer that is declined or not answered goes by itself to the next best trainer; a coordinator hears when nobody is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from tests.harness.scenario import SCENARIO
from tests.harness.scenario_acts import (
    end_cohort,
    mailbox,
    publish_cohort,
    report,
    seen_visit,
    send,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO


async def _invitation(world: World, key: str, visit: dict[str, Any], method: str) -> dict[str, Any]:
    def is_it(message: dict[str, Any]) -> bool:
        calendar = message.get("calendar") or {}
        return calendar.get("method") == method and str(calendar.get("uid", "")).startswith(visit["visit_id"])

    return await world.inbox.expect(mailbox(key), f"{method} for a visit", is_it)


async def _went_to_somebody_else(world: World, visit: dict[str, Any]) -> dict[str, Any]:
    """The visit as it is offered now: to another trainer, who has the entry; the former one's is taken out."""
    moved = await world.log.has("BookingReassigned", visit_id=visit["visit_id"])
    await world.log.has("VisitOffered", visit_id=visit["visit_id"], offer=visit["offer"] + 1)
    await world.settle()
    now = await seen_visit(world, visit)
    assert now["state"] == "offered"
    assert now["trainer"]["id"] == moved.data["trainer_id"] != visit["trainer"]["id"]
    former, successor = await trainer_of(world, visit), await trainer_of(world, now)
    await world.advance(hours=12)  # ordinary mail waits for the morning where this falls into the night
    await _invitation(world, former.key, visit, "CANCEL")
    entry = await _invitation(world, successor.key, visit, "REQUEST")
    assert "PARTSTAT=NEEDS-ACTION" in entry["calendar"]["ics"].replace("\r\n ", "")
    gone = await send(former, "GET", f"/visits/api/visits/{visit['visit_id']}")
    assert gone.status_code == 404, "it is no longer the former trainer's"
    return now


async def test_a_declined_and_a_silent_offer_are_taken_by_others(world: World) -> None:
    declined, silent, taken = await publish_cohort(world, "PE", [3, 4, 5])
    for visit in (declined, silent, taken):
        await _invitation(world, (await trainer_of(world, visit)).key, visit, "REQUEST")
    accepter = await trainer_of(world, taken)
    await accepter.post(f"/visits/api/visits/{taken['visit_id']}/accept", {"offer": 1})

    decliner = await trainer_of(world, declined)
    await decliner.post(f"/visits/api/visits/{declined['visit_id']}/decline", {"offer": 1, "reason": "illness"})
    await world.log.has("VisitDeclined", visit_id=declined["visit_id"], offer=1)
    successor_visit = await _went_to_somebody_else(world, declined)
    await _accept(world, successor_visit)

    if world.clock.now() < instant(silent["respond_by"]):
        await world.advance_to(instant(silent["respond_by"]) + timedelta(minutes=1))
    await world.log.has("OfferLapsed", visit_id=silent["visit_id"], offer=1)
    late = await send(
        await trainer_of(world, silent), "POST", f"/visits/api/visits/{silent['visit_id']}/accept", {"offer": 1}
    )
    assert late.status_code in {404, 409}, "the offer is over"
    await _accept(world, await _went_to_somebody_else(world, silent))

    visits = [await seen_visit(world, visit) for visit in (declined, silent, taken)]
    assert [visit["state"] for visit in visits] == ["confirmed"] * 3
    assert visits[2]["trainer"]["id"] == taken["trainer"]["id"], "who accepted keeps the visit"
    for visit in sorted(visits, key=lambda visit: visit["ends_at"]):
        await to_the_end_of(world, visit)
        await report(world, visit)


async def _accept(world: World, visit: dict[str, Any]) -> None:
    trainer = await trainer_of(world, visit)
    await trainer.post(f"/visits/api/visits/{visit['visit_id']}/accept", {"offer": visit["offer"]})
    await world.log.has("VisitConfirmed", visit_id=visit["visit_id"], offer=visit["offer"])


async def test_a_coordinator_is_told_when_nobody_is_left_to_ask(world: World) -> None:
    visit, _ = await publish_cohort(world, "PE", [6, 7], trainers=["PE-T02", "PE-T03"])
    for offer in (1, 2):
        now = await seen_visit(world, visit)
        await (await trainer_of(world, now)).post(
            f"/visits/api/visits/{visit['visit_id']}/decline", {"offer": offer, "reason": "workload"}
        )
        await world.log.has("VisitDeclined", visit_id=visit["visit_id"], offer=offer)
        await world.settle()
    await world.log.has("BookingUnplaceable", visit_id=visit["visit_id"])
    await world.advance(hours=12)
    place = visit["enterprises"][0]["name"]
    coordinator = await world.actor("PE-COORD")
    told = await world.inbox.expect(
        mailbox(coordinator.key), "that nobody is left", lambda mail: place in mail["text"] and not mail["calendar"]
    )
    assert told["links"], "the mail leads to where something can be done"
    reasons = (await coordinator.get(f"/scheduler/api/bookings/{visit['visit_id']}"))["state"]
    assert reasons == "unplaceable"
    await end_cohort(world, visit)
