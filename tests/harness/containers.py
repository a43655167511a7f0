"""PostgreSQL and Apache Kafka from containers, with the logins, ACLs and settings of every other mode."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer

from deploy.compose.layout import COMPOSE_FILE
from deploy.local import process
from deploy.local.kafka import KafkaServer, Node, new_cluster_id
from deploy.local.kafka_login import login_problem
from deploy.local.postgres import TEST_SETTINGS
from deploy.local.topology import KAFKA_ADMIN

_START_SECONDS = 120.0


@contextmanager
def container_servers() -> Iterator[tuple[str, str, str, str]]:
    """Administrator's DSN, bootstrap address, Kafka administrator and password."""
    password = secrets.token_urlsafe(18)
    with _postgres(password) as dsn, _kafka(password) as bootstrap:
        yield dsn, bootstrap, KAFKA_ADMIN, password


def image(variable: str) -> str:
    """What ``variable`` (``POSTGRES_IMAGE``, ``KAFKA_IMAGE``) names, else the public image that the compose file pins."""
    named = os.environ.get(variable)
    if named:
        return named
    default = re.search(rf"\$\{{{variable}:-([^}}]+)\}}", COMPOSE_FILE.read_text(encoding="utf-8"))
    if default is None:
        raise LookupError(f"{COMPOSE_FILE.name} has no default for {variable}")
    return default[1]


@contextmanager
def _postgres(password: str) -> Iterator[str]:
    settings = [word for name, value in TEST_SETTINGS.items() for word in ("-c", f"{name}={value}")]
    container = PostgresContainer(
        image("POSTGRES_IMAGE"), username="postgres", password=password, dbname="postgres", driver=None
    ).with_command(["postgres", *settings])
    with container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
        yield f"postgresql://postgres:{password}@{host}:{port}/postgres"


@contextmanager
def _kafka(password: str) -> Iterator[str]:
    """The image's own start script knows no SCRAM bootstrap, so the container formats itself.

    The advertised port must be the published one, so a free port is chosen beforehand.
    """
    port = process.free_port()
    node = Node(1, port, process.free_port({port}))
    described = KafkaServer(Path("/tmp/kafka"), node, password)
    properties = described.properties()
    properties["listeners"] = f"CLIENT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{node.controller_port}"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "server.properties"
        file.write_text("\n".join(f"{name}={value}" for name, value in properties.items()) + "\n")
        Path(folder).chmod(0o755)
        script = (
            "/opt/kafka/bin/kafka-storage.sh format"
            f" -t {new_cluster_id()} -c /gemba/server.properties"
            f" --add-scram 'SCRAM-SHA-256=[name={KAFKA_ADMIN},password={password}]'"
            " && exec /opt/kafka/bin/kafka-server-start.sh /gemba/server.properties"
        )
        container = (
            DockerContainer(image("KAFKA_IMAGE"))
            .with_bind_ports(port, port)
            .with_volume_mapping(folder, "/gemba", "ro")
            .with_kwargs(entrypoint=["/bin/bash", "-c"])
            .with_command([script])
        )
        with container:
            bootstrap = f"127.0.0.1:{port}"
            process.wait_until(
                lambda: login_problem(bootstrap, KAFKA_ADMIN, password),
                what="Kafka in a container",
                seconds=_START_SECONDS,
            )
            yield bootstrap
