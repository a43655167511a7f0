"""What an administrator may do to a running service over HTTP, and that nobody else may."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from shared.assembly import Parts, Running
from shared.auth import Identity, sign_identity
from shared.clock import FrozenClock
from shared.crypto import load_signing_key, write_signing_keys
from shared.db import transaction
from shared.ids import new_id
from shared.kafka.outbox import emit
from shared.timers import arm
from shared.wakeups import Wakeups
from shared.web.app import IDENTITY_KEY_FILE, make_app
from tests.integration.kit.parts import NOON, Listener, declined, declined_again, later, raw_of

Desks = Callable[..., Awaitable[Listener]]


@dataclass
class Settings:
    keys_dir: Path
    service: str = "notifications"
    installation: str = "gemba"
    origin: str = "https://gemba.example"
    replica: str = "1"


class Access:
    async def cluster_id(self) -> str:
        return "the-cluster-of-now"


@dataclass
class Desk:
    """A service as its operator meets it."""

    heard: Listener
    key: OKPKey
    app: FastAPI

    async def ask(
        self, method: str, path: str, *, role: str = "administrator", idempotency: str | None = None, **options: Any
    ) -> httpx.Response:
        identity = Identity(
            str(new_id()), "Sam", frozenset({role}), frozenset({"BD"}), str(new_id()), "token", "UTC", "en"
        )
        self.asked_by = identity.person_id
        signed = sign_identity(identity, self.key, time.time(), "notifications", installation="gemba")
        headers = {"Gemba-Identity": signed, "Idempotency-Key": idempotency or str(new_id())}
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://gemba.example") as client:
            return await client.request(method, f"/notifications/api/operations/{path}", headers=headers, **options)


@pytest.fixture
async def operated(desk: Desks, tmp_path: Path) -> Desk:
    heard = await desk()
    private = tmp_path / "identity.pem"
    write_signing_keys(private, tmp_path / IDENTITY_KEY_FILE)
    settings: Any = Settings(tmp_path)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    running = Running(
        settings,
        heard.pool,
        FrozenClock(NOON),
        Wakeups("none"),
        Access(),
        Parts(deps=None),  # type: ignore[arg-type]
    )
    app = make_app(settings, title="test", lifespan=lifespan, routers=[], checks={}, status=running.status)
    app.state.service = running
    return Desk(heard, load_signing_key(private), app)


EVERYTHING = [
    ("GET", "status"),
    ("POST", "outbox/replay"),
    ("GET", "quarantine"),
    ("GET", "quarantine/1"),
    ("POST", "quarantine/1/replay"),
    ("POST", "quarantine/1/skip"),
    ("GET", "timers"),
    ("GET", "hold"),
    ("POST", "hold/release"),
]


async def test_only_an_administrator_operates(operated: Desk) -> None:
    for role in ("coordinator", "trainer", "officer", "deputy", "head", "enterprise", "auditor"):
        for method, path in EVERYTHING:
            body = {"reason": "because"} if method == "POST" else None
            answer = await operated.ask(method, path, role=role, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "wrong_role"), (role, method, path)
    assert await operated.heard.pool.fetchval("select epoch from log_state") == 0


def test_the_list_of_acts_above_is_complete(operated: Desk) -> None:
    prefix = "/notifications/api/operations/"
    paths = operated.app.openapi()["paths"]
    known = [(method.upper(), path) for path, methods in paths.items() for method in methods if path.startswith(prefix)]
    assert sorted(known) == sorted((method, prefix + path.replace("/1", "/{parked_id}")) for method, path in EVERYTHING)


async def test_an_operator_sees_what_waits(operated: Desk) -> None:
    async with transaction(operated.heard.pool) as conn:
        await emit(conn, declined(), now=NOON)
    answer = await operated.ask("GET", "status")
    assert answer.json()["waiting"]["outbox"] == 1
    assert answer.json()["quiet"] is False


async def test_a_replay_publishes_everything_again_once_per_wish(operated: Desk) -> None:
    pool = operated.heard.pool
    async with transaction(pool) as conn:
        for fact in declined_again(new_id(), 3):
            await emit(conn, fact, now=NOON)
    await pool.execute("delete from outbox_pending")
    wish = str(new_id())
    with structlog.testing.capture_logs() as logs:
        answer = await operated.ask("POST", "outbox/replay", idempotency=wish)
    assert answer.json() == {"pending": 3}
    assert tuple(await pool.fetchrow("select cluster, epoch from log_state")) == ("the-cluster-of-now", 1)
    (line,) = [entry for entry in logs if entry["event"] == "audit.operation"]
    assert (line["act"], line["person_id"]) == ("outbox.replay", operated.asked_by)


async def test_the_same_wish_sent_twice_is_one_act(operated: Desk) -> None:
    person = Identity(str(new_id()), "Sam", frozenset({"administrator"}), frozenset(), "s", "token", "UTC", "en")
    signed = sign_identity(person, operated.key, time.time(), "notifications", installation="gemba")
    headers = {"Gemba-Identity": signed, "Idempotency-Key": str(new_id())}
    transport = httpx.ASGITransport(app=operated.app)
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="https://gemba.example") as client:
            for _ in range(2):
                await client.post("/notifications/api/operations/outbox/replay", headers=headers)
    assert await operated.heard.pool.fetchval("select epoch from log_state") == 1
    assert len([entry for entry in logs if entry["event"] == "audit.operation"]) == 1


async def test_quarantine_is_listed_and_shown_without_its_body(operated: Desk) -> None:
    fact = declined("a-code-of-the-body")
    await operated.heard.deliver(raw_of(fact, 1, value=b'{"visit_id": "a-code-of-the-body"}'))
    (item,) = (await operated.ask("GET", "quarantine")).json()["items"]
    assert (item["state"], item["topic"], item["aggregate"]) == ("quarantined", "gemba.visit", str(fact.visit_id))
    shown = await operated.ask("GET", f"quarantine/{item['id']}")
    assert ["ce_type", "gemba.VisitDeclined.v1"] in shown.json()["headers"]
    assert shown.json()["reason"].startswith("gemba.VisitDeclined.v1 does not match its schema")
    assert "a-code-of-the-body" not in shown.text


async def test_quarantine_is_paged(operated: Desk) -> None:
    for _ in range(3):
        await operated.heard.deliver(raw_of(declined(), 1, value=b"{"))
    first = (await operated.ask("GET", "quarantine?limit=2")).json()
    second = (await operated.ask("GET", f"quarantine?limit=2&cursor={first['next']}")).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


async def test_a_quarantined_fact_is_replayed(operated: Desk) -> None:
    heard, fact = operated.heard, declined()

    async def broken(*_: Any) -> None:
        raise RuntimeError("bug")

    heard.behave = broken
    await heard.deliver(raw_of(fact, 1))
    for _ in range(5):
        await heard.retry()
    (item,) = (await operated.ask("GET", "quarantine")).json()["items"]
    heard.behave = None
    answer = await operated.ask("POST", f"quarantine/{item['id']}/replay")
    assert answer.json()["state"] == "failing"
    await heard.retry()
    assert await heard.effects(fact.visit_id) == ["ill"]
    again = await operated.ask("POST", f"quarantine/{item['id']}/replay")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_a_quarantined_fact_is_skipped_with_a_reason(operated: Desk) -> None:
    heard = operated.heard
    visit = new_id()
    first, second = declined_again(visit, 2)
    await heard.deliver(raw_of(first, 1, value=b"{"), raw_of(second, 2))
    (item,) = (await operated.ask("GET", "quarantine")).json()["items"]
    for reason in ("", "x" * 201):
        refused = await operated.ask("POST", f"quarantine/{item['id']}/skip", json={"reason": reason})
        assert refused.status_code == 422
    assert (await operated.ask("POST", f"quarantine/{item['id']}/skip", json={"reason": "test data"})).json()[
        "reason"
    ] == "skipped: test data"
    await heard.retry()
    assert await heard.effects(visit) == ["2"]
    twice = await operated.ask("POST", f"quarantine/{item['id']}/skip", json={"reason": "test data"})
    assert (twice.status_code, twice.json()["code"]) == (409, "not_quarantined")


async def test_deadlines_are_listed_with_the_next_one_first(operated: Desk) -> None:
    async with transaction(operated.heard.pool) as conn:
        await arm(conn, "reminder", new_id(), later(60), now=NOON)
        await arm(conn, "step", new_id(), later(-60), now=NOON)
    items = (await operated.ask("GET", "timers")).json()["items"]
    assert [(item["kind"], item["overdue"]) for item in items] == [("step", True), ("reminder", False)]
    assert items[0]["due_at"] == "2026-03-02T11:59:00Z"


async def test_an_act_without_a_key_is_refused(operated: Desk) -> None:
    answer = await operated.ask("POST", "outbox/replay", idempotency="short")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
