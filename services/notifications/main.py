"""The only wiring of notifications: what there is, and what it is given."""

from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from services.notifications.channels.email import SmtpProvider
from services.notifications.channels.outbound import Channels, Failover
from services.notifications.channels.sms import SmsProvider
from services.notifications.composition.catalogue import Catalogue
from services.notifications.composition.composer import Composer
from services.notifications.composition.links import Links
from services.notifications.consumers import CASE, GENERAL
from services.notifications.deps import Deps
from services.notifications.domain import templates
from services.notifications.http import api, api_reach, fragments, pages
from services.notifications.senders import Sender
from services.notifications.settings import Settings
from services.notifications.storage.messages import WAITS, count_due, get_next_due, list_held
from services.notifications.timers import TIMERS
from shared.application import make_service
from shared.assembly import Parts, Running
from shared.crypto import load_signing_key
from shared.db import Connection, open_pool

TAP_KEY_FILE = "taps.pem"
"""The private key, in `settings.keys_dir`, that one-tap links are signed with; nobody else needs it."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    return make_service(
        settings,
        make_parts,
        title="Gemba notifications",
        routers=[api.router(), api_reach.router(), fragments.router(), pages.router()],
        templates=Path(__file__).parent / "http" / "templates",
    )


def make_composer(settings: Settings) -> Composer:
    """The words, the links and the sender."""
    links = Links(settings.origin, load_signing_key(settings.keys_dir / TAP_KEY_FILE))
    composer = Composer(Catalogue(), links, sender=settings.sender, installation=settings.installation)
    composer.learn(templates.ZERO_TOLERANCE)
    return composer


def make_channels(settings: Settings) -> Channels:
    """The providers that the environment names."""
    mail = Failover([SmtpProvider(url, settings.sender) for url in settings.smtp_urls])
    return Channels({"email": mail, "sms": Failover([SmsProvider(url) for url in settings.sms_urls])})


async def make_parts(service: Running) -> Parts:
    """Consumers, timers and senders. Zero tolerance shares no connection and no sender with ordinary mail."""
    settings = service.settings
    assert isinstance(settings, Settings)
    dsn = settings.database_url.get_secret_value()
    case_pool = await open_pool(
        dsn,
        size=settings.case_pool_size,
        name=f"{settings.service}.{settings.replica}.case",
        min_size=0,
        password=settings.database_password,
        meet=service.life.meet,
    )
    channels = {lane: make_channels(settings) for lane in (templates.GENERAL, templates.ZERO_TOLERANCE)}
    composer = make_composer(settings)
    deps = {lane: Deps(service.pool, case_pool, service.clock, settings, composer, channels[lane]) for lane in channels}
    general = Sender(
        templates.GENERAL,
        settings.general_senders,
        deps[templates.GENERAL],
        service.pool,
        service.wakeups.on("messages", templates.GENERAL),
    )
    case = Sender(
        templates.ZERO_TOLERANCE,
        settings.case_senders,
        deps[templates.ZERO_TOLERANCE],
        case_pool,
        service.wakeups.on("messages", templates.ZERO_TOLERANCE),
    )

    async def waiting(conn: Connection) -> dict[str, int]:
        due = await count_due(conn, service.clock.now())
        return {"messages": sum(due.values())}

    return Parts(
        deps=replace(deps[templates.GENERAL], free=case),
        consumers=(GENERAL, CASE),
        timers=TIMERS,
        background=(general.run, case.run),
        waiting=waiting,
        counters=lambda: {"sent": general.sent + case.sent},
        list_held=list_held,
        next_due=lambda conn: get_next_due(conn, service.clock.now()),
        pools={CASE.group: case_pool},
        waits=WAITS,
    )
