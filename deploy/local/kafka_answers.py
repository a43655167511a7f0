"""Wait for what a cluster was asked to do, and say plainly what it refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from deploy.local.problem import Problem

ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.05


def answers(futures: Iterable[Future[object]]) -> list[BaseException]:
    """Wait for all; returns the errors."""
    errors = []
    for each in futures:
        error = each.exception(timeout=ANSWER_SECONDS)
        if error is not None:
            errors.append(error)
    return errors


def wait_for(reason: Callable[[], str]) -> None:
    """Poll until ``reason`` is empty; Problem with the last one when it never is."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while why := reason():
        if time.monotonic() >= deadline:
            raise Problem(
                f"Kafka: {why} after {ANSWER_SECONDS:.0f} s",
                remedy="see that all brokers run (their logs are in the state folder)",
            )
        time.sleep(POLL_SECONDS)


def refuse(what: str, errors: Sequence[BaseException]) -> None:
    if errors:
        raise Problem(
            f"Kafka: could not make {what}: {errors[0]}",
            remedy="the user in GEMBA_KAFKA must be an administrator of the cluster",
        )
