"""One running installation: which programs there are, in which order, and who is told what.

    async with running_installation(State(folder), profile="local", report=print) as gemba:
        gemba.origin, gemba.supervisor.memory(), …

Order: PostgreSQL and Kafka; databases, topics, users and ACLs; migrations; a replay where the
log is a new one; the dev inbox; the services; the web origin. It stops in reverse.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.local.addresses import KafkaAddress, given_kafka, given_postgres
from deploy.local.administrator import TOKEN_FILE, ensure_administrator
from deploy.local.brokers import start_brokers
from deploy.local.caddy import caddy_program
from deploy.local.databases import DatabaseUrls, provision_databases, wanted_databases
from deploy.local.keys import make_missing_keys
from deploy.local.one_shot import run_module
from deploy.local.postgres import PostgresServer
from deploy.local.program import Program, inherited_environment
from deploy.local.provision import provision_kafka
from deploy.local.restore import begin_life_if_restored
from deploy.local.service_programs import inbox_program, service_program
from deploy.local.size import Size, by_detour, numbered
from deploy.local.state import State
from deploy.local.supervisor import Report, Supervisor
from deploy.local.topology import (
    PRINCIPALS,
    SERVICES,
)

ORIGIN_HOST = "localhost"


@dataclass
class Installation:
    """What runs, and where. ``inbox_url`` is None where real mail and SMS gateways are set."""

    state: State
    profile: str
    clock: str
    supervisor: Supervisor
    ports: Mapping[str, int]
    services: Sequence[str]
    postgres_dsn: str = ""
    size: Size = field(default_factory=Size)
    kafka: KafkaAddress = field(default_factory=lambda: KafkaAddress("", "", ""))
    databases: Mapping[str, DatabaseUrls] = field(default_factory=dict)
    inbox_url: str | None = None

    @property
    def origin(self) -> str:
        return f"http://{ORIGIN_HOST}:{self.ports['origin']}"

    @property
    def trust(self) -> bool:
        return True

    @property
    def work_folder(self) -> Path:
        return self.state.folder

    @property
    def where_logs_are(self) -> str:
        return str(self.state.logs)

    def memory(self) -> dict[str, int]:
        return self.supervisor.memory()

    def kafka_password(self, principal: str) -> str:
        return self.state.secret(f"kafka-{principal}")

    def administrator_token(self) -> str:
        """The first administrator's token for the command line and the API."""
        return (self.state.folder / TOKEN_FILE).read_text(encoding="ascii").strip()

    def status_urls(self) -> dict[str, str]:
        """``/status`` of each replica of each service; not reachable through the origin."""
        return {name: f"http://127.0.0.1:{self.ports[name]}/status" for name in self.replicas}

    @property
    def replicas(self) -> dict[str, tuple[str, int]]:
        """The service and number of each replica, by its name."""
        return {
            name: (service, number)
            for service in self.services
            for number, name in enumerate(self.size.replicas_of(service), start=1)
        }

    def service_environment(self, service: str, number: int = 1) -> dict[str, str]:
        """Everything that one replica of a service is told, and nothing that another service needs."""
        detours = self.size.detours
        database_url = self.databases[service].run
        if f"postgres-{service}" in detours:
            database_url = by_detour(database_url, detours[f"postgres-{service}"])
        smtp_port = detours.get("smtp", self.ports["inbox-smtp"])
        own = {
            "GEMBA_SERVICE": service,
            "GEMBA_PROFILE": self.profile,
            "GEMBA_CLOCK": self.clock,
            "GEMBA_INSTALLATION": os.environ.get("GEMBA_INSTALLATION", "gemba"),
            "GEMBA_ORIGIN": self.origin,
            "GEMBA_REPLICA": str(number),
            "GEMBA_HTTP_PORT": str(self.ports[numbered(service, number)]),
            "GEMBA_DATABASE_URL": database_url,
            "GEMBA_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "GEMBA_KAFKA_USER": service,
            "GEMBA_KAFKA_PASSWORD": self.kafka_password(service),
            "GEMBA_KAFKA_TLS": "1" if self.kafka.tls else "0",
            "GEMBA_KEYS_DIR": str(self.state.keys),
            "GEMBA_LOG_LEVEL": os.environ.get("GEMBA_LOG_LEVEL", "INFO"),
            "GEMBA_ROUTING_URL": os.environ.get("GEMBA_ROUTING_URL", "") if service == "scheduler" else "",
            "GEMBA_SMTP_URL": os.environ.get("GEMBA_SMTP_URL") or f"smtp://127.0.0.1:{smtp_port}",
            "GEMBA_SMS_URL": os.environ.get("GEMBA_SMS_URL") or f"http://127.0.0.1:{self.ports['inbox']}/inbox/sms",
        }
        return {**inherited_environment(), **own}

    @property
    def wants_inbox(self) -> bool:
        return not (os.environ.get("GEMBA_SMTP_URL") and os.environ.get("GEMBA_SMS_URL"))


@asynccontextmanager
async def running_installation(
    state: State,
    *,
    profile: str = "local",
    clock: str = "real",
    services: Sequence[str] = SERVICES,
    size: Size | None = None,
    report: Report,
) -> AsyncIterator[Installation]:
    """Everything started and ready; stopped in order at the end. Raises Problem."""
    with state.locked():
        size = size or Size()
        ports = state.ports(size.port_names())
        async with Supervisor(state, report) as supervisor:
            gemba = Installation(state, profile, clock, supervisor, ports, tuple(services), size=size)
            await asyncio.to_thread(make_missing_keys, state.keys)
            try:
                await _start(gemba, report)
                yield gemba
            finally:
                # Services first and together: they finish what they hold while all else runs.
                await supervisor.stop_together(gemba.replicas)


async def _start(gemba: Installation, report: Report) -> None:
    given_dsn, given_cluster = given_postgres(), given_kafka()
    unused = {
        *(["postgres"] if given_dsn else []),
        *([name for name in gemba.ports if name.startswith("kafka")] if given_cluster else []),
        *([] if gemba.wants_inbox else ["inbox", "inbox-smtp"]),
    }
    gemba.state.check_ports_free({name: port for name, port in gemba.ports.items() if name not in unused})
    await _together([_start_postgres(gemba, given_dsn, report), _start_kafka(gemba, given_cluster, report)])
    report("databases", "migrating")
    await asyncio.to_thread(_migrate, gemba)
    urls = [gemba.databases[name].run for name in gemba.services]
    if await asyncio.to_thread(begin_life_if_restored, gemba.state, partial(_cluster_id, gemba), urls):
        report("databases", "restored: on hold until ./gemba hold release")
    await asyncio.to_thread(_replay_on_new_log, gemba)
    if "directory" in gemba.services:
        await asyncio.to_thread(ensure_administrator, gemba.state, gemba.service_environment("directory"))
    if gemba.wants_inbox:
        await gemba.supervisor.start(inbox_program(gemba))
        gemba.inbox_url = f"{gemba.origin}/inbox/"
    report("services", "starting")
    await _together(
        gemba.supervisor.start(service_program(gemba, service, number)) for service, number in gemba.replicas.values()
    )
    await gemba.supervisor.start(
        caddy_program(
            folder=gemba.state.folder / "caddy",
            port=gemba.ports["origin"],
            host=ORIGIN_HOST,
            upstreams={name: [gemba.ports[replica] for replica in gemba.size.replicas_of(name)] for name in SERVICES},
            inbox_port=gemba.ports["inbox"] if gemba.wants_inbox else None,
        )
    )


async def _together(steps: Iterable[Coroutine[object, object, None]]) -> None:
    """Run all at once; the first that fails ends the others, and its error is the one raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _start_postgres(gemba: Installation, given: str | None, report: Report) -> None:
    if given is None:
        report("postgres", "starting")
        server = PostgresServer(
            gemba.state.folder / "postgres",
            gemba.ports["postgres"],
            gemba.state.secret("postgres-superuser"),
        )
        await gemba.supervisor.start(
            Program(
                name="postgres",
                command=server.command,
                environment=server.environment(),
                prepare=server.prepare,
                not_ready=server.not_ready,
                start_seconds=PostgresServer.START_SECONDS,
                stop_signal=PostgresServer.STOP_SIGNAL,
                stop_seconds=PostgresServer.STOP_SECONDS,
            )
        )
    gemba.postgres_dsn = given or server.admin_dsn
    gemba.databases = await asyncio.to_thread(
        provision_databases, gemba.postgres_dsn, wanted_databases(gemba.state.secret)
    )


async def _start_kafka(gemba: Installation, given: KafkaAddress | None, report: Report) -> None:
    if given is not None:
        gemba.kafka = given
        await asyncio.to_thread(_provision, gemba)
        return
    report("kafka", "starting")
    gemba.kafka = await start_brokers(gemba, lambda: _provision(gemba), lambda: _replay_on_new_log(gemba))


def _provision(gemba: Installation) -> None:
    passwords = {principal: gemba.kafka_password(principal) for principal in PRINCIPALS}
    address = gemba.kafka
    provision_kafka(address.bootstrap, address.user, address.password, passwords, tls=address.tls)


def _migrate(gemba: Installation) -> None:
    """All databases by one process: most of the time of a migration is loading what migrates."""
    run_module(
        "shared.migrate",
        gemba.services,
        _by_service({name: gemba.databases[name].migrate for name in gemba.services}),
        gemba.state.logs / "migrate.log",
        otherwise="nothing was started with a half-done schema",
    )


def _by_service(urls: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command that goes through several services' databases."""
    return inherited_environment() | {f"GEMBA_DATABASE_URL_{name.upper()}": url for name, url in urls.items()}


def _cluster_id(gemba: Installation) -> str:
    from deploy.local.kafka_login import cluster_id

    address = gemba.kafka
    return cluster_id(address.bootstrap, address.user, address.password, tls=address.tls)


def _replay_on_new_log(gemba: Installation) -> None:
    """Ask each service to publish everything again, if the broker's log is not the one it knows.

    Asked after every change of the cluster's id, and noted only when all have answered, so one
    that was killed in between is asked again.
    """
    found = _cluster_id(gemba)
    if gemba.state.config().get("cluster_id") == found:
        return
    # A process of its own, as for migrations: this one stays small, and asks for a replay once in its life.
    run_module(
        "shared.replay",
        ["--onto", found, *gemba.services],
        _by_service({name: gemba.databases[name].run for name in gemba.services}),
        gemba.state.logs / "replay.log",
        otherwise="PostgreSQL must be up for it; it is tried again with the broker's next start",
    )
    gemba.state.save_config(cluster_id=found)


def default_state() -> State:
    """The folder that the CLI works on."""
    from deploy.local.state import default_state_folder

    return State(Path(default_state_folder()))
