"""Planning outlives whoever does it, never blocks the service, and stores nothing that the checker refused."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from services.scheduler.domain.world import Clash, Proposal
from services.scheduler.main import make_parts
from services.scheduler.planning.process import PlannerProcess
from services.scheduler.planning_queue import PlanningQueue
from services.scheduler.storage import planning_jobs
from shared.contracts.booking import BookingReassigned, BookingUnplaceable
from shared.contracts.cohort import CohortPlanned
from shared.db import transaction
from shared.errors import Transient
from shared.wakeups import Wakeup

from .conftest import Programme, in_thread
from .test_answers import declined

if TYPE_CHECKING:
    from shared.assembly import Running

ROOT = Path(__file__).parents[3]
LAPSE = "update planning_jobs set lease_until = clock_timestamp() - interval '1 second' where state = 'running'"


async def waiting(bd: Programme) -> int:
    async with transaction(bd.pool) as conn:
        return await planning_jobs.count_waiting(conn)


def slow(bd: Programme, then: Any = in_thread) -> tuple[PlanningQueue, asyncio.Event, asyncio.Event]:
    """A second worker whose planner begins and then waits to be let on."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def planner(task: Any, *arguments: object) -> Any:
        begun.set()
        await go_on.wait()
        return await then(task, *arguments)

    deps = type(bd.deps)(bd.pool, bd.clock, bd.settings, planner)
    return PlanningQueue(deps, Wakeup(), holder="other"), begun, go_on


async def test_a_job_whose_worker_died_is_taken_over(bd: Programme) -> None:
    cohort_id = await bd.create()
    async with transaction(bd.pool) as conn:
        assert await planning_jobs.claim_job(conn, "somebody who dies")
    assert await bd.queue.do_next() is False  # it is held
    assert await waiting(bd) == 1
    await bd.pool.execute(LAPSE)
    assert await bd.plan_all() == 1
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"
    assert await waiting(bd) == 0


async def test_nobody_waits_for_a_plan_that_another_worker_is_making(bd: Programme) -> None:
    await bd.know_enterprise("BD-E6")
    first, second = await bd.create(), await bd.create(enterprise_keys=["BD-E4", "BD-E5", "BD-E6"])
    queue, begun, go_on = slow(bd)
    longer = asyncio.create_task(queue.do_next())
    await begun.wait()
    assert await bd.plan_all() == 1
    states = [(await bd.get(f"/api/cohorts/{one}")).json()["state"] for one in (first, second)]
    assert sorted(states) == ["planned", "planning"]
    go_on.set()
    assert await longer
    assert {(await bd.get(f"/api/cohorts/{one}")).json()["state"] for one in (first, second)} == {"planned"}


async def test_a_replica_plans_as_many_jobs_at_once_as_it_has_workers(bd: Programme) -> None:
    settings = bd.settings.model_copy(update={"planner_workers": 3, "replica": "r"})
    wakeups = SimpleNamespace(on=lambda _channel: Wakeup())
    service = SimpleNamespace(pool=bd.pool, clock=bd.clock, settings=settings, wakeups=wakeups)
    parts = await make_parts(cast("Running", service))
    queues = [one.__self__ for one in parts.background if isinstance(getattr(one, "__self__", None), PlanningQueue)]
    assert len({queue._holder for queue in queues}) == 3
    assert len({id(queue._deps.planner) for queue in queues}) == 3


async def test_a_worker_that_is_told_to_stop_gives_its_job_back_at_once(bd: Programme) -> None:
    await bd.create()
    queue, begun, _ = slow(bd)
    stopping = asyncio.create_task(queue.do_next())
    await begun.wait()
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    assert await bd.plan_all() == 1


async def test_a_worker_that_was_only_slow_does_not_store_a_second_plan(bd: Programme) -> None:
    cohort_id = await bd.create()
    queue, begun, go_on = slow(bd)
    late = asyncio.create_task(queue.do_next())
    await begun.wait()
    await bd.pool.execute(LAPSE)
    await bd.plan_all()
    go_on.set()
    await late
    assert len(await bd.facts(CohortPlanned)) == 1
    assert await bd.pool.fetchval("select count(*) from plans") == 1
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"


async def test_a_job_that_kills_its_workers_fails_loudly_in_the_end(bd: Programme) -> None:
    cohort_id = await bd.create()

    async def dies(_task: Any, *_arguments: object) -> Any:
        raise Transient("The planner's process died.")

    deps = type(bd.deps)(bd.pool, bd.clock, bd.settings, dies)
    queue = PlanningQueue(deps, Wakeup(), holder="dies")
    for _ in range(planning_jobs.MAX_ATTEMPTS + 1):
        await bd.pool.execute("update planning_jobs set not_before = null")
        assert await queue.do_next()
    shown = (await bd.get(f"/api/cohorts/{cohort_id}")).json()
    assert (shown["state"], "never finished" in shown["trouble"]) == ("failed", True)
    assert await waiting(bd) == 0
    await bd.post(f"/api/cohorts/{cohort_id}/replan")
    await bd.plan_all()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"


async def test_a_plan_that_the_checker_refuses_is_not_stored(bd: Programme) -> None:
    cohort_id = await bd.create()

    async def wrong(task: Any, *arguments: object) -> Any:
        good: Proposal = await in_thread(task, *arguments)
        clash = Clash("trainer_overlap", "is in two places", (good.seats[0].visit_id,))
        return Proposal(good.seats, good.left, {}, good.cost, good.bound, good.gap, good.parts, good.status, (clash,))

    deps = type(bd.deps)(bd.pool, bd.clock, bd.settings, wrong)
    await PlanningQueue(deps, Wakeup(), holder="wrong").do_next()
    assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "failed"
    assert await bd.pool.fetchval("select count(*) from plans") == 0
    assert await bd.facts(CohortPlanned) == []


async def test_an_answer_computed_for_an_older_world_is_computed_again(bd: Programme) -> None:
    cohort_id = await bd.published()
    first, second = (await bd.bookings(cohort_id, "baseline"))[:2]
    await bd.feeder.deliver(declined(first))
    queue, begun, go_on = slow(bd)
    stale = asyncio.create_task(queue.do_next())
    await begun.wait()
    await bd.feeder.deliver(declined(second))
    await bd.plan_all()
    assert len(await bd.facts(BookingReassigned)) == 1
    go_on.set()
    await stale
    assert len(await bd.facts(BookingReassigned)) == 1  # what was computed before the world moved is not stored
    await bd.pool.execute("update planning_jobs set not_before = null")
    await bd.plan_all()
    assert len(await bd.facts(BookingReassigned)) == 2


async def test_a_planner_that_fails_on_a_visit_leaves_it_to_the_coordinator(bd: Programme) -> None:
    cohort_id = await bd.published()
    visit = (await bd.bookings(cohort_id, "baseline"))[0]
    await bd.feeder.deliver(declined(visit))

    async def broken(_task: Any, *_arguments: object) -> Any:
        raise ZeroDivisionError

    deps = type(bd.deps)(bd.pool, bd.clock, bd.settings, broken)
    await PlanningQueue(deps, Wakeup(), holder="broken").do_next()
    assert (await bd.booking(visit["visit_id"]))["state"] == "unplaceable"
    (fact,) = await bd.facts(BookingUnplaceable)
    assert fact.codes == ("planner_failed",)
    assert await waiting(bd) == 0


def pid_of(*_arguments: object) -> int:
    return os.getpid()


def gone(pid: int) -> bool:
    """Ended, whether or not its parent has taken notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def end_at_once(*_arguments: object) -> None:
    os._exit(1)


async def test_the_planner_computes_in_a_process_of_its_own_that_comes_back(keys: Path, bd: Programme) -> None:
    process = PlannerProcess(idle_seconds=60)
    reaping = asyncio.create_task(process.reap())
    try:
        first = await process(pid_of)
        assert first != os.getpid()
        with pytest.raises(Transient):
            await process(end_at_once)
        assert await process(pid_of) != first

        deps = type(bd.deps)(bd.pool, bd.clock, bd.settings, process)
        cohort_id = await bd.create()
        await PlanningQueue(deps, Wakeup(), holder="process").do_next()
        assert (await bd.get(f"/api/cohorts/{cohort_id}")).json()["state"] == "planned"
    finally:
        last = await process(pid_of)
        await asyncio.sleep(0)
        reaping.cancel()
        await asyncio.gather(reaping, return_exceptions=True)
    async with asyncio.timeout(10):
        while not gone(last):
            await asyncio.sleep(0.02)


ORPHAN = """
import asyncio, os, sys
from services.scheduler.planning.process import PlannerProcess
async def main():
    print(await PlannerProcess()(os.getpid), flush=True)
    await asyncio.sleep(60)
if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_planner_s_process_ends_with_a_service_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(ORPHAN)
    service = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert service.stdout is not None
    worker = int(await service.stdout.readline())
    assert not gone(worker)
    service.kill()
    await service.wait()
    async with asyncio.timeout(20):
        while not gone(worker):
            await asyncio.sleep(0.05)


async def test_the_service_itself_never_loads_the_solver() -> None:
    code = (
        "import sys; import services.scheduler.main; sys.exit(any(name.startswith('ortools') for name in sys.modules))"
    )
    service = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    assert await service.wait() == 0
