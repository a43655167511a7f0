"""``./gemba bench``: how fast it is, beside what else one could use, in the same run."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli._options import AsJson, examples

_EXAMPLES = examples("bench --list", "bench relay", "bench million --size 100000", "bench --json")


def register(app: typer.Typer) -> None:
    app.command(epilog=_EXAMPLES)(bench)


def bench(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of --list; all without it.")] = None,
    size: Annotated[int | None, typer.Option(help="How much, in the benchmark's own unit (--list).")] = None,
    as_json: AsJson = False,
    compare: Annotated[bool, typer.Option("--compare", help="Exit with 1 when a target is missed.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Which benchmarks there are.")] = False,
) -> None:
    """Measure against a reference in the same run: ours, theirs, the ratio, the target (docs/reference/speed.md)."""
    import os
    import subprocess
    import sys

    from deploy.local.state import ROOT

    options = [
        *([name] if name else []),
        *(["--size", str(size)] if size is not None else []),
        *(["--json"] if as_json else []),
        *(["--compare"] if compare else []),
        *(["--list"] if show else []),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.benchmarks", *options]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
