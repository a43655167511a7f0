"""A container engine on this machine: the one that answers already, or one of our own for the time being.

Ours has its data, its sockets and its pid file in one folder. At the end the engine is stopped with all that it
started, what it mounted is unmounted, what it did to the network is taken back, and the folder is removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.compose.ci.compose_plugin import being_built
from deploy.compose.ci.leftovers import control_groups, end_all_of, remove_empty_groups, unmount_all_below
from deploy.compose.ci.network import Network
from deploy.compose.engine import Engine
from deploy.local.problem import Problem

_IMAGE_PACKAGES = {"debootstrap": ("debootstrap",)}
_ENGINE_PACKAGES = {
    "dockerd": ("docker.io", "iptables", "iproute2", "fuse-overlayfs"),
    "docker": ("docker-cli",),  # where docker.io brings the daemon alone
    "iptables": ("iptables",),
    "ip": ("iproute2",),
}
"""What to install for a program that is not there, in this order."""
_NO_DAEMONS = Path("/usr/sbin/policy-rc.d")
_KEY = Path("/etc/docker/key.json")  # dockerd makes it wherever its data are
_STORAGE = ("overlay2", "fuse-overlayfs", "vfs")
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

Say = Callable[[str], None]


class NoContainers(Problem):
    """A machine that cannot run containers at all."""


@dataclass(frozen=True)
class Machine:
    """``provide_compose`` returns when ``engine`` has `docker compose`, and raises Problem when it cannot.

    With an engine of our ``own`` everything in it goes away when it does.
    """

    engine: Engine
    own: bool
    provide_compose: Callable[[], None]


@contextmanager
def container_engine(say: Say) -> Iterator[Machine]:
    """An engine with `docker compose`. Raises ``NoContainers`` where there is none and none can be started."""
    environment = {**os.environ, "COMPOSE_PROGRESS": "plain", "COMPOSE_ANSI": "never", "DOCKER_CLI_HINTS": "false"}
    for theirs in ("COMPOSE_FILE", "DOCKER_CONTEXT"):
        environment.pop(theirs, None)
    answering = Engine(environment)
    if shutil.which("docker") and answering.succeeds("info"):
        say("an engine answers already, it is used")
        check_that_containers_run(answering)
        _install(_IMAGE_PACKAGES, say)
        with _with_compose(environment, own=False) as machine:
            yield machine
        return
    if os.geteuid() != 0:
        raise NoContainers("no container engine answers, and only root can start one")
    _install({**_ENGINE_PACKAGES, **_IMAGE_PACKAGES}, say)
    for theirs in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        environment.pop(theirs, None)
    with tempfile.TemporaryDirectory(prefix="gemba-ci-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        network, groups, key_was_there = Network.now(), control_groups(), _KEY.exists()
        try:
            daemon = _start_any(folder, say)
            environment |= {"DOCKER_HOST": f"unix://{folder / 'docker.sock'}"}
            environment |= {"DOCKER_BUILDKIT": "0"}  # the system's package has no buildx
            check_that_containers_run(Engine(environment))
            with _with_compose(environment, own=True) as machine:
                yield machine
            say(f"stopping the engine, process {daemon.pid}")
        finally:
            _stop(folder)
            network.take_back()
            remove_empty_groups(control_groups() - groups)
            if not key_was_there:
                _KEY.unlink(missing_ok=True)
            say("the engine is stopped, its folder is being removed")
            subprocess.run(["rm", "-rf", str(folder)], check=False)  # some hundred thousand files


def check_that_containers_run(engine: Engine) -> None:
    """An engine that answers may still be unable to start anything. Raises ``NoContainers`` with its reason."""
    image = f"gemba-probe:{os.getpid()}"
    program = os.path.realpath(shutil.which("true") or "/bin/true")
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    needed = [word for word in told.split() if word.startswith("/")]
    try:
        with subprocess.Popen(
            ["tar", "-c", "-h", "-P", program, *needed], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as tar:
            engine.run("import", "-", image, stdin=tar.stdout)
        engine.run("run", "--rm", "--memory", "64m", image, program)
    except Problem as refused:
        raise NoContainers(f"an engine answers here, and starts no container: {refused}") from refused
    finally:
        engine.succeeds("image", "rm", "--force", image)


def _install(packages: Mapping[str, tuple[str, ...]], say: Say) -> None:
    """Those whose program is not there. Raises ``NoContainers``."""
    missing = [program for program in packages if not shutil.which(program)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoContainers(f"there is no {missing[0]}, and this is not root on a Debian that could install it")
    complaint = ""
    with _no_daemon_started_by_packages():
        _apt("update", "-q")
        for program in missing:
            if not shutil.which(program):
                say(f"installing {', '.join(packages[program])}")
                complaint = _apt("install", "-q", "-y", "--no-install-recommends", *packages[program]) or complaint
    for program in missing:
        if not shutil.which(program):
            raise NoContainers(f"{program} could not be installed: {complaint}")


def _apt(*arguments: str) -> str:
    """What it complained about; whether it worked is seen by what is there."""
    done = subprocess.run(
        ["apt-get", "-o", "Acquire::Retries=3", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr.strip()[-800:]


@contextmanager
def _no_daemon_started_by_packages() -> Iterator[None]:
    """Installing must not start the system's engine, which nobody would stop."""
    if _NO_DAEMONS.exists():
        yield
        return
    _NO_DAEMONS.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _NO_DAEMONS.chmod(0o755)
    try:
        yield
    finally:
        _NO_DAEMONS.unlink(missing_ok=True)


def _start_any(folder: Path, say: Say) -> subprocess.Popen[bytes]:
    """The first way that works, of storage drivers and of packet filters."""
    reasons = []
    for storage in _STORAGE:
        for filters in ("", "legacy"):
            shutil.rmtree(folder / "data", ignore_errors=True)
            daemon = _start(folder, storage, filters)
            if _answers(daemon, folder):
                say(f"dockerd runs with {storage}{' and iptables-legacy' if filters else ''}")
                return daemon
            reasons.append(f"{storage} {filters}: {_last_complaint(folder)}")
            _stop(folder)
    raise NoContainers("dockerd does not start here: " + "; ".join(reasons))


def _start(folder: Path, storage: str, filters: str) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    if filters:
        other = folder / "legacy"
        other.mkdir(exist_ok=True)
        for name in ("iptables", "ip6tables"):
            found = shutil.which(f"{name}-legacy")
            link = other / name
            if found and not link.is_symlink():
                link.symlink_to(found)
        environment["PATH"] = f"{other}:{environment.get('PATH', '')}"
    with (folder / "dockerd.log").open("ab") as log:
        return subprocess.Popen(
            [
                "dockerd",
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "pid"), "--host", f"unix://{folder / 'docker.sock'}"),
                *("--storage-driver", storage),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _answers(daemon: subprocess.Popen[bytes], folder: Path) -> bool:
    engine = Engine({**os.environ, "DOCKER_HOST": f"unix://{folder / 'docker.sock'}"})
    deadline = time.monotonic() + _START_SECONDS
    while daemon.poll() is None and time.monotonic() < deadline:
        if (folder / "docker.sock").exists() and engine.succeeds("info"):
            return True
        time.sleep(0.2)
    return False


def _last_complaint(folder: Path) -> str:
    lines = (folder / "dockerd.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "it said nothing"


def _stop(folder: Path) -> None:
    """The daemon is asked; what it leaves running after that (containers, their shims, its containerd) is killed."""
    with suppress(OSError, ValueError):  # it does not run any more
        os.kill(int((folder / "pid").read_text(encoding="ascii")), signal.SIGTERM)
    end_all_of(folder, patience_seconds=_STOP_SECONDS)
    unmount_all_below(folder)


@contextmanager
def _with_compose(environment: dict[str, str], *, own: bool) -> Iterator[Machine]:
    engine = Engine(environment)
    if engine.succeeds("compose", "version"):
        yield Machine(engine, own, lambda: None)
        return
    with tempfile.TemporaryDirectory(prefix="gemba-docker-config-") as config, being_built() as building:
        plugins = Path(config) / "cli-plugins"
        plugins.mkdir()
        with_compose = Engine({**environment, "DOCKER_CONFIG": config})

        def provide() -> None:
            (plugins / "docker-compose").symlink_to(building.program())
            with_compose.run("compose", "version")

        yield Machine(with_compose, own, provide)
