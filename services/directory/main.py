"""The wiring of directory: which parts there are and how they are put together, nothing else."""

from pathlib import Path

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
from shared.application import make_service
from shared.assembly import Parts, Running
from shared.auth import IdentitySigner
from shared.crypto import load_signing_key
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
    return make_service(
        settings,
        make_parts,
        title="Gemba directory",
        routers=[module.router() for module in _ROUTERS],
        templates=_HTTP / "templates",
        static=_HTTP / "static",
        larger_bodies={"/directory/api/imports": _UPLOAD, "/directory/import": _UPLOAD},
    )


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
