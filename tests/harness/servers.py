"""PostgreSQL and Apache Kafka for the tests: started once per run, shared by its workers.

The first process that asks starts a *holder*, which starts the servers and writes their
addresses; everyone who uses them holds a shared lock on one file. The holder waits for the
exclusive lock, which it gets when the last user has ended in whatever way, and then stops the
servers. So nothing outlives the run, even when pytest is killed, and no worker is special.

    with running_servers() as servers:
        servers.postgres_admin_dsn, servers.kafka_bootstrap, …

``GEMBA_TEST_SERVERS=docker`` takes them from containers instead, with the same interface.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local import process
from deploy.local.kafka import KafkaServer, Node
from deploy.local.postgres import TEST_SETTINGS, PostgresServer
from deploy.local.topology import KAFKA_ADMIN

_START_SECONDS = 180.0  # the first start on a machine downloads 46 MB of jars
_ADDRESSES = "servers.json"
_holders: list[subprocess.Popen[bytes]] = []  # it outlives us on purpose; dropping the handle would warn


@dataclass(frozen=True)
class Servers:
    """Where the servers are, and how their administrators log in."""

    postgres_admin_dsn: str
    kafka_bootstrap: str
    kafka_admin_user: str
    kafka_admin_password: str


def run_folder() -> Path:
    """One folder per test run: workers of pytest-xdist find their controller's."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid-{os.getpid()}"
    return Path(tempfile.gettempdir()) / f"gemba-test-{os.getuid()}-{run}"


@contextmanager
def running_servers(folder: Path | None = None) -> Iterator[Servers]:
    """The run's servers, started if nobody did yet; they stop when nobody uses them any more."""
    folder = folder or run_folder()
    with _hold_users_lock(folder):
        with (folder / "start.lock").open("w") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not (folder / _ADDRESSES).exists():
                _start_holder(folder)
            servers = Servers(**json.loads((folder / _ADDRESSES).read_text()))
        yield servers


@contextmanager
def _hold_users_lock(folder: Path) -> Iterator[None]:
    """While this is open the servers stay; it ends with the process, in whatever way that ends."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "users.lock"
        with path.open("w") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                held = False  # a holder is stopping its servers: the next ones will be ours
            else:
                held = path.exists() and path.stat().st_ino == os.fstat(users.fileno()).st_ino
            if held:
                yield
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the servers in {folder} do not stop")
        time.sleep(0.05)


def _start_holder(folder: Path) -> None:
    with (folder / "holder.log").open("ab") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.servers", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).resolve().parent.parent.parent,
        )

    _holders.append(holder)

    def not_there() -> str | None:
        return None if (folder / _ADDRESSES).exists() else "still starting"

    def ended() -> str | None:
        if holder.poll() is None:
            return None
        return f"ended with {holder.returncode}:\n{process.tail(folder / 'holder.log', 20)}"

    process.wait_until(not_there, what="the tests' servers", seconds=_START_SECONDS, still_alive=ended)


def hold(folder: Path) -> None:
    """The holder: start, say where, wait until nobody is left, stop, tidy up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest; it ends, then we do
    started = docker_servers if os.environ.get("GEMBA_TEST_SERVERS") == "docker" else local_servers
    with (folder / "users.lock").open("w") as users:
        with started(folder) as servers:
            addresses = folder / _ADDRESSES
            written = addresses.with_suffix(".new")
            written.touch(mode=0o600)
            written.write_text(json.dumps(asdict(servers)))
            written.rename(addresses)
            fcntl.flock(users, fcntl.LOCK_EX)
            addresses.unlink()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def local_servers(folder: Path) -> Iterator[Servers]:
    """From where the one-machine mode has them."""
    password = secrets.token_urlsafe(18)
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    ports: set[int] = set()
    while len(ports) < 3:
        ports.add(process.free_port(ports))
    postgres_port, kafka_port, controller_port = ports
    postgres = PostgresServer(data / "postgres", postgres_port, password, TEST_SETTINGS, folder / "postgres.log")
    kafka = KafkaServer(
        data / "kafka",
        Node(1, kafka_port, controller_port),
        password,
        log=folder / "kafka.log",
        heap_megabytes=192,  # tests make many topics and come all at once
    )
    try:
        postgres.start()
        kafka.start()
        yield Servers(postgres.admin_dsn, kafka.bootstrap, KAFKA_ADMIN, password)
    finally:
        kafka.stop()
        postgres.stop()


@contextmanager
def docker_servers(folder: Path) -> Iterator[Servers]:
    """From containers (``POSTGRES_IMAGE``, ``KAFKA_IMAGE`` name other images)."""
    from tests.harness.containers import container_servers

    del folder
    with container_servers() as servers:
        yield Servers(*servers)


if __name__ == "__main__":
    hold(Path(sys.argv[1]))
