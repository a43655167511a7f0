"""``python -m deploy.compose.replay``: where the log is not the one that a service knows, ask it to publish everything again.

A service that meets a log it does not know refuses to publish and to consume. In a stack of one host the log behind
the address is the one there is: when its id is another, it was lost, moved or deliberately formatted anew, and all of
it comes from the outboxes again, under the same event ids.
"""

from __future__ import annotations

import asyncio
import os
from uuid import UUID

from deploy.compose.job import run_job, secret, secrets_folder
from deploy.local.kafka_login import cluster_id
from deploy.local.topology import KAFKA_ADMIN, SERVICES, database_name, runtime_role
from shared.replay import replay_to
from shared.restored import begin_lives


def ask() -> str:
    """Ask those who know another log; says how much there is to publish. Raises Problem."""
    found = cluster_id(os.environ["GEMBA_KAFKA_BOOTSTRAP"], KAFKA_ADMIN, secret(f"kafka-{KAFKA_ADMIN}"))
    begun = _begin_lives(found)
    pending = asyncio.run(_ask_all(found))
    held = "restored databases begin a new life, on hold; " if begun else ""
    if not pending:
        return f"{held}every service knows the log {found}"
    listed = ", ".join(f"{service} {count}" for service, count in pending.items())
    return f"{held}the log {found} is a new one; records to publish again: {listed}"


def _begin_lives(cluster: str) -> int:
    """After a restore, before anything publishes: how many databases began a new life now, on this log."""
    mark = (secrets_folder() / "restore").read_text(encoding="ascii").strip()
    return asyncio.run(begin_lives(UUID(mark), cluster, [_url(service) for service in SERVICES])) if mark else 0


def _url(service: str) -> str:
    role = runtime_role(service)
    password = secret(f"postgres-{role}")
    return f"postgresql://{role}:{password}@{os.environ['GEMBA_POSTGRES_ADDRESS']}/{database_name(service)}"


async def _ask_all(cluster: str) -> dict[str, int]:
    asked = {}
    for service in SERVICES:
        count = await replay_to(cluster, _url(service))
        if count is not None:
            asked[service] = count
    return asked


if __name__ == "__main__":
    run_job(ask)
