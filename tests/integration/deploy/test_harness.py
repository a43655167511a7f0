"""The tests' own servers: started once, shared, gone when the last user is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from deploy.local import process
from deploy.local.kafka_login import login_problem
from tests.harness.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
USER = """
import pathlib, sys
from tests.harness.servers import running_servers
with running_servers(pathlib.Path(sys.argv[1])) as servers:
    print(servers.postgres_admin_dsn, flush=True)
    sys.stdin.read()
"""


def _user(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_fixture_servers_answer(test_servers: Servers) -> None:
    with psycopg.connect(test_servers.postgres_admin_dsn) as connection:
        row = connection.execute("select current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
    assert row == ("on", "on")
    problem = login_problem(
        test_servers.kafka_bootstrap,
        test_servers.kafka_admin_user,
        test_servers.kafka_admin_password,
    )
    assert problem is None


def test_users_share_servers_and_the_last_killed_one_takes_them_along(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first, second = _user(folder), _user(folder)
    assert first.stdout
    assert second.stdout
    assert first.stdin
    addresses = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert len(addresses) == 1
    port = int(addresses.pop().rsplit(":", 1)[1].split("/")[0])

    first.stdin.close()
    first.wait()
    assert process.port_is_open(port), "the first to come is not the one that must stay"

    os.kill(second.pid, signal.SIGKILL)
    second.wait()
    process.wait_until(
        lambda: "still open" if process.port_is_open(port) else None,
        what="PostgreSQL after its last user's death",
        seconds=20,
    )
    process.wait_until(
        lambda: "still there" if folder.exists() else None,
        what="the run's folder",
        seconds=20,
    )
    for pipe in (second.stdin, first.stdout, second.stdout):
        if pipe:
            pipe.close()
