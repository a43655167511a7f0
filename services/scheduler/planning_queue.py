"""Works through the planner's queue: claim by lease, keep the lease alive, compute elsewhere, store.

Several replicas may run side by side. A job whose holder dies is taken over when its lease lapses; one that has killed
its holder too often fails loudly instead of killing the next.
"""

import asyncio
import contextlib
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.visit import VisitState
from services.scheduler.domain.world import Why
from services.scheduler.planning import progress
from services.scheduler.storage import cohorts, planning_jobs, routing, visits, worlds
from services.scheduler.use_cases.ask_roads import ask_roads
from services.scheduler.use_cases.place_visit import give_up, place_visit
from services.scheduler.use_cases.plan_cohort import fail_cohort, plan_cohort
from shared.db import Connection, Record, transaction
from shared.errors import Transient
from shared.logging import get_logger
from shared.wakeups import Wakeup

_POLL_SECONDS = 1.0
_RENEW_SECONDS = planning_jobs.LEASE_SECONDS / 4
_PAUSE_SECONDS = 1.0
_PROGRESS_SECONDS = 0.4

_log = get_logger(__name__)


class PlanningQueue:
    """One worker of the queue."""

    def __init__(self, deps: Deps, wakeup: Wakeup, *, holder: str) -> None:
        self._deps = deps
        self._wakeup = wakeup
        self._holder = holder
        self.finished = 0
        """Jobs that this process finished, well or badly; only grows."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if not await self.do_next():
                    await self._wakeup.wait(_POLL_SECONDS)
            except Transient as fault:
                _log.warning("planning.wait", reason=str(fault))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def do_next(self) -> bool:
        """Do one job; False when there is none."""
        async with transaction(self._deps.pool) as conn:
            job = await planning_jobs.claim_job(conn, self._holder)
        if job is None:
            return False
        keeping = asyncio.gather(self._keep_lease(job["job_id"]), self._tell_progress(job["job_id"]))
        try:
            await self._do(job)
        except asyncio.CancelledError:  # the service stops: somebody else need not wait for the lease to lapse
            await asyncio.shield(self._put_back(job, seconds=0, counted=False))
            raise
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            progress.forget(str(job["job_id"]))
        return True

    async def _do(self, job: Record) -> None:
        if job["attempts"] > planning_jobs.MAX_ATTEMPTS:
            await self._fail(job, f"Begun {planning_jobs.MAX_ATTEMPTS} times and never finished.")
            return
        work = {"cohort": plan_cohort, "roads": ask_roads}.get(job["kind"], place_visit)
        try:
            await work(job, self._holder, deps=self._deps)
        except Transient as fault:
            _log.warning("planning.again", job_id=str(job["job_id"]), reason=str(fault))
            await self._put_back(job, seconds=_PAUSE_SECONDS, counted=True)
        except Exception as bug:
            _log.exception("planning.failed", job_id=str(job["job_id"]), kind=job["kind"])
            await self._fail(job, f"{type(bug).__name__}: {bug}")
        self.finished += 1

    async def _put_back(self, job: Record, *, seconds: float, counted: bool) -> None:
        async with transaction(self._deps.pool) as conn:
            await planning_jobs.put_back(conn, job["job_id"], self._holder, seconds=seconds, counted=counted)

    async def _fail(self, job: Record, trouble: str) -> None:
        """Nothing is left hanging: a coordinator sees a cohort that failed, or a visit that needs their hand."""
        _log.error("planning.gave_up", job_id=str(job["job_id"]), kind=job["kind"], trouble=trouble)
        async with transaction(self._deps.pool) as conn:
            await worlds.lock_world(conn, job["country"])
            if job["cohort_id"] is not None:
                await cohorts.lock_cohort(conn, job["cohort_id"])
            if job["assumptions"] is not None:  # a question that changes nothing, whatever became of it
                await planning_jobs.mark_failed(conn, job["job_id"], trouble)
            elif job["kind"] == "cohort":
                await fail_cohort(conn, job, trouble)
            elif job["kind"] == "roads":
                await routing.save_trouble(conn, job["country"], trouble)
                await planning_jobs.mark_failed(conn, job["job_id"], trouble)
            else:
                await self._fail_visit(conn, job, trouble)

    async def _fail_visit(self, conn: Connection, job: Record, trouble: str) -> None:
        visit = await visits.lock_visit(conn, job["visit_id"])
        await planning_jobs.mark_failed(conn, job["job_id"], trouble)
        if visit is not None and visit["state"] == VisitState.PLACING:
            why = Why("planner_failed", "The planner failed; an operator has been told. Place it by hand or try again.")
            await give_up(conn, visit, (why,), now=self._deps.clock.now())
            await worlds.save_world_change(conn, visit["country"])

    async def _tell_progress(self, job_id: UUID) -> None:
        """What the planner found so far, into the job's row: whoever waits may ask another process of ours."""
        told = 0
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            trace = progress.trace_of(str(job_id))
            if not trace or len(trace) == told:
                continue
            told = len(trace)
            seconds, best, bound, unplaced = trace[-1]
            shown = {"seconds": seconds, "best": best, "bound": bound, "unplaced": int(unplaced)}
            try:
                async with transaction(self._deps.pool) as conn:
                    await planning_jobs.save_progress(conn, job_id, self._holder, shown)
            except Transient as fault:
                _log.warning("planning.progress_not_told", reason=str(fault))

    async def _keep_lease(self, job_id: UUID) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with transaction(self._deps.pool) as conn:
                    await planning_jobs.renew_lease(conn, job_id, self._holder)
            except Transient as fault:
                _log.warning("planning.lease_not_renewed", reason=str(fault))
