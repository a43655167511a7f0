"""Run one of our modules to its end, with its output in a log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import process
from deploy.local.problem import Problem
from deploy.local.state import ROOT

_LONGEST_SECONDS = 600.0


def run_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, otherwise: str
) -> None:
    """Raises Problem with the end of the log when the module fails; `otherwise` says what that means and what helps."""
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=ROOT,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise Problem(
            f"`python -m {module} {' '.join(arguments)}` failed (exit code {done.returncode}). "
            f"The end of its log:\n{process.tail(log)}",
            remedy=f"{otherwise} (the whole log is {log})",
        )
