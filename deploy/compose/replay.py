"""``python -m deploy.compose.replay``: where the log is not the one that a service knows, ask it to publish everything again.

A service that meets a log it does not know refuses to publish and to consume. In a stack of one host the log behind
the address is the one there is: when its id is another, it was lost, moved or deliberately formatted anew, and all of
it comes from the outboxes again, under the same event ids.
"""

from __future__ import annotations

import asyncio
import os

from deploy.compose.job import run_job, secret
from deploy.local.kafka_login import cluster_id
from deploy.local.topology import KAFKA_ADMIN, SERVICES, database_name, runtime_role
from shared.replay import replay_to


def ask() -> str:
    """Ask those who know another log; says how much there is to publish. Raises Problem."""
    found = cluster_id(os.environ["GEMBA_KAFKA_BOOTSTRAP"], KAFKA_ADMIN, secret(f"kafka-{KAFKA_ADMIN}"))
    pending = asyncio.run(_ask_all(found))
    if not pending:
        return f"every service knows the log {found}"
    listed = ", ".join(f"{service} {count}" for service, count in pending.items())
    return f"the log {found} is a new one; records to publish again: {listed}"


async def _ask_all(cluster: str) -> dict[str, int]:
    address = os.environ["GEMBA_POSTGRES_ADDRESS"]
    asked = {}
    for service in SERVICES:
        role = runtime_role(service)
        url = f"postgresql://{role}:{secret(f'postgres-{role}')}@{address}/{database_name(service)}"
        count = await replay_to(cluster, url)
        if count is not None:
            asked[service] = count
    return asked


if __name__ == "__main__":
    run_job(ask)
