"""A client's connection to whatever answers at the broker's address.

A client that loses its cluster connects to the next one at the same address, and goes on: aiokafka does.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaConnectionError

from tests.simulation.log import Cluster, Network
from tests.simulation.loop import current_process, lapse

_NODE = 1


class _Connection:
    """Leads to one broker for as long as it lives."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def connected(self) -> bool:
        return True


class Client:
    """As much of `AIOKafkaClient` as the kit looks at."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.process = current_process()
        self._conns: dict[Any, _Connection] = {}

    def reach(self) -> Cluster | None:
        """The cluster at the other end now; connections to another one are gone."""
        cluster = self.network.cluster_for(self.process)
        connection = self._conns.get((_NODE, ConnectionGroup.DEFAULT))
        if connection is not None and connection.cluster is not cluster:
            del self._conns[_NODE, ConnectionGroup.DEFAULT]
        if cluster is not None and not self._conns:
            self._conns[_NODE, ConnectionGroup.DEFAULT] = _Connection(cluster)
        return cluster

    def get_random_node(self) -> int | None:
        return _NODE if self.reach() is not None else None

    async def _get_conn(self, node: int) -> _Connection | None:
        self.reach()
        return self._conns.get((node, ConnectionGroup.DEFAULT))

    async def send(self, node: int, request: Any) -> Any:
        """Metadata, the only thing that is asked for directly."""
        await self.network.travel()
        cluster = self.reach()
        if cluster is None:
            raise KafkaConnectionError("no broker")
        await self.network.travel()
        return SimpleNamespace(cluster_id=cluster.id)

    async def wait_for_broker(self) -> Cluster:
        """Until there is one."""
        while (cluster := self.reach()) is None:
            await lapse(0.1)
        await self.network.travel()
        return cluster

    async def close(self) -> None:
        self._conns.clear()
