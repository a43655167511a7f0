"""The wiring of directory: which parts there are and how they are put together, nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.directory.background import SignInMailer
from services.directory.deps import Deps
from services.directory.http import (
    api_enterprises,
    api_imports,
    api_people,
    api_sign_in,
    api_tokens,
    forward_auth,
    fragments,
    pages,
    pages_import,
    pages_sign_in,
    pages_tokens,
)
from services.directory.mailer import smtp_sender
from services.directory.settings import Settings
from services.directory.storage.sign_in import list_held
from services.directory.storage.states import load_states
from services.directory.use_cases.send_sign_in_links import count_waiting
from shared.assembly import Parts, Running, running
from shared.auth import IdentitySigner
from shared.crypto import load_signing_key
from shared.web.app import make_app
from shared.workbook.archive import MAX_FILE_BYTES

SIGNING_KEY_FILE = "identity.pem"
"""In `settings.keys_dir`, readable for directory alone; its public half is `identity.pub.pem`."""

_HTTP = Path(__file__).parent / "http"
_UPLOAD = MAX_FILE_BYTES + 65_536
_ROUTERS = (
    forward_auth,
    api_sign_in,
    api_people,
    api_enterprises,
    api_imports,
    api_tokens,
    fragments,
    pages_sign_in,
    pages_import,
    pages_tokens,
    pages,
)


def create_app(settings: Settings) -> FastAPI:
    """The service's application; its parts start and stop with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, make_parts) as service:
            assert service.parts is not None
            app.state.service = service
            app.state.deps = service.parts.deps
            yield

    async def check_database() -> None:
        await app.state.service.check_database()

    async def check_log() -> None:
        await app.state.service.check_log()

    async def status() -> dict[str, Any]:
        shown: dict[str, Any] = await app.state.service.status()
        return shown

    app = make_app(
        settings,
        title="Gemba directory",
        lifespan=lifespan,
        routers=[module.router() for module in _ROUTERS],
        checks={"database": check_database, "log": check_log},
        status=status,
        templates=[_HTTP / "templates"],
        static=_HTTP / "static",
        larger_bodies={"/directory/api/imports": _UPLOAD, "/directory/import": _UPLOAD},
    )
    return app


async def make_parts(service: Running) -> Parts:
    """What runs beside HTTP: the relay of the two state topics, and the mailer of links."""
    settings = service.settings
    assert isinstance(settings, Settings)
    deps = Deps(
        service.pool,
        service.clock,
        settings,
        IdentitySigner(load_signing_key(settings.keys_dir / SIGNING_KEY_FILE), installation=settings.installation),
        smtp_sender(settings.smtp_url),
    )
    mailer = SignInMailer(deps, service.wakeups.on("sign_in"))
    return Parts(
        deps,
        load_states=load_states,
        background=[mailer.run],
        waiting=count_waiting,
        list_held=list_held,
        counters=lambda: {"sign_in_mails": mailer.settled},
    )
