"""A service and its database at their first meeting: what does not fit is said in one sentence, what is away is waited for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from pydantic import SecretStr

from deploy.local.databases import DatabaseUrls
from deploy.local.topology import SERVICES
from shared.first_contact import Unfit, meet_database, needed_schema
from shared.migrate import newest
from shared.settings import ServiceSettings


class Told:
    """What a service knows of its database."""

    service = "visits"

    def __init__(self, url: str) -> None:
        self.database_url = SecretStr(url)


async def meet(url: str) -> None:
    await asyncio.wait_for(meet_database(cast("ServiceSettings", Told(url))), 10)


def at(url: str, **changed: str) -> str:
    parts = urlsplit(url)
    user, password = changed.get("user", parts.username), changed.get("password", parts.password)
    netloc = f"{user}:{password}@{changed.get('host', f'{parts.hostname}:{parts.port}')}"
    return urlunsplit((parts.scheme, netloc, changed.get("path", parts.path), "", ""))


@pytest.mark.parametrize("service", SERVICES)
def test_the_needed_schema_is_the_newest_migration(service: str) -> None:
    assert f"{needed_schema(service):04d}" == newest(service)


async def test_a_fitting_database_is_met_at_once(database: Callable[[str], DatabaseUrls]) -> None:
    await meet(database("visits").run)


async def test_a_wrong_password_is_said_and_not_tried_again(database: Callable[[str], DatabaseUrls]) -> None:
    with pytest.raises(Unfit, match=r"refused role 'visits_run_.*': wrong password"):
        await meet(at(database("visits").run, password="not-the-password"))


async def test_a_database_that_was_never_made_is_said(database: Callable[[str], DatabaseUrls]) -> None:
    with pytest.raises(Unfit, match="provisioning makes databases"):
        await meet(at(database("visits").run, path="/gemba_nowhere"))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("drop table alembic_version", "has schema 0000 and this version needs"),
        ("update alembic_version set version_num = '0001'", "run its migrations first"),
        ("update alembic_version set version_num = '9999'", "has schema 9999 and this version knows"),
    ],
)
async def test_another_schema_is_refused_with_what_would_be_right(
    database: Callable[[str], DatabaseUrls], statement: str, says: str
) -> None:
    urls = database("visits")
    with psycopg.connect(urls.migrate, autocommit=True) as owner:
        owner.execute(statement)
    with pytest.raises(Unfit, match=says) as refused:
        await meet(urls.run)
    assert "\n" not in str(refused.value)


async def test_a_server_that_is_not_there_yet_is_waited_for(database: Callable[[str], DatabaseUrls]) -> None:
    """The address is one where nobody listens at first; then a door opens that leads to the real server."""
    url = database("visits").run
    real = urlsplit(url)
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
    meeting = asyncio.create_task(meet(at(url, host=f"127.0.0.1:{port}")))
    done, _ = await asyncio.wait({meeting}, timeout=0.3)
    assert not done

    async def lead_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(real.hostname, real.port)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    async with await asyncio.start_server(lead_on, "127.0.0.1", port):
        await meeting


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(4096):
        to.write(data)
        await to.drain()
    to.close()
