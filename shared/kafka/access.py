"""How a service reaches the broker: SASL/SCRAM as its own principal, and the cluster it is talking to."""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from shared.errors import Transient
from shared.logging import get_logger
from shared.settings import ServiceSettings

_START_SECONDS = 15
END_SECONDS = 5.0
CANCEL_SECONDS = 5.0
_BATCH_BYTES = 512 * 1024
"""Half of what a broker takes in one piece."""


_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Address and credentials of one principal."""

    bootstrap: str
    user: str
    password: str
    tls: bool = False

    @classmethod
    def of(cls, settings: ServiceSettings) -> "KafkaAccess":
        """From a service's settings."""
        return cls(
            settings.kafka_bootstrap,
            settings.kafka_user,
            settings.kafka_password.get_secret_value(),
            settings.kafka_tls,
        )

    def options(self) -> dict[str, Any]:
        """Arguments that every aiokafka client takes."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_SSL" if self.tls else "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
            "ssl_context": ssl.create_default_context() if self.tls else None,
        }

    def producer(self, *, transactional_id: str | None = None) -> AIOKafkaProducer:
        """A producer that loses nothing: idempotent, acknowledged by all. A send error means: discard it."""
        return AIOKafkaProducer(
            **self.options(),
            acks="all",
            enable_idempotence=True,
            transactional_id=transactional_id,
            request_timeout_ms=10_000,
            retry_backoff_ms=50,
            max_batch_size=_BATCH_BYTES,
        )

    def reader(self, *topics: str) -> AIOKafkaConsumer:
        """A consumer outside any group, for looking at the log without leaving a trace."""
        return AIOKafkaConsumer(
            *topics,
            **self.options(),
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )

    async def start(self, client: AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaClient) -> None:
        """Start a client within a time limit: aiokafka itself retries a wrong password for ever, silently."""
        begin = client.bootstrap if isinstance(client, AIOKafkaClient) else client.start
        starting = asyncio.ensure_future(begin())
        try:
            # Not `wait_for`: until Python 3.12 it drops a cancellation that comes in the moment of the answer.
            await asyncio.wait({starting}, timeout=_START_SECONDS)
            if not starting.done():
                raise TimeoutError
            starting.result()
        except BaseException as fault:  # a cancelled start leaves connections open, too
            stop = client.close if isinstance(client, AIOKafkaClient) else client.stop
            await asyncio.shield(_abandon(starting, stop()))
            if isinstance(fault, TimeoutError | KafkaError):
                raise self._refused(fault) from fault
            raise

    def _refused(self, fault: BaseException) -> Transient:
        return Transient(
            f"Kafka at {self.bootstrap} did not let principal {self.user!r} in within {_START_SECONDS} s "
            f"({type(fault).__name__}): is it running, and are name and password right?"
        )

    async def cluster_id(self) -> str:
        """The id of the cluster behind the address, over a connection made for the question."""
        client = AIOKafkaClient(**self.options())
        await self.start(client)
        try:
            return await cluster_of(client)
        finally:
            await end_client(client.close())


async def cluster_of(client: AIOKafkaClient) -> str:
    """The id of the cluster that this client's connections lead to; raises `Transient` when one does not answer.

    A connection leads to one broker for as long as it lives, so each is asked once: the question would otherwise stand
    behind the fetch that waits on the same connection, for as long as that one waits.
    """
    nodes = [node for (node, group), connection in client._conns.items() if _carries_records(group, connection)]  # noqa: SLF001
    if not nodes:
        nodes = [node for node in (client.get_random_node(),) if node is not None]
    names = {await _cluster_behind(client, node) for node in nodes}
    if len(names) != 1:
        raise Transient(
            f"Brokers of different Kafka clusters answered: {sorted(names)}."
            if names
            else "No Kafka broker is known yet."
        )
    return names.pop()


_CLUSTERS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Of each connection, what its broker said."""


async def _cluster_behind(client: AIOKafkaClient, node: Any) -> str:
    connection = await client._get_conn(node)  # noqa: SLF001 (connections have no public name)
    if connection is None:
        raise Transient("A Kafka broker cannot be reached.")
    if connection not in _CLUSTERS:
        try:
            answer = await client.send(node, MetadataRequest([], allow_auto_topic_creation=False))
        except KafkaError as fault:
            raise Transient(f"Kafka did not name its cluster: {type(fault).__name__}.") from fault
        if await client._get_conn(node) is not connection:  # noqa: SLF001
            raise Transient("A connection to Kafka was replaced while its cluster was asked for.")
        _CLUSTERS[connection] = str(answer.cluster_id)
    return _CLUSTERS[connection]


def _carries_records(group: ConnectionGroup, connection: Any) -> bool:
    return group == ConnectionGroup.DEFAULT and bool(connection.connected())


async def _abandon(starting: "asyncio.Future[Any]", ending: Coroutine[Any, Any, None]) -> None:
    starting.cancel()
    await asyncio.wait({starting}, timeout=CANCEL_SECONDS)
    if starting.done() and not starting.cancelled():
        starting.exception()  # it was not to come to anything
    await end_quietly(ending)


async def end_client(ending: Coroutine[Any, Any, None], seconds: float = END_SECONDS) -> bool:
    """Wait for a client of aiokafka to stop or close; whether it did by itself.

    It cancels its own tasks and waits for them without a limit, and until Python 3.12 `asyncio.wait_for` drops a
    cancellation that comes in the moment of an answer. So what does not end is cancelled once more, and then left behind:
    a consumer of a group may still be counted as its member.
    """
    task = asyncio.ensure_future(ending)
    await asyncio.wait({task}, timeout=seconds)
    if task.done():
        task.result()
        return True
    _log.error("client.does_not_end", after_seconds=seconds)
    task.cancel()
    await asyncio.wait({task}, timeout=CANCEL_SECONDS)
    return False


async def end_quietly(ending: Coroutine[Any, Any, None], seconds: float = END_SECONDS) -> None:
    """The same, whatever it says: nothing of it is needed any more."""
    with contextlib.suppress(KafkaError, OSError):
        await end_client(ending, seconds)
