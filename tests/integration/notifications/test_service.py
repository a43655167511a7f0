"""The service as a whole, started as in life, its broker away."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from pydantic import SecretStr

from deploy.local.databases import DatabaseUrls
from services.notifications.main import create_app
from services.notifications.settings import Settings
from services.notifications.use_cases.keep_copies import keep_person
from services.notifications.use_cases.tell_case import tell_case
from shared.contracts.person import ContactPoint, PersonState
from shared.contracts.values import Channel, Role
from shared.db import transaction
from shared.ids import new_id
from tests.integration.notifications.post_office import open_post_office


async def test_it_sends_what_was_queued_though_the_broker_is_away_and_stops_in_time(
    database: Callable[[str], DatabaseUrls], keys: Path
) -> None:
    async with open_post_office() as post:
        settings = Settings(
            profile="test",
            database_url=SecretStr(database("notifications").run),
            kafka_bootstrap="127.0.0.1:1",
            kafka_user="notifications",
            kafka_password=SecretStr("x"),
            http_port=1,
            origin="http://127.0.0.1:8000",
            keys_dir=keys,
            smtp_url=f"smtp://127.0.0.1:{post.port}",
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            deps = app.state.deps
            officer = new_id()
            state = PersonState(
                person_id=officer,
                key_name="officer",
                name="Officer",
                country="BD",
                roles=(Role.OFFICER,),
                countries=("BD",),
                language="en",
                zone="Asia/Dhaka",
                contact_points=(ContactPoint(channel=Channel.EMAIL, address="officer@example.org", verified=True),),
            )
            now = deps.clock.now()
            async with transaction(deps.pool) as conn:
                await keep_person(officer, state, conn=conn)
                await tell_case(
                    "case_alert",
                    new_id(),
                    "BD",
                    [officer],
                    part="step-1",
                    step=1,
                    state="open",
                    respond_by=now,
                    now=now,
                    conn=conn,
                )
            began = time.monotonic()
            while not post.mails:
                assert time.monotonic() - began < 30
                await asyncio.sleep(0.01)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=settings.origin) as client:
                while True:
                    waiting = (await client.get("/status")).json()["waiting"]
                    if not waiting["messages"] and waiting["outbox"] == 2:  # what it has to say waits for the broker
                        break
                    assert time.monotonic() - began < 30, waiting
                assert (await client.get("/readyz")).status_code == 503
            leaving = time.monotonic()
        assert time.monotonic() - leaving < 15
