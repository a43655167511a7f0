"""The world of notifications for one test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.notifications.deps import Deps
from services.notifications.main import make_channels, make_composer
from services.notifications.settings import Settings
from shared.clock import FrozenClock
from shared.crypto import write_signing_keys
from shared.db import Pool
from tests.integration.notifications.post_office import open_gateway, open_post_office
from tests.integration.notifications.world import START, World


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for name in ("taps", "identity"):
        write_signing_keys(tmp_path / f"{name}.pem", tmp_path / f"{name}.pub.pem")
    return tmp_path


@pytest.fixture
async def world(open_database: Callable[[str], Awaitable[Pool]], keys: Path) -> AsyncIterator[World]:
    pool = await open_database("notifications")
    clock = FrozenClock(START)
    async with open_post_office() as post, open_gateway() as gateway:
        settings = Settings(
            database_url=SecretStr("postgresql://unused"),
            kafka_bootstrap="unused",
            kafka_user="unused",
            kafka_password=SecretStr("unused"),
            http_port=1,
            origin="https://gemba.example",
            keys_dir=keys,
            smtp_url=f"smtp://127.0.0.1:{post.port}",
            sms_url=f"http://127.0.0.1:{gateway.port}/sms",
        )
        channels = make_channels(settings)
        deps = Deps(pool, pool, clock, settings, make_composer(settings), channels)
        yield World(pool, clock, deps, post, gateway)
        await channels.close()
