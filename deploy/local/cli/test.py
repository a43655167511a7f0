"""``./gemba test``: the whole suite, on real servers."""

from __future__ import annotations

import typer

_EXAMPLES = """Examples:

  ./gemba test

  ./gemba test tests/unit -k holidays

  GEMBA_TEST_SERVERS=docker ./gemba test tests/integration
"""


def register(app: typer.Typer) -> None:
    app.command(
        epilog=_EXAMPLES,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(test)


def test(context: typer.Context) -> None:
    """Run all tests, or those that pytest's arguments name; say at the end what was left out."""
    import os
    import subprocess
    import sys

    from deploy.local.state import ROOT

    workers = ["-n", str(os.cpu_count() or 2), "--dist", "loadgroup", "--no-loadscope-reorder"]
    arguments = context.args or [*workers, "--durations", "25", "-q", "tests"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False)
    raise typer.Exit(done.returncode)
