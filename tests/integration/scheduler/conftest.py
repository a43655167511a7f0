"""A small programme in Bangladesh, fed to the scheduler the way directory and a coordinator would."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from openpyxl import Workbook

from services.scheduler.consumers import CONSUMERS
from services.scheduler.deps import Deps
from services.scheduler.main import create_app
from services.scheduler.planning_queue import PlanningQueue
from services.scheduler.settings import Settings
from shared.auth import HEADER, Identity, sign_identity
from shared.clock import FrozenClock
from shared.contracts.enterprise import ClosedDays, EnterpriseState
from shared.contracts.person import PersonState
from shared.contracts.values import Role
from shared.crypto import load_signing_key, write_signing_keys
from shared.db import Pool
from shared.wakeups import Wakeup
from tests.harness.facts import Feeder, emitted

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
"""A Sunday morning in Dhaka, where the week begins."""
FIRST, LAST = date(2026, 3, 8), date(2026, 5, 14)
SUN_TO_THU = (7, 1, 2, 3, 4)

STAGES = (
    ("baseline", "baseline", 1, 1, 4, "", 0, None, 3, "no"),
    ("classroom", "classroom", 2, 2, 6, "baseline", 2, 28, 17, "no"),
    ("visit_1", "consultancy", 3, 1, 4, "classroom", 7, 28, 33, "no"),
    ("visit_2", "consultancy", 4, 1, 4, "visit_1", 10, 35, 52, "no"),
)
TRAINER_SHEET = (
    "person", "home_latitude", "home_longitude", "region", "working_weekdays", "max_visits_per_day",
    "max_visits_per_week", "conflicts",
)  # fmt: skip
STAGE_SHEET = (
    "module", "country", "stage", "kind", "order", "days", "hours", "after", "min_gap_days", "max_gap_days",
    "offset_days", "online",
)  # fmt: skip


def workbook(**sheets: list[tuple[Any, ...]]) -> bytes:
    """An XLSX file; the first row of each sheet is its header."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def programme(trainers: int = 4) -> dict[str, list[tuple[Any, ...]]]:
    """The scheduler's sheets for trainers BD-T1, BD-T2, …"""
    keys = [f"BD-T{number}" for number in range(1, trainers + 1)]
    return {
        "modules": [("code", "title", "version"), ("WC", "Workplace Cooperation", "2"), ("QI", "Quality", "1")],
        "stages": [STAGE_SHEET, *(("WC", "", *stage) for stage in STAGES)],
        "trainers": [
            TRAINER_SHEET,
            *((key, 23.75 + place / 50, 90.40, "Dhaka", "Sun-Thu", 2, 4, "") for place, key in enumerate(keys)),
        ],
        "certificates": [
            ("person", "module", "level", "valid_from", "valid_to"),
            *((key, "WC", "certified", date(2025, 1, 1), None) for key in keys),
        ],
        "leave": [("person", "first", "last"), ("BD-T1", date(2026, 3, 15), date(2026, 3, 17))],
        "holidays": [("country", "region", "day", "name"), ("BD", "", date(2026, 3, 26), "Independence Day")],
    }


async def in_thread(task: Callable[..., Any], *arguments: object) -> Any:
    """The planner without its process: the same functions, ready at once."""
    return await asyncio.to_thread(task, *arguments)


class Programme:
    """The scheduler of one test, with what people would do to it."""

    def __init__(self, pool: Pool, keys: Path, *, planner: Any = in_thread) -> None:
        self.pool = pool
        self.clock = FrozenClock(NOW)
        self.settings = Settings.model_validate(
            {
                "database_url": "postgresql://unused",
                "kafka_bootstrap": "unused",
                "kafka_user": "scheduler",
                "kafka_password": "unused",
                "http_port": 1,
                "origin": "http://gemba.test",
                "keys_dir": keys,
                "planner_work": 0.1,
                "planner_work_single": 0.3,
            }
        )
        self.deps = Deps(pool, self.clock, self.settings, planner)
        self.feeder = Feeder(pool, CONSUMERS, self.clock, self.deps)
        self.queue = PlanningQueue(self.deps, Wakeup(), holder="test")
        self.app = create_app(self.settings)
        self.app.state.deps = self.deps
        self.enterprises: dict[str, UUID] = {}
        self.people: dict[str, UUID] = {}
        self.person = str(uuid4())
        self._key = load_signing_key(keys / "identity.pem")

    def client(
        self, *, countries: tuple[str, ...] = ("BD",), roles: tuple[str, ...] = ("coordinator",)
    ) -> httpx.AsyncClient:
        """Signed in as somebody with these roles in these countries."""
        who = Identity(
            self.person, "Rina Das", frozenset(roles), frozenset(countries), "s", "token", "Asia/Dhaka", "en"
        )
        token = sign_identity(who, self._key, time.time(), "scheduler", installation="gemba")
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://gemba.test/scheduler",
            headers={HEADER: token},
        )

    async def know_enterprise(self, key: str, *, country: str = "BD", **changes: Any) -> UUID:
        """Directory says what it knows of an enterprise."""
        place = len(self.enterprises)
        known = {
            "enterprise_id": self.enterprises.setdefault(key, uuid4()),
            "key_name": key,
            "name": f"Factory {key}",
            "country": country,
            "region": "Dhaka",
            "zone": "Asia/Dhaka" if country == "BD" else "America/Lima",
            "latitude": 23.80 + place / 100,
            "longitude": 90.35 + place / 100,
            "working_weekdays": SUN_TO_THU,
            "manager_languages": ("bn",),
            "worker_languages": ("bn",),
        }
        await self.feeder.deliver(EnterpriseState.model_validate(known | changes))
        return self.enterprises[key]

    async def know_trainer(self, key: str, *, country: str = "BD", **changes: Any) -> UUID:
        """Directory says what it knows of a trainer."""
        known = {
            "person_id": self.people.setdefault(key, uuid4()),
            "key_name": key,
            "name": f"Trainer {key}",
            "country": country,
            "roles": (Role.TRAINER,),
            "countries": (country,),
            "language": "bn",
            "zone": "Asia/Dhaka",
            "languages": ("bn", "en"),
        }
        await self.feeder.deliver(PersonState.model_validate(known | changes))
        return self.people[key]

    async def set_up(self, *, enterprises: int = 5, trainers: int = 4) -> None:
        """Enterprises BD-E1 … and trainers BD-T1 …, the module WC with four stages, all imported."""
        for number in range(1, enterprises + 1):
            await self.know_enterprise(f"BD-E{number}")
        for number in range(1, trainers + 1):
            await self.know_trainer(f"BD-T{number}")
        answer = await self.upload(workbook(**programme(trainers)))
        assert answer.status_code == 200, answer.text

    async def upload(self, data: bytes, *, dry_run: bool = False, **who: Any) -> httpx.Response:
        """Somebody imports a workbook; an administrator unless said otherwise."""
        who = who or {"roles": ("administrator",)}
        async with self.client(**who) as client:
            return await client.post(
                f"/api/imports?dry_run={str(dry_run).lower()}",
                files={"workbook": ("programme.xlsx", data)},
                headers={"Idempotency-Key": str(uuid4())},
            )

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **who: Any) -> httpx.Response:
        """A command of a coordinator."""
        async with self.client(**who) as client:
            return await client.post(path, json=body, headers={"Idempotency-Key": key or str(uuid4())})

    async def get(self, path: str, **who: Any) -> httpx.Response:
        """A question of a coordinator."""
        async with self.client(**who) as client:
            return await client.get(path)

    def wish(self, **changes: Any) -> dict[str, Any]:
        """The body that asks for a cohort of three enterprises."""
        return {
            "country": "BD",
            "module": "WC",
            "enterprise_keys": ["BD-E1", "BD-E2", "BD-E3"],
            "first_day": FIRST.isoformat(),
            "last_day": LAST.isoformat(),
        } | changes

    async def create(self, **changes: Any) -> str:
        """A cohort; returns its id."""
        answer = await self.post("/api/cohorts", self.wish(**changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["cohort_id"])

    async def plan_all(self) -> int:
        """Work through the planner's queue; how many jobs there were."""
        done = 0
        while await self.queue.do_next():
            done += 1
        return done

    async def published(self, **changes: Any) -> str:
        """A cohort that stands in the timetable; returns its id."""
        cohort_id = await self.create(**changes)
        await self.plan_all()
        shown = (await self.get(f"/api/cohorts/{cohort_id}")).json()
        answer = await self.post(f"/api/plans/{shown['plan_id']}/publish")
        assert answer.status_code == 200, answer.text
        return cohort_id

    async def bookings(self, cohort_id: str | None = None, stage: str | None = None) -> list[dict[str, Any]]:
        """The bookings of a cohort, the earliest first."""
        query = f"?cohort={cohort_id}" if cohort_id else ""
        items = (await self.get(f"/api/bookings{query}")).json()["items"]
        return [one for one in items if stage is None or one["stage"] == stage]

    async def booking(self, visit_id: str) -> dict[str, Any]:
        """One booking with its steps."""
        shown: dict[str, Any] = (await self.get(f"/api/bookings/{visit_id}")).json()
        return shown

    async def facts(self, *kinds: Any) -> list[Any]:
        """What the scheduler said."""
        return await emitted(self.pool, *kinds)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    write_signing_keys(tmp_path / "identity.pem", tmp_path / "identity.pub.pem")
    return tmp_path


@pytest.fixture
async def bare(open_database: Callable[[str], Awaitable[Pool]], keys: Path) -> Programme:
    """A scheduler that knows nothing yet."""
    return Programme(await open_database("scheduler"), keys)


@pytest.fixture
async def bd(bare: Programme) -> Programme:
    """A scheduler with five enterprises and four trainers in Bangladesh."""
    await bare.set_up()
    return bare


__all__ = ["FIRST", "LAST", "NOW", "ClosedDays", "Programme", "programme", "timedelta", "workbook"]
