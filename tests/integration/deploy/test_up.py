"""The installation as a whole, without its services: order, ports, a lost log, a second start."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deploy.local import installation, process
from deploy.local.databases import DatabaseUrls, wanted_databases
from deploy.local.installation import Installation, running_installation
from deploy.local.problem import Problem
from deploy.local.program import Program, http_problem
from deploy.local.size import Size
from deploy.local.state import ROOT, State
from deploy.local.supervisor import Supervisor


def silent(name: str, what: str) -> None:
    del name, what


async def until(condition: Callable[[], object], what: Callable[[], str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"{what()}: not within {seconds} s"
        await asyncio.sleep(0.05)


def test_killed_servers_come_back_and_a_wiped_log_asks_for_a_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(installation, "service_program", _stand_in)
    state = State(tmp_path / "var")

    async def story() -> None:
        async with running_installation(
            state,
            services=("visits",),
            profile="demo",
            report=lambda name, what: said.append((name, what)),
        ) as gemba:
            first_log = state.config()["cluster_id"]
            with psycopg.connect(gemba.databases["visits"].run) as connection:
                connection.execute("update log_state set cluster = %s", (first_log,))  # as the service does
            assert http_problem(f"{gemba.origin}/inbox/") is None
            with pytest.raises(Problem, match="runs already"):
                async with running_installation(state, report=silent):
                    pass

            pids = gemba.supervisor.pids()
            shutil.rmtree(state.folder / "kafka")
            for name in ("kafka", "postgres"):
                os.kill(pids[name], signal.SIGKILL)
            await until(
                lambda: sum("runs again" in what for _, what in said) == 2,
                lambda: f"both servers; said: {said}",
            )
            assert _log_state(gemba) == (state.config()["cluster_id"], 1), "a new log, so everything once more"
            assert state.config()["cluster_id"] != first_log
            await _second_one_on_its_servers(gemba, tmp_path / "second", monkeypatch)
        for port in gemba.ports.values():
            assert not process.port_is_open(port), "everything was stopped"

        async with running_installation(state, services=("visits",), report=silent) as again:
            assert _log_state(again)[1] == 1, "the same log: nothing to replay"

    asyncio.run(story())


def _log_state(gemba: Installation) -> tuple[str, int]:
    with psycopg.connect(gemba.databases["visits"].run) as connection:
        row = connection.execute("select cluster, epoch from log_state").fetchone()
    assert row is not None
    return row[0], row[1]


async def _second_one_on_its_servers(first: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another installation that is given the first one's servers starts none of its own."""
    with monkeypatch.context() as given:
        kafka = first.kafka
        given.setenv("GEMBA_POSTGRES", first.postgres_dsn)
        given.setenv("GEMBA_KAFKA", f"kafka://{kafka.user}:{kafka.password}@{kafka.bootstrap}")
        async with running_installation(State(folder), services=("visits",), report=silent) as second:
            assert set(second.supervisor.pids()) == {"inbox", "visits", "web"}
            assert kafka.bootstrap in second.service_environment("visits")["GEMBA_KAFKA_BOOTSTRAP"]


def _stand_in(gemba: Installation, service: str, number: int = 1) -> Program:
    server = "import http.server, sys; http.server.test(port=int(sys.argv[1]), bind='127.0.0.1')"
    port = gemba.ports[service]
    command = [sys.executable, "-c", server, str(port)]
    return Program(
        name=service,
        command=lambda: process.spawn_command(command),
        environment=gemba.service_environment(service, number),
        not_ready=lambda: None if process.port_is_open(port) else "does not listen",
    )


def test_service_is_told_nothing_that_it_does_not_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_POSTGRES", "postgresql://admin:secret@db/postgres")
    state = State(tmp_path / "var")
    with state.locked():
        databases = wanted_databases(state.secret)
        urls = {
            name: DatabaseUrls(
                migrate=f"postgresql://{wanted.migration_role}:{wanted.migration_password}@h/d",
                run=f"postgresql://{wanted.runtime_role}:{wanted.runtime_password}@h/d",
            )
            for name, wanted in databases.items()
        }
        ports = state.ports(Size().port_names())
        gemba = Installation(state, "local", "real", Supervisor(state, silent), ports, ("visits",), databases=urls)
        told = " ".join(gemba.service_environment("visits").values())
    assert databases["visits"].runtime_password in told
    assert databases["visits"].migration_password not in told
    assert databases["scheduler"].runtime_password not in told
    assert state.secret("kafka-admin") not in told
    assert "admin:secret" not in told


def test_port_in_use_is_said_with_its_name(tmp_path: Path) -> None:
    state = State(tmp_path / "var")
    with state.locked():
        ports = state.ports(Size().port_names())
    with socket.create_server(("127.0.0.1", ports["scheduler"])):
        with pytest.raises(Problem, match=rf"port {ports['scheduler']} \(for scheduler\)"):
            asyncio.run(_up(state))


async def _up(state: State) -> None:
    async with running_installation(state, services=(), report=silent):
        pass


def test_command_line_says_a_problem_in_two_lines_without_a_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "version").write_text("999\n")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", "up"],
        cwd=ROOT,
        env={**os.environ, "GEMBA_STATE": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "made by a newer Gemba" in done.stderr
    assert "→ start the newer release" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_quick() -> None:
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "deploy.local", "--help"], cwd=ROOT, capture_output=True, check=True)
    assert time.monotonic() - started < 2.0, "0.1 s when idle: something heavy is imported"
