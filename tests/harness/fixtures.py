"""Session fixtures of everything that needs real servers. Loaded by ``tests/conftest.py``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from deploy.local.databases import (
    DatabaseUrls,
    ServiceDatabase,
    drop_databases,
    provision_databases,
)
from deploy.local.provision import provision_kafka
from deploy.local.topology import PRINCIPALS
from tests.harness.servers import Servers, running_servers


@pytest.fixture(scope="session")
def test_servers() -> Iterator[Servers]:
    """PostgreSQL and Kafka, one of each for the whole run."""
    with running_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def postgres_server(test_servers: Servers) -> str:
    """The administrator's DSN of the run's PostgreSQL."""
    return test_servers.postgres_admin_dsn


@pytest.fixture(scope="session")
def kafka_server(test_servers: Servers) -> Servers:
    """The run's Kafka, empty of topics: ``kafka_bootstrap`` and the administrator's login."""
    return test_servers


@pytest.fixture(scope="session")
def kafka_passwords(test_servers: Servers) -> dict[str, str]:
    """Gemba's topics, principals and ACLs are there; the passwords by principal.

    The passwords follow from the administrator's, so that all workers of a run agree on them.
    """
    passwords = {name: f"{name}-{test_servers.kafka_admin_password}" for name in PRINCIPALS}
    provision_kafka(
        test_servers.kafka_bootstrap,
        test_servers.kafka_admin_user,
        test_servers.kafka_admin_password,
        passwords,
        exclusive=False,
    )
    return passwords


@pytest.fixture
def fresh_database(postgres_server: str) -> Iterator[Callable[[str], DatabaseUrls]]:
    """Call it with a service's name: a database with its two roles, gone after the test."""
    made: dict[str, ServiceDatabase] = {}

    def make(service: str) -> DatabaseUrls:
        suffix = secrets.token_hex(4)
        wanted = ServiceDatabase(
            database=f"gemba_{service}_{suffix}",
            migration_role=f"{service}_migrate_{suffix}",
            migration_password=secrets.token_urlsafe(12),
            runtime_role=f"{service}_run_{suffix}",
            runtime_password=secrets.token_urlsafe(12),
        )
        made[wanted.database] = wanted
        return provision_databases(postgres_server, {service: wanted})[service]

    yield make
    drop_databases(postgres_server, made)
