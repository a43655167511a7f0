"""What people do in scenarios, and what they see: through the public HTTP API and their mailboxes alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from deploy.local.demo.actors import Actor
from deploy.local.demo.countries import COUNTRIES
from deploy.local.demo.observing import instant, until
from deploy.local.demo.programme import MAIL_DOMAIN
from deploy.local.demo.world import World
from tests.harness.scenario import MODULE

_ZONES = {country.code: ZoneInfo(country.zone) for country in COUNTRIES}

Json = dict[str, Any]


async def plan_cohort(world: World, country: str, enterprises: Sequence[int], *, trainers: Sequence[str] = ()) -> str:
    """A cohort of these enterprises (their numbers), one visit each, planned; returns its id."""
    coordinator = await world.actor(f"{country}-COORD")
    today = world.clock.now().astimezone(_ZONES[country]).date()
    wish: Json = {
        "country": country,
        "module": MODULE,
        "enterprise_keys": [f"{country}-E{number:02d}" for number in enterprises],
        "first_day": (today + timedelta(days=8)).isoformat(),  # so that no offer is a hurried one
        "last_day": (today + timedelta(days=31)).isoformat(),
    }
    if trainers:
        wish["trainer_keys"] = list(trainers)
    cohort_id = str((await coordinator.post("/scheduler/api/cohorts", wish))["cohort_id"])
    planned = await world.log.has("CohortPlanned", cohort_id=cohort_id)
    assert (planned.data["placed"], planned.data["unplaced"]) == (len(enterprises), 0), planned.data
    return cohort_id


async def publish_cohort(world: World, country: str, enterprises: Sequence[int], **more: Any) -> list[Json]:
    """The same, published: the visits as their coordinator sees them, all offered, by their start."""
    cohort_id = await plan_cohort(world, country, enterprises, **more)
    coordinator = await world.actor(f"{country}-COORD")
    plan = await coordinator.get(f"/scheduler/api/cohorts/{cohort_id}/plan")
    await coordinator.post(f"/scheduler/api/plans/{plan['plan_id']}/publish")

    async def all_offered() -> list[Json]:
        visits = (await coordinator.get("/visits/api/visits", cohort_id=cohort_id))["items"]
        return visits if len(visits) == len(enterprises) else []

    visits: list[Json] = await until(all_offered, f"the {len(enterprises)} visits of the cohort are offered")
    await world.settle()
    return visits


async def confirmed_cohort(world: World, country: str, enterprises: Sequence[int], **more: Any) -> list[Json]:
    """The same, and every trainer has accepted."""
    visits = await publish_cohort(world, country, enterprises, **more)
    for visit in visits:
        await (await trainer_of(world, visit)).post(
            f"/visits/api/visits/{visit['visit_id']}/accept", {"offer": visit["offer"]}
        )
    await world.settle()
    return visits


async def trainer_of(world: World, visit: Json) -> Actor:
    """The trainer whom this answer about a visit names."""
    person = await world.administrator.get(f"/directory/api/people/{visit['trainer']['id']}")
    return await world.actor(str(person["key"]))


async def seen_visit(world: World, visit: Json) -> Json:
    """The visit as its coordinator sees it now."""
    found: Json = await (await world.actor(f"{visit['country']}-COORD")).get(f"/visits/api/visits/{visit['visit_id']}")
    return found


async def to_the_end_of(world: World, *visits: Json) -> None:
    """Move time to an hour after the last of these visits."""
    await world.advance_to(max(instant(visit["ends_at"]) for visit in visits) + timedelta(hours=1))


def report_body(**more: Any) -> Json:
    """An ordinary report."""
    return {"whole": True, "participants": {"managers": 2, "workers": 2}, "summary": "As agreed."} | more


async def report(world: World, visit: Json, **more: Any) -> Json:
    """The trainer reports the visit; returns the answer."""
    trainer = await trainer_of(world, visit)
    done: Json = await trainer.post(f"/visits/api/visits/{visit['visit_id']}/report", report_body(**more))
    return done


async def send(
    actor: Actor, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
) -> httpx.Response:
    """One request as it is, with whatever answer; `key` is its idempotency key (a fresh one unless given)."""
    return await actor._http.request(
        method, path, json=body, headers={"Idempotency-Key": key or str(uuid4())} | headers
    )


def mailbox(key: str) -> str:
    """Where the mail of the person with this key arrives."""
    return f"{key.lower()}@{MAIL_DOMAIN}"


async def messages_about(world: World, key: str, about: str) -> list[Json]:
    """Mails and text messages that the person with this key got about one thing, oldest first."""
    person = await world.actor(key)
    points = (await world.administrator.get(f"/directory/api/people/{person.person_id}"))["contact_points"]
    found = [message for point in points for message in await world.inbox.messages(point["address"])]
    return sorted((one for one in found if about in one["text"]), key=lambda one: int(one["id"]))


async def expect_about(world: World, key: str, about: str, **kinds: int) -> list[Json]:
    """Wait until somebody got exactly so many of each kind (`mail=1, sms=1`) about one thing; returns them.

    Exactly: the system is quiet first, so what is too much has come as well.
    """
    await world.settle()

    async def counted() -> list[Json] | None:
        found = await messages_about(world, key, about)
        return found if all(_count(found, kind) >= wanted for kind, wanted in kinds.items()) else None

    found: list[Json] = await until(counted, f"{kinds} to {key} about {about}")
    assert {kind: _count(found, kind) for kind in kinds} == kinds, [one["subject"] or one["text"] for one in found]
    return found


def _count(messages: list[Json], kind: str) -> int:
    return sum(one["kind"] == kind for one in messages)


async def close_case(world: World, case_id: str, owner: str, second: str) -> None:
    """End a case, so that its clock does not run through the scenarios that follow."""
    first, other = await world.actor(owner), await world.actor(second)
    await first.post(f"/visits/api/cases/{case_id}/acknowledge", {"take_over": True})
    await first.post(
        f"/visits/api/cases/{case_id}/propose-closure", {"outcome": "cancelled", "reason": "It was not so."}
    )
    await other.post(f"/visits/api/cases/{case_id}/approve-closure")
    await world.log.has("CaseClosed", case_id=case_id)
    await world.settle()


async def end_action(world: World, country: str, action_id: str) -> None:
    """Verify an action on the desk, so that nobody is reminded of it in the scenarios that follow."""
    coordinator = await world.actor(f"{country}-COORD")
    action = await coordinator.get(f"/visits/api/actions/{action_id}")
    owner = await world.administrator.get(f"/directory/api/people/{action['owner']['id']}")
    await (await world.actor(owner["key"])).post(f"/visits/api/actions/{action_id}/evidence", {"text": "Done."})
    await coordinator.post(f"/visits/api/actions/{action_id}/verify")
    await world.settle()


async def end_cohort(world: World, visit: Json) -> None:
    """Cancel what is left of a visit's cohort, so that nobody is asked for it in the scenarios that follow."""
    coordinator = await world.actor(f"{visit['country']}-COORD")
    await coordinator.post(f"/scheduler/api/cohorts/{visit['cohort_id']}/cancel", {"reason": "end of the scenario"})
    await world.settle()
