"""``python -m deploy.compose.story``: play the demonstration's story on a stack of containers that runs already.

It runs inside the web origin's network. The administrator's token comes on standard input, so that it stands neither
in the environment nor on a command line. Exit code 0 only if every step was observed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.compose.job import run_job, secret, secrets_folder
from deploy.local.addresses import KafkaAddress
from deploy.local.demo.play import play
from deploy.local.foreground import Timeline
from deploy.local.topology import OBSERVER, SERVICES
from shared.clock import SteeredClock

_PORT = 8000


@dataclass(frozen=True)
class ComposedStage:
    """The stack as the story sees it: each replica by the addresses that the network's names have at the moment."""

    origin: str
    kafka: KafkaAddress
    trust: ssl.SSLContext
    work_folder: Path = Path("/tmp")  # noqa: S108 (a folder in memory of a container of its own)
    where_logs_are: str = "docker compose logs"

    @property
    def inbox_url(self) -> str:
        return f"{self.origin}/inbox/"

    def kafka_password(self, principal: str) -> str:
        return secret(f"kafka-{principal}")

    def status_urls(self) -> Mapping[str, str]:
        return {
            f"{service} at {address}": f"http://{address}:{_PORT}/status"
            for service in SERVICES
            for address in sorted(set(socket.gethostbyname_ex(service)[2]))
        }

    def memory(self) -> Mapping[str, int]:
        return {}


def tell() -> str:
    """Play it; raises Problem naming the step that was not observed."""
    token = sys.stdin.readline().strip()
    stage = ComposedStage(
        origin=os.environ["GEMBA_ORIGIN"],
        kafka=KafkaAddress(os.environ["GEMBA_KAFKA_BOOTSTRAP"], OBSERVER, secret(f"kafka-{OBSERVER}")),
        trust=ssl.create_default_context(cafile=str(secrets_folder() / "origin.pem")),
    )
    asyncio.run(play(stage, SteeredClock(Path(os.environ["GEMBA_CLOCK_FILE"])), token, Timeline()))
    return "the story was told, and every step of it observed"


if __name__ == "__main__":
    run_job(tell)
