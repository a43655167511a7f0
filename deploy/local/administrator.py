"""The first administrator of an installation: made at its first start, with a token for the command line.

The token is shown to nobody and stands in no log: it goes from the module that makes it into a file that its owner
alone may read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from deploy.local.problem import Problem
from deploy.local.state import ROOT, State, write_private

TOKEN_FILE = "admin-token"  # noqa: S105 (its name, not the token)
_LONGEST_SECONDS = 60.0


def ensure_administrator(state: State, environment: Mapping[str, str]) -> None:
    """Make the first administrator and write the token, once per state folder; raises Problem."""
    path = state.folder / TOKEN_FILE
    if path.exists():
        return
    email = os.environ.get("GEMBA_ADMINISTRATOR", "administrator@localhost.example")
    done = subprocess.run(
        [sys.executable, "-m", "services.directory.first_administrator", email],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(environment),
        cwd=ROOT,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    token = done.stdout.strip()
    if done.returncode != 0 or not token:
        raise Problem(
            f"the first administrator could not be made: {done.stderr.strip()[-500:]}",
            remedy="set GEMBA_ADMINISTRATOR to the address of an administrator who exists, or look at directory's log",
        )
    write_private(path, token.encode() + b"\n")
