"""Where benchmarks run: PostgreSQL and Apache Kafka of their own, a migrated database for each side of a comparison."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.local.databases import DatabaseUrls, ServiceDatabase, provision_databases
from deploy.local.provision import provision_kafka
from deploy.local.topology import PRINCIPALS
from shared.kafka.access import KafkaAccess
from shared.migrate import migrate
from tests.harness.servers import Servers, running_servers


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers of one run."""

    servers: Servers
    passwords: dict[str, str]
    folder: Path

    @property
    def admin(self) -> KafkaAccess:
        """May do everything: for references, which have no principal of ours."""
        given = self.servers
        return KafkaAccess(given.kafka_bootstrap, given.kafka_admin_user, given.kafka_admin_password)

    def access(self, service: str) -> KafkaAccess:
        """A service's own principal."""
        return KafkaAccess(self.servers.kafka_bootstrap, service, self.passwords[service])

    def database(self, service: str, extra: str = "") -> DatabaseUrls:
        """A migrated, empty database with the service's roles; `extra` is SQL for tables of the benchmark's own."""
        suffix = secrets.token_hex(4)
        wanted = ServiceDatabase(
            database=f"bench_{service}_{suffix}",
            migration_role=f"{service}_migrate_{suffix}",
            migration_password=secrets.token_urlsafe(12),
            runtime_role=f"{service}_run_{suffix}",
            runtime_password=secrets.token_urlsafe(12),
        )
        urls = provision_databases(self.servers.postgres_admin_dsn, {service: wanted})[service]
        migrate(service, urls.migrate)
        if extra:
            with psycopg.connect(urls.migrate, autocommit=True) as connection:
                connection.execute(extra)
        return urls

    def bare_database(self) -> str:
        """An empty database, for a peer that brings its own tables: the DSN of its owner."""
        name = f"bench_peer_{secrets.token_hex(4)}"
        with psycopg.connect(self.servers.postgres_admin_dsn, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self.servers.postgres_admin_dsn.rsplit("/", 1)[0] + "/" + name

    def tidy(self, filled: DatabaseUrls | None = None) -> None:
        """Before a side is timed: what the one before it left to be written must not be on its account.

        A database that was just filled is left as autovacuum would leave it a minute later.
        """
        if filled is not None:
            with psycopg.connect(filled.migrate, autocommit=True) as connection:
                connection.execute("vacuum analyze")
        with psycopg.connect(self.servers.postgres_admin_dsn, autocommit=True) as connection:
            connection.execute("checkpoint")


@contextmanager
def set_up() -> Iterator[Stage]:
    """Started for this run, gone after it."""
    with tempfile.TemporaryDirectory(prefix="gemba-bench-") as folder:
        with running_servers(Path(folder) / "servers") as servers:
            passwords = {name: secrets.token_urlsafe(12) for name in PRINCIPALS}
            provision_kafka(
                servers.kafka_bootstrap,
                servers.kafka_admin_user,
                servers.kafka_admin_password,
                passwords,
                exclusive=False,
            )
            yield Stage(servers, passwords, Path(folder))


def how_busy(seconds: float = 2.0) -> dict[str, float]:
    """The machine before a benchmark starts: what other work took of all processors, and the load average."""
    before, idle_before = _processor_time()
    time.sleep(seconds)
    after, idle_after = _processor_time()
    busy = 1 - (idle_after - idle_before) / max(1, after - before)
    return {"busy": round(busy, 2), "load": round(os.getloadavg()[0], 1), "processors": os.cpu_count() or 1}


def _processor_time() -> tuple[int, int]:
    """All ticks, and those in which nothing ran (proc(5): the fourth and fifth of the first line)."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]
