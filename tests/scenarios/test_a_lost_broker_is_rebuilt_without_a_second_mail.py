"""Lose the whole broker: everything is on the new log again, nobody gets a second mail, no state changes, and work goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from typing import Any

from deploy.local.demo.observing import until
from deploy.local.demo.world import World
from tests.harness.raw_log import facts_by_id, newest_states, read_log
from tests.harness.scenario import SCENARIO, times_run_again
from tests.harness.scenario_acts import publish_cohort, report, seen_visit, to_the_end_of, trainer_of

pytestmark = SCENARIO


async def _state(world: World) -> dict[str, Any]:
    """What the API says of everything, to its coordinators and safeguarding people."""
    found: dict[str, Any] = {}
    for country in ("BD", "PE"):
        coordinator, officer = await world.actor(f"{country}-COORD"), await world.actor(f"{country}-OFFICER")
        for path in (
            "/visits/api/visits?limit=500",
            "/visits/api/actions?limit=500",
            "/scheduler/api/cohorts?limit=200",
            "/scheduler/api/bookings?limit=500",
            "/directory/api/people",
            "/directory/api/enterprises",
        ):
            found[f"{country} {path}"] = await coordinator.get(path)
        found[f"{country} cases"] = await officer.get("/visits/api/cases")
        found[f"{country} messages"] = await coordinator.get("/notifications/api/messages")
    return found


async def test_a_deleted_log_comes_back_whole_and_quietly(world: World) -> None:
    done, waiting = sorted(await publish_cohort(world, "BD", [13, 14]), key=lambda visit: visit["ends_at"])
    await (await trainer_of(world, done)).post(f"/visits/api/visits/{done['visit_id']}/accept", {"offer": 1})
    await world.settle()
    state, mail, log = await _state(world), await world.inbox.messages(), await read_log(world.installation)
    facts, states = facts_by_id(log), newest_states(log)
    assert facts, "there is something to lose"
    assert set(facts.values()) == {1}, "every fact is there once"

    await _lose_the_broker(world)

    async def is_back() -> bool:
        return facts_by_id(await read_log(world.installation)).keys() >= facts.keys()

    await until(is_back, "every fact is on the new log", seconds=120)
    await world.services.settle(seconds=120)
    rebuilt = await read_log(world.installation)
    assert facts_by_id(rebuilt) == facts, "the same facts under the same ids, each once"
    assert newest_states(rebuilt) == states, "of every person and enterprise the same newest version"
    assert await world.inbox.messages() == mail, "no mail to anybody"
    assert await _state(world) == state, "nothing changed for anybody"

    former = await trainer_of(world, waiting)
    path = f"/visits/api/visits/{waiting['visit_id']}"
    await former.post(f"{path}/decline", {"offer": 1, "reason": "illness"})
    await world.log.has("BookingReassigned", visit_id=waiting["visit_id"])
    offered = await world.log.has("VisitOffered", visit_id=waiting["visit_id"], offer=2)
    await world.log.has("MessageQueued", about=waiting["visit_id"], recipient_id=offered.data["trainer_id"])
    await world.settle()
    once = Counter(facts_by_id(await read_log(world.installation)).values())
    assert set(once) == {1}, "what is new travelled once, too"

    again = await seen_visit(world, waiting)
    await (await trainer_of(world, again)).post(f"{path}/accept", {"offer": 2})
    for visit in sorted((done, again), key=lambda visit: visit["ends_at"]):
        await to_the_end_of(world, visit)
        await report(world, visit)


async def _lose_the_broker(world: World) -> None:
    """Delete its data and kill it; the supervisor starts it anew, formatted, and asks the services for everything."""
    before = times_run_again("kafka")
    await world.log.stop()  # our own eyes must not keep an idea of the old log
    try:
        shutil.rmtree(world.installation.state.folder / "kafka")
        os.kill(world.installation.supervisor.pids()["kafka"], signal.SIGKILL)
        await until(lambda: times_run_again("kafka") > before, "the supervisor starts it anew", seconds=180)
    finally:
        world.log = type(world.log)(world.log._access)
        await world.log.start()
