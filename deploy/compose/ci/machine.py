"""A container engine on this machine: the one that answers already, or one of our own for the time being.

Ours has its data, its sockets and its pid file in one folder. At the end the engine is stopped, what it mounted is
unmounted, its bridges and its packet filter rules are taken away, and the folder is removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.compose.ci.compose_plugin import compose_plugin
from deploy.compose.engine import Engine
from deploy.local.problem import Problem

_PACKAGES = ("docker.io", "debootstrap", "iptables", "iproute2", "fuse-overlayfs")
_STORAGE = ("overlay2", "fuse-overlayfs", "vfs")
_START_SECONDS = 25.0
_STOP_SECONDS = 30.0

Say = Callable[[str], None]


class NoContainers(Problem):
    """A machine that cannot run containers at all."""


@contextmanager
def container_engine(say: Say) -> Iterator[Engine]:
    """An engine with `docker compose`. Raises ``NoContainers`` where there is none and none can be started."""
    environment = {**os.environ, "COMPOSE_PROGRESS": "plain", "COMPOSE_ANSI": "never", "DOCKER_CLI_HINTS": "false"}
    for theirs in ("COMPOSE_FILE", "DOCKER_CONTEXT"):
        environment.pop(theirs, None)
    answering = Engine(environment)
    if shutil.which("docker") and answering.succeeds("info"):
        say("an engine answers already, it is used")
        with _with_compose(environment, say) as engine:
            yield engine
        return
    _install(say)
    with tempfile.TemporaryDirectory(prefix="gemba-ci-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        rules, links = _packet_filter(), _links()
        daemon = _start_any(folder, say)
        try:
            environment |= {"DOCKER_HOST": f"unix://{folder / 'docker.sock'}"}
            environment |= {"DOCKER_BUILDKIT": "0"}  # the system's package has no buildx
            with _with_compose(environment, say) as engine:
                yield engine
        finally:
            _stop(daemon, folder)
            _restore_network(rules, links)
            shutil.rmtree(folder, ignore_errors=True)
            say("the engine is stopped and its folder removed")


def _install(say: Say) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoContainers("no container engine answers, and this is not root on a Debian that could install one")
    if all(shutil.which(program) for program in ("dockerd", "debootstrap", "iptables", "ip")):
        return
    say(f"installing {', '.join(_PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *_PACKAGES]):
        done = subprocess.run(
            ["apt-get", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if done.returncode != 0 and arguments[0] == "install":
            raise NoContainers(f"Docker could not be installed: {done.stderr.strip()[-800:]}")


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
            _stop(daemon, folder)
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


def _stop(daemon: subprocess.Popen[bytes], folder: Path) -> None:
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    containerd = folder / "exec" / "containerd" / "containerd.pid"
    with suppress(OSError, ValueError):  # it ended with the daemon, as it should
        os.kill(int(containerd.read_text(encoding="ascii")), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for mounted in sorted((path for path in mounts if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)


def _packet_filter() -> bytes:
    if not shutil.which("iptables-save"):
        return b""
    return subprocess.run(["iptables-save"], capture_output=True, check=False).stdout


def _links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").glob("*")}


def _restore_network(rules: bytes, links: set[str]) -> None:
    for name in _links() - links:
        if name == "docker0" or name.startswith(("br-", "veth")):
            subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)
    if shutil.which("iptables-restore"):
        # Nothing was there: empty tables are what was there.
        empty = b"*nat\nCOMMIT\n*filter\nCOMMIT\n"
        subprocess.run(["iptables-restore"], input=rules or empty, check=False, capture_output=True)


@contextmanager
def _with_compose(environment: dict[str, str], say: Say) -> Iterator[Engine]:
    engine = Engine(environment)
    if engine.succeeds("compose", "version"):
        yield engine
        return
    plugin = compose_plugin(say)
    with tempfile.TemporaryDirectory(prefix="gemba-docker-config-") as config:
        plugins = Path(config) / "cli-plugins"
        plugins.mkdir()
        (plugins / "docker-compose").symlink_to(plugin)
        yield Engine({**environment, "DOCKER_CONFIG": config})
