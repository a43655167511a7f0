"""Offers by mail with a calendar entry; one declines, one stays silent; both visits go to the next best trainer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from deploy.local.demo.chapters.cast import COORDINATOR, Cast
from deploy.local.demo.observing import instant, until
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.world import World


async def answer_offers(world: World, cast: Cast) -> None:
    """Everybody was asked by mail; all answer but two, and those two visits find somebody by themselves."""
    coordinator = await world.actor(COORDINATOR)
    visits = (await coordinator.get("/visits/api/visits", cohort_id=cast.cohort_id))["items"]
    for visit in visits:
        await _invitation(world, cast, visit)
    world.tell("notifications", f"{len(visits)} offers by mail, each with its calendar entry", "MessageSent")

    consultancies = [visit for visit in visits if visit["kind"] == "consultancy"]
    declined = consultancies[0]
    silent = next(visit for visit in consultancies if visit["trainer"]["id"] != declined["trainer"]["id"])
    await _decline_in_mail(world, cast, declined)
    for visit in visits:
        if visit["visit_id"] not in {declined["visit_id"], silent["visit_id"]}:
            await accept(world, cast, visit["visit_id"])
    await world.settle()
    world.tell("trainers", f"{len(visits) - 2} accept, one of them by one tap in the mail", "VisitConfirmed")
    await _somebody_else(world, cast, declined, "VisitDeclined")
    open_offer = await coordinator.get(f"/visits/api/visits/{silent['visit_id']}")
    await world.advance_to(instant(open_offer["respond_by"]) + timedelta(minutes=1))
    await world.log.has("OfferLapsed", visit_id=silent["visit_id"])
    world.tell(cast.trainer_keys[silent["trainer"]["id"]], "stays silent past the deadline", "OfferLapsed")
    await _somebody_else(world, cast, silent, "OfferLapsed")


async def accept(world: World, cast: Cast, visit_id: str) -> None:
    """The trainer who is asked now accepts."""
    coordinator = await world.actor(COORDINATOR)
    visit = await coordinator.get(f"/visits/api/visits/{visit_id}")
    trainer = await world.actor(cast.trainer_keys[visit["trainer"]["id"]])
    await trainer.post(f"/visits/api/visits/{visit_id}/accept", {"offer": visit["offer"]})
    await world.log.has("VisitConfirmed", visit_id=visit_id, offer=visit["offer"])


async def accept_in_mail(world: World, cast: Cast, visit_id: str) -> None:
    """The trainer who is asked now accepts by the link in the mail, without signing in."""
    coordinator = await world.actor(COORDINATOR)
    visit = await coordinator.get(f"/visits/api/visits/{visit_id}")
    mail = await _invitation(world, cast, visit)
    trainer = await world.actor(cast.trainer_keys[visit["trainer"]["id"]])
    await trainer.tap(_tap(mail, 0))
    await world.log.has("VisitConfirmed", visit_id=visit_id, offer=visit["offer"])


async def _somebody_else(world: World, cast: Cast, visit: dict[str, Any], cause: str) -> None:
    moved = await world.log.has("BookingReassigned", visit_id=visit["visit_id"])
    await world.settle()
    coordinator = await world.actor(COORDINATOR)

    async def asked_again() -> bool:
        now = await coordinator.get(f"/visits/api/visits/{visit['visit_id']}")
        return bool(now["trainer"]["id"] == moved.data["trainer_id"])

    await until(asked_again, "the next best trainer is asked")
    if moved.data["trainer_id"] == visit["trainer"]["id"]:
        raise AssertionError("the visit went back to the same trainer")
    successor = cast.trainer_keys[moved.data["trainer_id"]]
    world.tell("scheduler", f"offers the visit to the next best trainer, {successor}", f"{cause} → BookingReassigned")
    await accept_in_mail(world, cast, visit["visit_id"])
    await world.settle()
    world.tell(successor, "accepts by one tap", "VisitConfirmed")


async def _decline_in_mail(world: World, cast: Cast, visit: dict[str, Any]) -> None:
    mail = await _invitation(world, cast, visit)
    trainer = await world.actor(cast.trainer_keys[visit["trainer"]["id"]])
    await trainer.tap(_tap(mail, 1))
    await world.log.has("VisitDeclined", visit_id=visit["visit_id"])
    world.tell(trainer.name, "declines by one tap in the mail", "VisitDeclined")


async def _invitation(world: World, cast: Cast, visit: dict[str, Any]) -> dict[str, Any]:
    """The mail with this visit's calendar entry, as its trainer got it."""
    to = f"{cast.trainer_keys[visit['trainer']['id']].lower()}@{MAIL_DOMAIN}"

    def is_it(message: dict[str, Any]) -> bool:
        calendar = message.get("calendar") or {}
        return (
            calendar.get("method") == "REQUEST"
            and str(calendar.get("uid", "")).startswith(visit["visit_id"])
            and len(taps(message)) >= 2
        )

    return await world.inbox.expect(to, "an offer with a calendar entry", is_it)


def taps(message: dict[str, Any]) -> list[str]:
    """One-tap links of a mail, in their order: yes before no."""
    return [link for link in message["links"] if "/visits/tap?t=" in link]


def _tap(message: dict[str, Any], which: int) -> str:
    return taps(message)[which]
