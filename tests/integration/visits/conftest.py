"""A visits service on a real database, with people, enterprises and a clock of the test's own. No broker."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.visits import main
from services.visits.consumers import CONSUMERS
from services.visits.deps import Deps
from services.visits.packs import load_packs
from services.visits.settings import Settings
from services.visits.storage.enterprises import save_enterprise
from services.visits.storage.people import save_person
from services.visits.timers import TIMERS
from shared.auth import HEADER, Identity, sign_identity
from shared.clock import FrozenClock
from shared.contracts.booking import VisitScheduled
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.contracts.values import Role, VisitKind
from shared.crypto import Sealer, load_signing_key, write_signing_keys
from shared.db import Pool, transaction
from shared.ids import new_id
from shared.taps import TapVerifier, sign_tap
from shared.timer_runner import TimerRunner
from shared.wakeups import Wakeup
from tests.harness.facts import Feeder

_PATIENCE_SECONDS = float(os.environ.get("GEMBA_TEST_PATIENCE_SECONDS", "60"))
TUESDAY = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
"""10:00 in Dhaka, a working day."""


@dataclass
class People:
    """Who takes part. Every one of them works in Bangladesh unless named otherwise."""

    trainer: UUID = field(default_factory=new_id)
    other_trainer: UUID = field(default_factory=new_id)
    coordinator: UUID = field(default_factory=new_id)
    officer: UUID = field(default_factory=new_id)
    second_officer: UUID = field(default_factory=new_id)
    deputy: UUID = field(default_factory=new_id)
    head: UUID = field(default_factory=new_id)
    manager: UUID = field(default_factory=new_id)
    administrator: UUID = field(default_factory=new_id)
    peruvian_officer: UUID = field(default_factory=new_id)
    peruvian_coordinator: UUID = field(default_factory=new_id)
    peruvian_head: UUID = field(default_factory=new_id)


ROLES: dict[str, tuple[str, str]] = {
    "trainer": ("trainer", "BD"),
    "other_trainer": ("trainer", "BD"),
    "coordinator": ("coordinator", "BD"),
    "officer": ("officer", "BD"),
    "second_officer": ("officer", "BD"),
    "deputy": ("deputy", "BD"),
    "head": ("head", "BD"),
    "manager": ("enterprise", "BD"),
    "administrator": ("administrator", "BD"),
    "peruvian_officer": ("officer", "PE"),
    "peruvian_coordinator": ("coordinator", "PE"),
    "peruvian_head": ("head", "PE"),
}


@dataclass
class World:
    """Everything a test of visits touches."""

    pool: Pool
    clock: FrozenClock
    deps: Deps
    feeder: Feeder
    timers: TimerRunner
    http: httpx.AsyncClient
    keys: Path
    people: People
    enterprise: UUID

    async def pass_time(self, **by: float) -> None:
        """Let business time go by and fire what falls due, each deadline at its own instant."""
        end, last, since = self.clock.now() + timedelta(**by), None, 0.0
        while True:
            due = await self.pool.fetchval("select min(due_at) from timers where due_at <= $1", end)
            if due is None:
                break
            if due != last:
                last, since = due, time.monotonic()
            assert time.monotonic() - since < _PATIENCE_SECONDS, f"the deadline of {due} does not come to its end"
            self.clock.advance(max(due - self.clock.now(), timedelta(0)))
            await self.timers.fire_due()
        self.clock.advance(end - self.clock.now())

    async def schedule(self, **changes: Any) -> UUID:
        """A visit in the timetable, two weeks ahead unless said otherwise; returns its id."""
        starts = changes.pop("starts_at", self.clock.now() + timedelta(days=14))
        values: dict[str, Any] = {
            "visit_id": new_id(),
            "cohort_id": new_id(),
            "country": "BD",
            "kind": VisitKind.CONSULTANCY,
            "stage": "visit-1",
            "module": "M1",
            "enterprise_ids": (self.enterprise,),
            "trainer_id": self.people.trainer,
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=6),
            "zone": "Asia/Dhaka",
        }
        fact = VisitScheduled(**(values | changes))
        await self.feeder.deliver(fact)
        return fact.visit_id

    async def visit_under_way(self, **changes: Any) -> UUID:
        """A confirmed visit that has just begun."""
        visit_id = await self.schedule(**changes)
        trainer = changes.get("trainer_id", self.people.trainer)
        await self.post(f"/visits/api/visits/{visit_id}/accept", by=trainer, status=200)
        self.clock.advance(timedelta(days=14, minutes=5))
        return visit_id

    async def know(self, person_id: UUID, roles: tuple[str, ...], country: str = "BD", **changes: Any) -> None:
        """Directory says who somebody is."""
        await self.feeder.deliver(person_state(person_id, roles, country, **changes))

    def headers(self, person_id: UUID, key: str | None = None) -> dict[str, str]:
        """A signed identity and a fresh idempotency key."""
        name = next((name for name, value in vars(self.people).items() if value == person_id), "trainer")
        role, country = ROLES[name]
        identity = Identity(
            str(person_id), name, frozenset({role}), frozenset({country}), "s-1", "session", "Asia/Dhaka", "en"
        )
        token = sign_identity(
            identity, load_signing_key(self.keys / "identity.pem"), time.time(), "visits", installation="gemba"
        )
        return {HEADER: token, "Idempotency-Key": key or str(new_id())}

    async def post(
        self, path: str, body: object | None = None, *, by: UUID, key: str | None = None, status: int | None = None
    ) -> httpx.Response:
        """POST JSON as somebody; with `status` it must be answered so."""
        answer = await self.http.post(path, json=body if body is not None else {}, headers=self.headers(by, key))
        assert status is None or answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer

    async def get(self, path: str, *, by: UUID, status: int | None = 200) -> Any:
        """GET as somebody, as JSON."""
        answer = await self.http.get(path, headers=self.headers(by))
        assert status is None or answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def tap(self, action: str, subject: UUID, person_id: UUID, **extra: str) -> str:
        """The token of a one-tap link, as notifications would sign it."""
        return sign_tap(
            load_signing_key(self.keys / "taps.pem"),
            audience="visits",
            action=action,
            subject=str(subject),
            person_id=str(person_id),
            expires_at=self.clock.now() + timedelta(days=30),
            extra=extra,
        )

    async def raise_case(
        self, *, item: int = 4, named: tuple[UUID, ...] = (), text: str = "A child at a press."
    ) -> UUID:
        """A suspicion from a visit under way; returns the id of its case."""
        visit_id = await self.visit_under_way()
        body = {
            "finding_id": str(new_id()),
            "item": item,
            "text": text,
            "visit_id": str(visit_id),
            "named_person_ids": [str(one) for one in named],
        }
        await self.post("/visits/api/suspicions", body, by=self.people.trainer, status=201)
        case_id: UUID = await self.pool.fetchval(
            "select case_id from cases where finding_id = $1", UUID(body["finding_id"])
        )
        return case_id

    async def case(self, case_id: UUID) -> Any:
        """The row of a case."""
        return await self.pool.fetchrow("select * from cases where case_id = $1", case_id)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation's keys."""
    folder = tmp_path_factory.mktemp("keys")
    write_signing_keys(folder / "identity.pem", folder / "identity.pub.pem")
    write_signing_keys(folder / "taps.pem", folder / "taps.pub.pem")
    (folder / "case-kek.bin").write_bytes(bytes(range(32)))
    return folder


@pytest.fixture(scope="session")
def settings(keys: Path) -> Settings:
    """Nothing in it is connected to: the pool and the clock are each test's own."""
    return Settings(
        database_url=SecretStr("postgresql://unused"),
        kafka_bootstrap="unused",
        kafka_user="visits",
        kafka_password=SecretStr("unused"),
        http_port=1,
        origin="http://test",
        keys_dir=keys,
        profile="test",
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    """The application, without its lifespan: each test gives it its own `deps`."""
    return main.create_app(settings)


@pytest.fixture
async def world(open_database: Any, app: FastAPI, settings: Settings) -> AsyncIterator[World]:
    """Visits with its people known and one enterprise."""
    pool = await open_database("visits")
    clock = FrozenClock(TUESDAY)
    kek = (settings.keys_dir / "case-kek.bin").read_bytes()
    deps = Deps(pool, clock, settings, load_packs(), Sealer(kek), TapVerifier(settings.keys_dir / "taps.pub.pem"))
    app.state.deps = deps
    people, enterprise = People(), new_id()
    async with transaction(pool) as conn:
        for name, (role, country) in ROLES.items():
            at = {"enterprise_id": enterprise} if role == "enterprise" else {}
            await save_person(conn, person_state(getattr(people, name), (role,), country, **at))
        await save_enterprise(conn, enterprise_state(enterprise, people.manager))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        yield World(
            pool,
            clock,
            deps,
            Feeder(pool, CONSUMERS, clock, deps),
            TimerRunner(TIMERS, pool, clock, deps, Wakeup()),
            http,
            settings.keys_dir,
            people,
            enterprise,
        )


def person_state(person_id: UUID, roles: tuple[str, ...], country: str, **changes: Any) -> PersonState:
    """What directory says of somebody."""
    values: dict[str, Any] = {
        "person_id": person_id,
        "key_name": f"p-{person_id}",
        "name": f"Person {str(person_id)[-4:]}",
        "country": country,
        "roles": tuple(Role(role) for role in roles),
        "countries": (country,),
        "language": "en",
        "zone": "Asia/Dhaka",
    }
    return PersonState(**(values | changes))


def enterprise_state(enterprise_id: UUID, manager: UUID) -> EnterpriseState:
    """The one enterprise of these tests."""
    return EnterpriseState(
        enterprise_id=enterprise_id,
        key_name="bd-01",
        name="Padma Knitwear",
        country="BD",
        region="Dhaka",
        zone="Asia/Dhaka",
        latitude=23.8,
        longitude=90.4,
        working_weekdays=(7, 1, 2, 3, 4),
        manager_languages=("bn",),
        worker_languages=("bn",),
        contact_ids=(manager,),
    )
