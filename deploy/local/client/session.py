"""What every client command begins with: the installation, as whom, and where the result goes."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.local.client.failure import ClientFailure, document_of
from deploy.local.client.http import Client
from deploy.local.client.output import Output
from deploy.local.client.place import find_place
from deploy.local.problem import Problem


@dataclass(frozen=True, slots=True)
class Session:
    """One command's client and output."""

    client: Client
    out: Output


@contextmanager
def session(*, as_json: bool, patience_seconds: float = math.inf, whose: str = "") -> Iterator[Session]:
    """With --json a failure is the one document too, so that a script never parses a sentence.

    `whose` says whose token is needed, for the case that this one's person may not.
    """
    out = Output(as_json=as_json)
    try:
        with Client(find_place(), patience_seconds=patience_seconds, on_wait=_say_waiting) as client:
            yield Session(client, out)
    except Problem as problem:
        if whose and isinstance(problem, ClientFailure) and problem.status == 403:
            problem.remedy = f"{whose}; {problem.remedy}"
        if as_json:
            out.document(document_of(problem))
        raise


def _say_waiting(why: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"gemba: {why}; trying again\n")
