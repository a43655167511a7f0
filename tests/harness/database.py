"""A service's own database for one test: migrated once per run and service, then copied, on real PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from deploy.local.databases import DatabaseUrls, ServiceDatabase, drop_databases, provision_databases
from shared.db import Pool, open_pool
from shared.migrate import migrate


@pytest.fixture(scope="session")
def migrated_templates(postgres_server: str) -> Iterator[Callable[[str], DatabaseUrls]]:
    """A migrated, empty database per service, made on first use."""
    made: dict[str, ServiceDatabase] = {}
    urls: dict[str, DatabaseUrls] = {}

    def template(service: str) -> DatabaseUrls:
        if service not in urls:
            suffix = secrets.token_hex(4)
            made[service] = ServiceDatabase(
                database=f"template_{service}_{suffix}",
                migration_role=f"{service}_migrate_{suffix}",
                migration_password=secrets.token_urlsafe(12),
                runtime_role=f"{service}_run_{suffix}",
                runtime_password=secrets.token_urlsafe(12),
            )
            urls[service] = provision_databases(postgres_server, {service: made[service]})[service]
            migrate(service, urls[service].migrate)
        return urls[service]

    yield template
    drop_databases(postgres_server, {wanted.database: wanted for wanted in made.values()})


@pytest.fixture
def database(
    postgres_server: str, migrated_templates: Callable[[str], DatabaseUrls]
) -> Iterator[Callable[[str], DatabaseUrls]]:
    """Call it with a service's name: a migrated database of the test's own, with the service's two roles."""
    copies: list[str] = []

    def copy(service: str) -> DatabaseUrls:
        urls = migrated_templates(service)
        name = f"gemba_{service}_{secrets.token_hex(4)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(name), sql.Identifier(urlsplit(urls.run).path[1:])
                )
            )
        copies.append(name)
        return DatabaseUrls(migrate=_renamed(urls.migrate, name), run=_renamed(urls.run, name))

    yield copy
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for name in copies:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def open_database(database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Callable[[str], object]]:
    """Await it with a service's name: a pool on a database of the test's own, as the service's runtime role."""
    pools: list[Pool] = []

    async def open_for(service: str) -> Pool:
        pool = await open_pool(database(service).run, size=8, name="test")
        pools.append(pool)
        return pool

    yield open_for
    for pool in pools:
        pool.terminate()


def _renamed(url: str, database_name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database_name}", parts.query, ""))
