"""Without a sign-in nothing is open; with one, what is not yours looks as if it were not there. On every operation there is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest_asyncio
from joserfc.jwk import OKPKey

from deploy.local.demo.actors import Actor
from deploy.local.demo.world import World
from deploy.local.topology import database_name
from shared.auth import HEADER, Identity, sign_identity
from tests.harness.api_calls import ANYBODY, OPEN, Operation, all_operations, body_for
from tests.harness.scenario import MODULE, SCENARIO
from tests.harness.scenario_acts import (
    close_case,
    confirmed_cohort,
    end_action,
    end_cohort,
    mailbox,
    report,
    send,
    to_the_end_of,
)

pytestmark = SCENARIO

_BANGLADESH = {
    "trainer": "BD-T01",
    "enterprise": "BD-E20-MGR",
    "coordinator": "BD-COORD",
    "officer": "BD-OFFICER",
    "deputy": "BD-DEPUTY",
    "head": "BD-HEAD",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(programme: World) -> AsyncIterator[Mapping[str, str]]:
    """One of everything in Bangladesh, by the names that paths have for it."""
    world = programme
    visit, other = await confirmed_cohort(world, "BD", [17, 18])
    first, second = sorted((visit, other), key=lambda one: str(one["ends_at"]))
    await to_the_end_of(world, first)
    done = await report(world, first, findings=[{"item": 3, "grade": "minor", "text": "A blocked exit."}])
    officer, coordinator = await world.actor("BD-OFFICER"), await world.actor("BD-COORD")
    raised = {"item": 4, "text": "A call.", "country": "BD", "enterprise_id": first["enterprises"][0]["id"]}
    case = await officer.post("/visits/api/cases", raised)
    plan = await coordinator.get(f"/scheduler/api/cohorts/{visit['cohort_id']}/plan")
    cohort = await coordinator.get(f"/scheduler/api/cohorts/{visit['cohort_id']}")
    holiday = {"kind": "holiday", "country": "BD", "first": "2029-02-01"}
    repair = await coordinator.post("/scheduler/api/repairs", holiday)
    token = await world.administrator.post("/directory/api/tokens", {"label": "for a test"})
    await world.settle()
    found = {
        "country": "BD",
        "module": MODULE,
        "visit_id": second["visit_id"],
        "cohort_id": visit["cohort_id"],
        "plan_id": plan["plan_id"],
        "job_id": cohort["planning"]["job_id"],
        "repair_id": repair["repair_id"],
        "action_id": done["action_ids"][0],
        "case_id": case["case_id"],
        "person_id": coordinator.person_id,
        "enterprise_id": first["enterprises"][0]["id"],
        "other_enterprise_id": second["enterprises"][0]["id"],
        "token_id": token["token_id"],
        "parked_id": str(uuid4()),
        "fresh_id": str(uuid4()),
    }
    yield found
    await close_case(world, case["case_id"], "BD-DEPUTY", "BD-HEAD")
    await end_action(world, "BD", done["action_ids"][0])
    await end_cohort(world, visit)


async def _ask(actor: Actor, operation: Operation, known: Mapping[str, str]) -> httpx.Response:
    path = operation.path.format(**known)
    if operation.path.endswith("/imports"):
        files = {"workbook": ("people.csv", b"key,name\nX,Y\n")}
        return await actor._http.post(path, files=files, headers={"Idempotency-Key": str(uuid4())})
    if operation.name in {"GET /scheduler/api/trainers", "GET /scheduler/api/weights", "GET /scheduler/api/roads"}:
        path += f"?country={known['country']}"
    return await send(actor, operation.method, path, body_for(operation, known))


async def test_somebody_decided_who_may_do_each_operation(world: World) -> None:
    undecided = [one.name for one in await all_operations(world.installation) if one.permitted is None]
    assert undecided == sorted(OPEN), "add it to the table of who may do what"


async def test_without_a_session_nothing_is_open(world: World, known: Mapping[str, str]) -> None:
    revoked, expired = await _ended_sessions(world)
    strangers = {
        "nobody": Actor("nobody", world.installation.origin),
        "a made-up token": Actor("made-up", world.installation.origin, token="A" * 43),
        "a revoked session": revoked,
        "an expired session": expired,
    }
    for operation in await all_operations(world.installation):
        if operation.name in OPEN:
            continue
        for who, stranger in strangers.items():
            answer = await _ask(stranger, operation, known)
            assert answer.status_code == 401, f"{who}: {operation.name} was answered {answer.status_code}"
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert answer.json()["code"] == "not_signed_in"
    for stranger in strangers.values():
        await stranger.close()


async def _ended_sessions(world: World) -> tuple[Actor, Actor]:
    revoked = Actor("PE-E40-MGR", world.installation.origin)
    await revoked.sign_in(world.inbox)
    await revoked.post(f"/directory/api/people/{revoked.person_id}/revoke-sessions")
    expired = Actor("BD-E40-MGR", world.installation.origin)
    await expired.sign_in(world.inbox)
    # A session's life is machine time, which no test can steer.
    address = world.installation.postgres_dsn.rpartition("/")[0] + f"/{database_name('directory')}"
    with psycopg.connect(address) as connection:
        ended = connection.execute(
            "update sessions set expires_at = clock_timestamp() - interval '1 second' where person_id = %s",
            [expired.person_id],
        )
        assert ended.rowcount == 1
    return revoked, expired


async def test_a_service_reached_around_the_origin_refuses(world: World, known: Mapping[str, str]) -> None:
    forged = _forged_identity(world)
    for service in world.installation.services:
        direct = f"http://127.0.0.1:{world.installation.ports[service]}"
        forgers = [
            _forger(direct, None),
            _forger(direct, "nonsense"),
            _forger(direct, forged[service]),
            _forger(world.installation.origin, forged[service]),
        ]
        for operation in await all_operations(world.installation):
            if operation.service != service or operation.name in OPEN:
                continue
            for forger in forgers:
                answer = await _ask(forger, operation, known)
                assert answer.status_code == 401, f"{forger.key}: {operation.name} was answered {answer.status_code}"
        for forger in forgers:
            await forger.close()


def _forger(base: str, identity: str | None) -> Actor:
    actor = Actor(f"{'forged' if identity else 'no'} identity at {base}", base)
    if identity:
        actor._http.headers[HEADER] = identity
    return actor


def _forged_identity(world: World) -> dict[str, str]:
    """An administrator's identity, right in everything but the key it is signed with."""
    key = OKPKey.generate_key("Ed25519")
    identity = Identity(
        person_id=str(uuid4()),
        name="Nobody",
        roles=ANYBODY,
        countries=frozenset({"BD", "PE"}),
        session_id=str(uuid4()),
        kind="token",
        zone="UTC",
        language="en",
    )
    return {
        service: sign_identity(identity, key, time.time(), service, installation="gemba")
        for service in world.installation.services
    }


async def test_the_wrong_role_may_do_nothing(world: World, known: Mapping[str, str]) -> None:
    actors = {role: await world.actor(key) for role, key in _BANGLADESH.items()}
    for operation in await all_operations(world.installation):
        for role, actor in actors.items():
            if operation.permitted is None or role in operation.permitted:
                continue
            real = await _ask(actor, operation, known)
            assert real.status_code in {403, 404}, f"{role}: {operation.name} was answered {real.status_code}"
            absent = await _ask(actor, operation, _elsewhere(known, operation))
            assert _told(real) == _told(absent), f"{role}: {operation.name} tells that it is there"


async def test_the_wrong_country_sees_nothing(world: World, known: Mapping[str, str]) -> None:
    actors = {role: await world.actor(key.replace("BD-", "PE-")) for role, key in _BANGLADESH.items()}
    hidden = {value for name, value in known.items() if name.endswith("_id") and name != "fresh_id"}
    for operation in await all_operations(world.installation):
        for role, actor in actors.items():
            if operation.permitted is None or role not in operation.permitted:
                continue
            if operation.about or operation.name in {
                "POST /scheduler/api/cohorts",
                "POST /visits/api/suspicions",
                "POST /visits/api/cases",
                "POST /directory/api/tokens",
                "GET /scheduler/api/trainers",
                "GET /scheduler/api/weights",
                "PUT /scheduler/api/weights",
                "GET /scheduler/api/roads",
                "PUT /scheduler/api/roads",
                "POST /scheduler/api/repairs",
            }:
                real = await _ask(actor, operation, known)
                assert 400 <= real.status_code < 500, f"{role}: {operation.name} was answered {real.status_code}"
                absent = await _ask(actor, operation, _elsewhere(known, operation))
                assert _told(real) == _told(absent), f"{role}: {operation.name} tells that it is there"
            elif operation.method == "GET":
                listed = await _ask(actor, operation, known)
                assert listed.status_code == 200, f"{role}: {operation.name} was answered {listed.status_code}"
                seen = [one for one in hidden if one in listed.text]
                assert not seen, f"{role}: {operation.name} shows {seen}"


def _elsewhere(known: Mapping[str, str], operation: Operation) -> dict[str, str]:
    """The same request about things that are nowhere."""
    nowhere = {name: str(uuid4()) for name in known if name.endswith("_id")}
    if operation.about is None and operation.method == "GET":
        nowhere["country"] = "XX"
    return {**known, **nowhere}


def _told(answer: httpx.Response) -> tuple[int, Any]:
    """What an answer tells: everything but the ids that were sent and the one it is found by in the logs."""
    if not answer.content:
        return answer.status_code, None
    body = answer.json()
    return answer.status_code, (body.get("code"), body.get("detail") if "'" not in body.get("detail", "") else None)


async def test_sign_in_tells_nobody_who_is_known(world: World) -> None:
    stranger = Actor("stranger", world.installation.origin)
    answers = [
        await send(stranger, "POST", "/directory/api/sign-in", {"email": email})
        for email in (mailbox("BD-COORD"), "nobody@elsewhere.example")
    ]
    await stranger.close()
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].json() == answers[1].json()
    assert not await world.inbox.messages("nobody@elsewhere.example")
