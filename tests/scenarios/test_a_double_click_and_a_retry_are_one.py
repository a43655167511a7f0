"""The same command twice, at once or again or after a reply that was lost on the way, has one effect and one answer."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from deploy.local.demo.actors import Actor
from deploy.local.demo.world import World
from tests.harness.scenario import MODULE, SCENARIO
from tests.harness.scenario_acts import (
    confirmed_cohort,
    end_cohort,
    publish_cohort,
    report_body,
    send,
    to_the_end_of,
    trainer_of,
)

pytestmark = SCENARIO


def _facts(world: World, kind: str, **fields: object) -> int:
    return sum(
        event.type == f"gemba.{kind}.v1" and all(event.data.get(name) == value for name, value in fields.items())
        for event in world.log.events
    )


async def test_two_clicks_at_once_accept_once(world: World) -> None:
    visit, other = await publish_cohort(world, "PE", [8, 9])
    trainer, path = await trainer_of(world, visit), f"/visits/api/visits/{visit['visit_id']}"
    answers = await asyncio.gather(*(send(trainer, "POST", f"{path}/accept", {"offer": 1}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    await world.settle()
    assert _facts(world, "VisitConfirmed", visit_id=visit["visit_id"]) == 1
    assert [answer.json()["state"] for answer in answers] == ["confirmed"] * 5

    colleague, second = await trainer_of(world, other), f"/visits/api/visits/{other['visit_id']}"
    yes_and_no = await asyncio.gather(
        send(colleague, "POST", f"{second}/accept", {"offer": 1}),
        send(colleague, "POST", f"{second}/decline", {"offer": 1, "reason": "travel"}),
    )
    assert sorted(answer.status_code for answer in yes_and_no) == [200, 409], "one of two opposite answers counts"
    await world.settle()
    counted = [_facts(world, kind, visit_id=other["visit_id"], offer=1) for kind in ("VisitConfirmed", "VisitDeclined")]
    assert sum(counted) == 1
    await end_cohort(world, visit)


async def test_the_same_report_twice_at_once_is_one_report(world: World) -> None:
    visit, other = await confirmed_cohort(world, "PE", [10, 11])
    first, last = sorted((visit, other), key=lambda one: one["ends_at"])
    await to_the_end_of(world, first)
    trainer, path = await trainer_of(world, first), f"/visits/api/visits/{first['visit_id']}/report"
    body = report_body(findings=[{"item": 3, "grade": "observation", "text": "A lamp is out."}])

    key = str(uuid4())
    answers = await asyncio.gather(*(send(trainer, "POST", path, body, key=key) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["report_id"] for answer in answers}) == 1
    again = await send(trainer, "POST", path, body, key=key)
    assert again.json() == answers[0].json(), "the retry is answered as the first one was"
    other_body = await send(trainer, "POST", path, report_body(summary="Something else."), key=key)
    assert other_body.status_code in {409, 422}, "one key is for one request"
    fresh_key = await send(trainer, "POST", path, body)
    assert (fresh_key.status_code, fresh_key.json()["code"]) == (409, "visit_reported")
    await world.settle()
    assert _facts(world, "VisitReported", visit_id=first["visit_id"]) == 1
    assert _facts(world, "FindingRecorded", visit_id=first["visit_id"]) == 1

    await to_the_end_of(world, last)
    await _report_and_lose_the_reply(world, last)


async def _report_and_lose_the_reply(world: World, visit: dict[str, Any]) -> None:
    trainer, path = await trainer_of(world, visit), f"/visits/api/visits/{visit['visit_id']}/report"
    key, body = str(uuid4()), report_body()
    await _send_and_hang_up(trainer, world.installation.origin, path, body, key)
    await world.log.has("VisitReported", visit_id=visit["visit_id"])
    retried = await send(trainer, "POST", path, body, key=key)
    assert retried.status_code == 201, retried.text
    detail = await trainer.get(f"/visits/api/visits/{visit['visit_id']}")
    assert [one["report_id"] for one in detail["reports"]] == [retried.json()["report_id"]]
    await world.settle()
    assert _facts(world, "VisitReported", visit_id=visit["visit_id"]) == 1


async def _send_and_hang_up(trainer: Actor, origin: str, path: str, body: dict[str, Any], key: str) -> None:
    """Send a request whole, see that an answer begins, and hang up without reading it."""
    content = json.dumps(body).encode()
    cookies = "; ".join(f"{name}={value}" for name, value in trainer._http.cookies.items())
    place = urlsplit(origin)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nCookie: {cookies}\r\nIdempotency-Key: {key}\r\n"
        "Sec-Fetch-Site: same-origin\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(head.encode() + content)
    await writer.drain()
    assert (await reader.readexactly(12)).startswith(b"HTTP/1.1 ")
    writer.transport.abort()


async def test_a_cohort_asked_for_twice_is_one_cohort(world: World) -> None:
    coordinator = await world.actor("PE-COORD")
    day = world.clock.now().date()
    wish = {
        "country": "PE",
        "module": MODULE,
        "enterprise_keys": ["PE-E12", "PE-E13"],
        "first_day": (day + timedelta(days=2)).isoformat(),
        "last_day": (day + timedelta(days=25)).isoformat(),
    }
    key = str(uuid4())
    answers = await asyncio.gather(
        *(send(coordinator, "POST", "/scheduler/api/cohorts", wish, key=key) for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201] * 3, answers[0].text
    assert len({answer.json()["cohort_id"] for answer in answers}) == 1
    cohort_id = answers[0].json()["cohort_id"]
    await world.log.has("CohortPlanned", cohort_id=cohort_id)
    await world.settle()
    assert _facts(world, "CohortCreated", cohort_id=cohort_id) == 1

    plan = await coordinator.get(f"/scheduler/api/cohorts/{cohort_id}/plan")
    publish = f"/scheduler/api/plans/{plan['plan_id']}/publish"
    clicks = await asyncio.gather(*(send(coordinator, "POST", publish) for _ in range(3)))
    assert 200 in {click.status_code for click in clicks}
    assert {click.status_code for click in clicks} <= {200, 409}
    await world.log.has("CohortPublished", cohort_id=cohort_id)
    await world.settle()
    assert _facts(world, "CohortPublished", cohort_id=cohort_id) == 1
    assert _facts(world, "VisitScheduled", cohort_id=cohort_id) == 2
    await end_cohort(world, wish | {"cohort_id": cohort_id})
