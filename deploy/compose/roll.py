"""Replace the containers of services by new ones, without a moment in which nobody answers.

For each service: its new replicas are started beside the old ones, and only when they are healthy are the old ones asked
to finish and go. New replicas that do not get well are taken away again, and the old ones have never stopped. Databases
are migrated before; each migration keeps the version before it working, so both versions may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploy.compose.stack import MIGRATIONS, Stack
from deploy.local.problem import Problem

_FINISH_SECONDS = "15"


def roll(stack: Stack, services: Sequence[str], say: Callable[[str], None]) -> None:
    """Provision, migrate, then service by service. Raises Problem; services that were not reached are as before."""
    say("databases, users, topics and migrations")
    stack.run_job("databases")
    stack.run_jobs(["topics", *MIGRATIONS])
    for service in services:
        roll_service(stack, service, say)


def roll_service(stack: Stack, service: str, say: Callable[[str], None]) -> None:
    old = stack.replicas(service)
    if not old:
        raise Problem(f"no replica of {service} runs", remedy="start the stack first: docker compose up -d")
    stack.start("--no-deps", "--no-recreate", "--scale", f"{service}={2 * len(old)}", service)
    new = [container for container in stack.replicas(service) if container not in old]
    say(f"{service}: {len(new)} new replicas beside {len(old)} old ones")
    try:
        if len(new) < len(old):
            raise Problem(f"only {len(new)} of {len(old)} new replicas of {service} came up")
        stack.await_health(new, lambda _: None)
    except Problem:
        if new:
            stack.engine.run("rm", "--force", *new)
        raise
    for container in old:
        stack.engine.run("stop", "--time", _FINISH_SECONDS, container)
        stack.engine.run("rm", container)
    say(f"{service}: the new ones answer, the old ones are gone")
