"""A visit that nobody reports is noticed, told, and planned again by itself; a visit whose trainer asks gets another date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from deploy.local.demo.observing import instant
from deploy.local.demo.world import World
from tests.harness.scenario import SCENARIO
from tests.harness.scenario_acts import (
    confirmed_cohort,
    mailbox,
    report,
    seen_visit,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO


async def test_nobody_reported_so_it_takes_place_another_day(world: World) -> None:
    missed, done = sorted(await confirmed_cohort(world, "PE", [26, 27]), key=lambda one: str(one["ends_at"]))
    if instant(done["ends_at"]) < instant(missed["ends_at"]) + timedelta(hours=23):
        await to_the_end_of(world, done)
        await report(world, done)
    await world.advance_to(instant(missed["ends_at"]) + timedelta(hours=23, minutes=59))
    assert (await seen_visit(world, missed))["state"] == "confirmed", "a day of grace for the report"

    await world.advance_to(instant(missed["ends_at"]) + timedelta(hours=24, seconds=1))
    await world.log.has("VisitMissed", visit_id=missed["visit_id"])
    moved = await world.log.has("VisitOffered", visit_id=missed["visit_id"], offer=2)
    assert instant(str(moved.data["starts_at"])) > world.clock.now(), "planned again, ahead"
    now = await seen_visit(world, missed)
    assert (now["state"], now["starts_at"]) == ("offered", moved.data["starts_at"])

    await world.advance(hours=14)  # what fell into the night
    place = missed["enterprises"][0]["name"]
    await world.inbox.expect(
        mailbox("PE-COORD"), "that a visit was missed", lambda mail: place in mail["text"] and not mail["calendar"]
    )
    again = await trainer_of(world, now)
    await world.inbox.expect(mailbox(again.key), "the offer of another day", lambda mail: _asks_for(mail, moved.data))

    now = await seen_visit(world, missed)  # the offer's own deadline may have been in this night: another one is open
    await (await trainer_of(world, now)).post(
        f"/visits/api/visits/{missed['visit_id']}/accept", {"offer": now["offer"]}
    )
    now = await seen_visit(world, missed)
    visits = [now] if (await seen_visit(world, done))["state"] == "reported" else [now, done]
    for visit in sorted(visits, key=lambda one: str(one["ends_at"])):
        await to_the_end_of(world, visit)
        await report(world, visit)
    assert (await seen_visit(world, missed))["state"] == "reported"
    await world.log.has("CohortCompleted", cohort_id=missed["cohort_id"])


def _asks_for(mail: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    calendar = mail["calendar"] or {}
    return (
        calendar.get("method") == "REQUEST"
        and str(calendar.get("uid")).startswith(str(offered["visit_id"]))
        and instant(calendar["dtstart"]) == instant(str(offered["starts_at"]))
    )
