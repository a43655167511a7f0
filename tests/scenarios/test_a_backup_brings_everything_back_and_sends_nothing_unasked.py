"""Back up under load, restore into an empty place: all that was acknowledged is there, the log is made again, nobody is
told anything until an operator has looked and released it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from deploy.local import process
from deploy.local.backup import take_backup
from deploy.local.backup_manifest import Backup
from deploy.local.client.calls import SERVICES
from deploy.local.demo.actors import Actor
from deploy.local.demo.observing import Inbox, Services
from deploy.local.demo.world import World
from deploy.local.installation import Installation, running_installation
from deploy.local.restore import restore_backup
from deploy.local.state import State
from shared.clock import SteeredClock
from tests.harness.raw_log import facts_by_id, read_log
from tests.harness.scenario import SCENARIO, clock_file
from tests.harness.scenario_acts import (
    confirmed_cohort,
    end_cohort,
    publish_cohort,
    report,
    to_the_end_of,
)

pytestmark = SCENARIO
_ENTERPRISES = (20, 21)


async def test_a_backup_under_load_becomes_a_whole_installation_on_hold(world: World, tmp_path: Path) -> None:
    visits = await confirmed_cohort(world, "PE", _ENTERPRISES)
    await to_the_end_of(world, *visits)
    offered, _ = await publish_cohort(world, "BD", [29, 30])
    token = await _token_of(world, "PE-COORD")
    before, during = visits
    acknowledged = await report(world, before)
    await asyncio.gather(
        asyncio.to_thread(take_backup, world.installation.state, tmp_path / "backup"), report(world, during)
    )

    later = world.clock.now() + timedelta(days=10)  # meanwhile deadlines fell due
    async with _restored(tmp_path, later) as gemba, _looking(gemba, token) as (services, inbox, coordinator, admin):
        await services.settle(seconds=120)
        seen = await coordinator.get(f"/visits/api/visits/{before['visit_id']}")
        assert [one["report_id"] for one in seen["reports"]] == [acknowledged["report_id"]], "what was said is there"
        await _the_log_is_what_the_databases_say(gemba)
        await _nothing_leaves_until_it_is_released(services, inbox, admin, str(offered["visit_id"]))
    await end_cohort(world, offered)


async def _token_of(world: World, key: str) -> str:
    person = await world.actor(key)
    wish = {"person_id": person.person_id, "label": "a look after the restore", "days": 30}
    made = await world.administrator.post("/directory/api/tokens", wish)
    return str(made["token"])


@asynccontextmanager
async def _restored(folder: Path, now: datetime) -> AsyncIterator[Installation]:
    state = State(folder / "restored")
    used: Backup = await asyncio.to_thread(restore_backup, folder / "backup", state)
    assert set(used.revisions) == set(SERVICES)
    state.save_config(ports={"origin": process.free_port()})  # the former life still runs on those of the backup
    SteeredClock.create(clock_file(state), now)
    async with running_installation(
        state, profile="test", clock=f"steered:{clock_file(state)}", report=lambda *_: None
    ) as gemba:
        yield gemba


@asynccontextmanager
async def _looking(gemba: Installation, token: str) -> AsyncIterator[tuple[Services, Inbox, Actor, Actor]]:
    eyes = Services(gemba.status_urls())
    inbox = Inbox(gemba.origin)
    coordinator = Actor("PE-COORD", gemba.origin, token=token)
    administrator = Actor("administrator", gemba.origin, token=gemba.administrator_token())
    try:
        yield eyes, inbox, coordinator, administrator
    finally:
        for one in (eyes, inbox, coordinator, administrator):
            await one.close()


async def _the_log_is_what_the_databases_say(gemba: Installation) -> None:
    """Every fact of every outbox once, under its own id; nothing else; from the second life."""
    kept: set[str] = set()
    for service in SERVICES:
        with psycopg.connect(gemba.databases[service].run) as connection:
            kept |= {str(row[0]) for row in connection.execute("select event_id from outbox where lane <> 'state'")}
    log = await read_log(gemba)
    on_log = Counter(event_id for _, _, _, event_id in facts_by_id(log).elements())
    assert set(on_log) == kept
    assert set(on_log.values()) == {1}
    assert {record.header("ce_source").split("/")[3] for record in log} == {"2"}


async def _nothing_leaves_until_it_is_released(
    services: Services, inbox: Inbox, administrator: Actor, offered: str
) -> None:
    status = await services.status()
    assert all(one["on_hold"] for one in status.values())
    assert await inbox.messages() == [], "nobody was told anything"
    held = await _held(administrator)
    assert ("deadline", offered) in {(item["what"], item["aggregate"]) for item in held}, "an offer ran out meanwhile"
    assert any(item["what"] == "message" for item in held), "and messages were not sent"

    for service in SERVICES:
        assert await administrator.post(f"/{service}/api/operations/hold/release") == {"released": True}
    await services.settle(seconds=120)
    arrived = Counter(one["message_id"] for one in await inbox.messages() if one["kind"] == "mail")
    assert arrived, "what was due goes now"
    assert set(arrived.values()) == {1}
    assert not any(one["on_hold"] for one in (await services.status()).values())
    assert await _held(administrator) == []


async def _held(administrator: Actor) -> Sequence[dict[str, Any]]:
    lists = [await administrator.get(f"/{service}/api/operations/hold") for service in SERVICES]
    return [item for one in lists for item in one["items"]]
