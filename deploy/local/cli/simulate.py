"""``./gemba simulate``: the kit's own code under a simulated database, log and network."""

from __future__ import annotations

import typer

_EXAMPLES = """Exit code: 0 when every promise held, 1 when one was broken.

Examples:

  ./gemba simulate

  ./gemba simulate --seeds 20000 --from 1000 --json

  ./gemba simulate --seeds 1 --from 42 --scene restored
"""


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(simulate)


def simulate(
    *,
    seeds: int = typer.Option(500, "--seeds", min=1, help="How many."),
    first: int = typer.Option(0, "--from", min=0, help="The first one; the same seed is the same trace."),
    scene: str = typer.Option("", "--scene", metavar="NAME", help="Only one kind of work and its faults (scenes.py)."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Live through many seeds of faults, heal, drain; say which promise broke, and how to see it again."""
    import subprocess
    import sys

    from deploy.local.state import ROOT

    asked = ["--seeds", str(seeds), "--from", str(first), *(["--scene", scene] if scene else [])]
    command = [sys.executable, "-m", "tests.simulation", *asked, *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
