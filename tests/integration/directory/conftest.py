"""Directory without a broker: its application over HTTP in the process, on a database of the test's own."""

from __future__ import annotations

import io
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from openpyxl import Workbook

from services.directory.deps import Deps
from services.directory.main import create_app
from services.directory.settings import Settings
from services.directory.storage.people import get_person
from services.directory.use_cases.create_first_administrator import (
    CreateFirstAdministrator,
    create_first_administrator,
)
from services.directory.use_cases.send_sign_in_links import send_sign_in_links
from shared.auth import HEADER, Identity, IdentitySigner
from shared.clock import FrozenClock
from shared.crypto import load_signing_key, write_signing_keys
from shared.db import Pool

ORIGIN = "http://localhost:8300"
PEOPLE = ("key", "name", "country", "roles", "countries", "language", "zone", "languages", "email", "phone",
          "line_manager", "enterprise")  # fmt: skip
ENTERPRISES = ("key", "name", "country", "region", "zone", "latitude", "longitude", "working_weekdays",
               "manager_languages", "worker_languages", "manager_contact", "worker_contact")  # fmt: skip
CLOSED = ("enterprise", "first", "last", "reason")


def person(key: str, roles: str, country: str = "BD", **other: str) -> dict[str, str]:
    values = {"key": key, "name": key.title(), "country": country, "roles": roles, "language": "en",
              "zone": "Asia/Dhaka", "email": f"{key}@example.org"}  # fmt: skip
    return values | other


def enterprise(key: str, country: str = "BD", **other: Any) -> dict[str, Any]:
    values = {"key": key, "name": f"{key} Ltd", "country": country, "region": "Dhaka", "zone": "Asia/Dhaka",
              "latitude": 23.8, "longitude": 90.4, "working_weekdays": "Sun-Thu", "manager_languages": "en, bn",
              "worker_languages": "bn"}  # fmt: skip
    return values | other


def workbook(**sheets: Sequence[Mapping[str, Any]]) -> bytes:
    """An XLSX with these sheets; the columns are those of the sheet, or of its first row where it is not ours."""
    book = Workbook()
    book.remove(book.active)
    columns = {"people": PEOPLE, "enterprises": ENTERPRISES, "closed_days": CLOSED}
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        heads = columns.get(name) or tuple(rows[0])
        sheet.append(heads)
        for row in rows:
            sheet.append([row.get(head) for head in heads])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@dataclass
class Mailbox:
    """Catches what would go to SMTP; `broken` while the server is away."""

    mails: list[EmailMessage] = field(default_factory=list)
    broken: Exception | None = None

    async def send(self, mail: EmailMessage) -> None:
        if self.broken:
            raise self.broken
        self.mails.append(mail)

    def link_token(self, number: int = -1) -> str:
        text = self.mails[number].get_content()
        return text.partition("token=")[2].split()[0]


@dataclass
class House:
    """A running directory as a test meets it."""

    deps: Deps
    clock: FrozenClock
    mailbox: Mailbox
    app: Any
    administrator: UUID
    ids: dict[str, UUID] = field(default_factory=dict)

    @property
    def pool(self) -> Pool:
        return self.deps.pool

    async def client(self, person_id: UUID | None = None, kind: str = "session", **headers: str) -> httpx.AsyncClient:
        """As the origin forwards requests of this person; without one, a stranger's."""
        if person_id is not None:
            async with self.pool.acquire() as conn:
                known = await get_person(conn, person_id)
            assert known is not None
            who = Identity(str(known.person_id), known.name, frozenset(known.roles), frozenset(known.countries),
                           str(uuid4()), "token" if kind == "token" else "session", known.zone, known.language)  # fmt: skip
            headers[HEADER] = self.deps.signer.sign(who, time.time(), "directory")
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN, headers=headers)

    async def take(
        self, data: bytes, by: UUID | None = None, *, dry_run: bool = False, **headers: str
    ) -> httpx.Response:
        async with await self.client(by or self.administrator) as client:
            return await client.post(
                "/directory/api/imports",
                params={"dry_run": dry_run},
                files={"workbook": ("programme.xlsx", data)},
                headers={"Idempotency-Key": str(uuid4())} | headers,
            )

    async def taken(self, **sheets: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
        """Take a workbook that is right; returns the counts by sheet, and notes the people's ids by key."""
        answer = await self.take(workbook(**sheets))
        assert answer.status_code == 200, answer.text
        for table, column in (("people", "person_id"), ("enterprises", "enterprise_id")):
            for row in await self.pool.fetch(f"select key_name, {column} as id from {table}"):
                self.ids[row["key_name"]] = row["id"]
        return {sheet.pop("sheet"): sheet for sheet in answer.json()["sheets"]}

    async def mail_links(self) -> int:
        return await send_sign_in_links(deps=self.deps)

    async def sign_in(self, email: str) -> str:
        """Ask, take the link from the mail, press the button; returns the session's token."""
        async with await self.client() as client:
            await client.post("/directory/api/sign-in", json={"email": email})
            await self.mail_links()
            entered = await client.post("/directory/enter", data={"token": self.mailbox.link_token()})
            assert entered.status_code == 303, entered.text
            return entered.cookies["gemba"]

    async def ask(self, uri: str, *, method: str = "GET", token: str = "", bearer: str = "", accept: str = "*/*",
                  **headers: str) -> httpx.Response:  # fmt: skip
        """What the origin asks before it forwards a request."""
        headers |= {"X-Forwarded-Uri": uri, "X-Forwarded-Method": method, "Accept": accept}
        if token:
            headers["Cookie"] = f"__Host-gemba={token}"
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        async with await self.client() as client:
            return await client.get("/directory/forward-auth", headers=headers)


def settings(keys: Path, origin: str = ORIGIN, profile: str = "test") -> Settings:
    return Settings(
        profile=profile, database_url="postgresql://unused", kafka_bootstrap="unused", kafka_user="unused",
        kafka_password="unused", http_port=1, origin=origin, keys_dir=keys,
    )  # fmt: skip


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    write_signing_keys(folder / "identity.pem", folder / "identity.pub.pem")
    return folder


@pytest.fixture
async def house(open_database: Callable[[str], Awaitable[Pool]], keys: Path) -> House:
    """Directory with its first administrator and nobody else."""
    pool = await open_database("directory")
    clock = FrozenClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    mailbox = Mailbox()
    signer = IdentitySigner(load_signing_key(keys / "identity.pem"), installation=settings(keys).installation)
    deps = Deps(pool, clock, settings(keys), signer, mailbox.send)
    asked = CreateFirstAdministrator("root@example.org", "Root", "root", "ZZ")
    administrator, _ = await create_first_administrator(asked, pool=pool, now=clock.now())
    app = create_app(deps.settings)
    app.state.deps = deps
    return House(deps, clock, mailbox, app, administrator, {"root": administrator})
