"""The brokers of one installation: one on one machine, three where losing one must stop nothing."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.addresses import KafkaAddress
from deploy.local.kafka import KafkaServer, Node, new_cluster_id
from deploy.local.program import Program
from deploy.local.topology import KAFKA_ADMIN

if TYPE_CHECKING:
    from deploy.local.installation import Installation


async def start_brokers(gemba: Installation, provision: Callable[[], None], replay: Callable[[], None]) -> KafkaAddress:
    """Start all of them, then make topics, users and ACLs; after each later start of one, again.

    ``replay`` is for a later start alone: it may be that of a new and empty log.
    """
    names = gemba.size.broker_names()
    nodes = [
        Node(number, gemba.ports[name], gemba.ports[f"{name}-controller"], gemba.size.detours.get(name))
        for number, name in enumerate(names, start=1)
    ]
    password = gemba.state.secret(f"kafka-{KAFKA_ADMIN}")
    folder = gemba.state.folder / "kafka"
    servers = [
        KafkaServer(folder_of(folder, name, len(names)), node, password, nodes)
        for name, node in zip(names, nodes, strict=True)
    ]
    gemba.kafka = KafkaAddress(servers[0].bootstrap, KAFKA_ADMIN, password)
    all_started, one_at_a_time = threading.Event(), threading.Lock()

    def provision_again() -> None:
        if all_started.is_set():
            with one_at_a_time:
                provision()
                replay()

    await asyncio.gather(
        *(
            gemba.supervisor.start(_program(name, server, folder, provision_again))
            for name, server in zip(names, servers, strict=True)
        )
    )
    await asyncio.to_thread(provision)
    all_started.set()
    return gemba.kafka


def folder_of(folder: Path, name: str, count: int) -> Path:
    """Where a broker's data lies: one has the folder to itself."""
    return folder if count == 1 else folder / name


def _program(name: str, server: KafkaServer, folder: Path, after_ready: Callable[[], None]) -> Program:
    def prepare() -> None:
        if len(server.nodes) > 1:
            server.cluster_id = common_cluster_id(folder)
        server.prepare()

    return Program(
        name=name,
        command=server.command,
        environment=server.environment(),
        prepare=prepare,
        not_ready=server.not_ready,
        after_ready=after_ready,
        start_seconds=KafkaServer.START_SECONDS,
        stop_signal=KafkaServer.STOP_SIGNAL,
        stop_seconds=KafkaServer.STOP_SECONDS,
    )


def common_cluster_id(folder: Path) -> str:
    """The id that brokers of one cluster are formatted with; whoever comes first makes it, and it goes with the log."""
    folder.mkdir(parents=True, exist_ok=True)
    path, made = folder / "cluster-id", folder / f"cluster-id.{os.getpid()}.{threading.get_ident()}"
    if not path.exists():
        made.write_text(new_cluster_id(), encoding="ascii")
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another broker was faster
        finally:
            made.unlink()
    return path.read_text(encoding="ascii").strip()
