"""Replace a password: written to its file, the server told, the containers that use it replaced one after another.

Servers do not end sessions whose password changed, and a service that needs one more connection to PostgreSQL reads the
file again; so the old replicas go on until the new ones, which know nothing else, have taken over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from deploy.compose import layout
from deploy.compose.init import replace_secret
from deploy.compose.roll import roll_service
from deploy.compose.stack import Stack
from deploy.local.problem import Problem
from deploy.local.topology import OBSERVER, OUTSIDE, SERVICES, migration_role, runtime_role

ROTATED = (
    *(f"kafka-{principal}" for principal in (*SERVICES, OBSERVER, OUTSIDE)),
    *(f"postgres-{role(service)}" for service in SERVICES for role in (migration_role, runtime_role)),
)


def rotate(stack: Stack, name: str, say: Callable[[str], None]) -> None:
    """Raises Problem for a secret that cannot be replaced while its server runs."""
    if name not in ROTATED:
        raise Problem(
            f"{name} is not a secret that is rotated this way",
            remedy=f"one of {', '.join(ROTATED)}; others: docs/how-to/compose.md",
        )
    if not (layout.secrets_folder() / name).exists():
        raise Problem(f"there is no secret {name}", remedy="./gemba compose init makes what is missing")
    replace_secret(name, secrets.token_urlsafe(24))
    stack.run_job("topics" if name.startswith("kafka-") else "databases")
    say(f"{name} is a new one, and the server knows it")
    for service in SERVICES:
        if name in {f"kafka-{service}", f"postgres-{runtime_role(service)}"}:
            roll_service(stack, service, say)
