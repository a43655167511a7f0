"""One-shot jobs of a stack: where their secrets are, how they wait, and how they say what is wrong in one line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.problem import Problem
from shared.secret_files import UnusableSecret, read_password

_RETRY_SECONDS = 0.5


def secrets_folder() -> Path:
    """Where the engine puts the secrets of a container (``GEMBA_SECRETS_DIR`` for one that puts them elsewhere)."""
    return Path(os.environ.get("GEMBA_SECRETS_DIR", "/run/secrets"))


def secret(name: str) -> str:
    """The password in the secret of this name; raises ``UnusableSecret``."""
    return read_password(f"the secret {name}", secrets_folder() / name)


def until_there(what: str, problem: Callable[[], str | None], *, hopeless: Callable[[str], bool]) -> None:
    """Wait while ``problem`` says that something does not answer yet, and say so once.

    Raises Problem where waiting is ``hopeless``: a wrong password does not become right.
    """
    said = ""
    while (reason := problem()) is not None:
        if hopeless(reason):
            raise Problem(f"{what}: {reason}")
        if reason != said:
            said = reason
            sys.stderr.write(f"gemba: waiting for {what}: {reason}\n")
        time.sleep(_RETRY_SECONDS)


def run_job(work: Callable[[], str]) -> None:
    """Do it and print what was done; what is wrong goes to standard error, with exit code 1."""
    try:
        done = work()
    except Problem as problem:
        remedy = f" ({problem.remedy})" if problem.remedy else ""
        sys.exit(f"gemba: {' '.join(str(problem).split())}{remedy}")
    except UnusableSecret as unusable:
        sys.exit(f"gemba: {unusable}")
    sys.stdout.write(f"gemba: {done}\n")
