"""What a service is given instead of aiokafka and FastStream: a principal's access, and a broker for consuming."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from shared.kafka.access import KafkaAccess, cluster_of
from tests.simulation.connection import Client
from tests.simulation.consumer import Consumer
from tests.simulation.log import Network
from tests.simulation.loop import lapse
from tests.simulation.producer import Producer


class Access(KafkaAccess):
    """A principal's way to the simulated broker; `start` is the kit's own."""

    def __init__(self, network: Network) -> None:
        super().__init__("simulated", "simulated", "")
        object.__setattr__(self, "network", network)

    def producer(self, *, transactional_id: str | None = None) -> Any:
        return Producer(self.network, transactional_id)  # type: ignore[attr-defined]

    def reader(self, *topics: str) -> Any:
        return Consumer(self.network, topics)  # type: ignore[attr-defined]

    async def cluster_id(self) -> str:
        client = Client(self.network)  # type: ignore[attr-defined]
        async with asyncio.timeout(15):
            await client.wait_for_broker()
        return await cluster_of(client)  # type: ignore[arg-type]


class Subscriber:
    """What FastStream makes of a batch subscriber, as the kit sets it: poll, hand over, and swallow what it raises."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.get_msg: Any = None
        self.in_hand = False
        self._handle: Any = None

    def __call__(self, handle: Any) -> None:
        self._handle = handle

    async def run(self) -> None:
        while True:
            polled = await self.get_msg(self.consumer)
            if polled:
                self.in_hand = True
                try:
                    await self._handle(list(polled), SimpleNamespace(consumer=self.consumer))
                except Exception:
                    asyncio.get_running_loop().call_exception_handler(
                        {"message": "a poll raised: FastStream swallows it"}
                    )
                finally:
                    self.in_hand = False


class Broker:
    """FastStream's broker, for consuming."""

    def __init__(self, access: Access, grace: float = 5.0) -> None:
        self._network: Network = access.network  # type: ignore[attr-defined]
        self._grace = grace
        self._subscribers: list[Subscriber] = []
        self._tasks: list[asyncio.Task[None]] = []

    def subscriber(self, *topics: str, group_id: str, listener: Any, **settings: Any) -> Subscriber:
        made = Subscriber(Consumer(self._network, topics, group_id, listener))
        self._subscribers.append(made)
        return made

    async def start(self) -> None:
        for subscriber in self._subscribers:
            await subscriber.consumer.start()
            self._tasks.append(asyncio.create_task(subscriber.run()))

    async def stop(self) -> None:
        """A poll in hand has its time; then everything ends, and the group is left."""
        until = asyncio.get_running_loop().time() + self._grace
        while any(one.in_hand for one in self._subscribers) and asyncio.get_running_loop().time() < until:
            await lapse(0.05)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for subscriber in self._subscribers:
            await subscriber.consumer.stop()
