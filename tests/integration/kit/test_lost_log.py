"""Two whole services and a broker of their own, which is killed, and then lost with all it held."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.local import process
from deploy.local.databases import DatabaseUrls
from deploy.local.kafka import KafkaServer, Node
from deploy.local.provision import provision_kafka
from deploy.local.topology import KAFKA_ADMIN, PRINCIPALS
from shared.assembly import Parts, Running, running
from shared.contracts.visit import VisitDeclined
from shared.db import transaction
from shared.errors import Transient
from shared.ids import new_id
from shared.kafka.log_state import ask_for_replay
from shared.kafka.outbox import emit
from shared.settings import ServiceSettings
from tests.integration.kit.parts import NOON, Listener, declined_again, eventually

pytestmark = pytest.mark.xdist_group("own-broker")


class OwnBroker:
    """A broker that a test may kill and wipe."""

    def __init__(self, folder: Path) -> None:
        ports: set[int] = set()
        while len(ports) < 2:
            ports.add(process.free_port(ports))
        self.folder = folder
        self.passwords = {name: secrets.token_urlsafe(12) for name in PRINCIPALS}
        self.server = KafkaServer(
            folder / "kafka", Node(1, *ports), secrets.token_urlsafe(12), log=folder / "kafka.log", heap_megabytes=128
        )

    def start(self) -> None:
        """In this thread: the broker ends with the thread that started it."""
        self.server.start()
        provision_kafka(self.server.bootstrap, KAFKA_ADMIN, self.server.password, self.passwords)

    def kill(self) -> None:
        self.server.kill()

    def lose(self) -> None:
        self.kill()
        shutil.rmtree(self.folder / "kafka")


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path)
    broker.start()
    yield broker
    broker.server.stop()


async def state_of(service: Running) -> dict[str, Any]:
    try:
        return await service.status()
    except Transient as fault:
        return {"quiet": False, "trouble": str(fault)}


async def are_quiet(*services: Running) -> None:
    """Two equal passes with nothing waiting."""
    passes: list[Any] = [None]

    async def twice_the_same() -> bool:
        found = [await state_of(service) for service in services]
        passes.append([{name: value for name, value in each.items() if name != "now"} for each in found])
        well = all(each["quiet"] and not each["trouble"] for each in found)
        return well and passes[-1] == passes[-2]

    try:
        await eventually(twice_the_same, "quiet")
    except AssertionError as never:
        raise AssertionError(f"not quiet: {passes[-2:]}") from never


async def test_a_broker_that_is_killed_and_one_that_is_lost(
    own_broker: OwnBroker, database: Callable[[str], DatabaseUrls], tmp_path: Path
) -> None:
    heard: list[Listener] = []

    def settings(service: str) -> ServiceSettings:
        return ServiceSettings(
            service=service,
            profile="test",
            database_url=database(service).run,  # type: ignore[arg-type]
            kafka_bootstrap=own_broker.server.bootstrap,
            kafka_user=service,
            kafka_password=own_broker.passwords[service],  # type: ignore[arg-type]
            http_port=1,
            origin="https://gemba.example",
            keys_dir=tmp_path,
        )

    async def visits_parts(service: Running) -> Parts:
        return Parts(deps=None)

    async def notifications_parts(service: Running) -> Parts:
        heard.append(Listener(service.pool, "notifications.general", (VisitDeclined,)))
        return Parts(deps=None, consumers=[heard[0].consumer])

    @asynccontextmanager
    async def both() -> AsyncIterator[tuple[Running, Running]]:
        async with (
            running(settings("visits"), visits_parts) as visits,
            running(settings("notifications"), notifications_parts) as notifications,
        ):
            yield visits, notifications

    visit = new_id()
    facts = declined_again(visit, 12)

    async with both() as (visits, notifications):

        async def say(*some: VisitDeclined) -> None:
            for fact in some:
                async with transaction(visits.pool) as conn:
                    await emit(conn, fact, now=NOON)

        await say(*facts[:4])
        await heard[0].has_effects(visit, "1", "2", "3", "4")
        await are_quiet(visits, notifications)
        assert heard[0].consumer is notifications.subscriptions[0].guard.consumer

        # Killed: what is said meanwhile waits, and follows in its order.
        own_broker.kill()
        await say(*facts[4:8])
        assert (await state_of(visits))["waiting"]["outbox"] == 4
        own_broker.start()
        await heard[0].has_effects(visit, *map(str, range(1, 9)))
        await are_quiet(visits, notifications)

        # Lost: nobody publishes to the new one, or takes it for the old one, until asked.
        own_broker.lose()
        own_broker.start()
        await say(facts[8])

        async def refused() -> bool:
            troubles = [visits.trouble or visits.relays[0].trouble, notifications.trouble]
            return all(trouble and "ask for a replay" in trouble for trouble in troubles)

        await eventually(refused, "both services refuse the new log")
        with pytest.raises(Transient, match="ask for a replay"):
            await visits.check_log()
        assert await heard[0].effects(visit) == [str(version) for version in range(1, 9)]
        assert (await state_of(visits))["waiting"]["outbox"] == 1

        cluster = await visits.access.cluster_id()
        assert await ask_for_replay(visits.pool, cluster) == 9
        assert await ask_for_replay(notifications.pool, cluster) == 0
        await say(*facts[9:])
        await heard[0].has_effects(visit, *map(str, range(1, 13)))
        await are_quiet(visits, notifications)
        assert heard[0].calls == 12
