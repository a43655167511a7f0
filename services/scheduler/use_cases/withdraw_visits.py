"""Visits that will not take place: one that a coordinator drops, or all that are still ahead of a cancelled cohort."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.visit import OVER
from services.scheduler.storage import cohorts, planning_jobs, visit_history, visits, worlds
from services.scheduler.use_cases.complete_cohort import complete_if_done
from shared.commands import Idempotency, command
from shared.contracts.booking import BookingWithdrawn
from shared.contracts.cohort import CohortCancelled
from shared.db import Connection, Record
from shared.errors import Rejected, not_found
from shared.kafka.outbox import emit


@dataclass(frozen=True, slots=True)
class CancelCohort:
    """`reason` is for people and stays here; the fact carries a code."""

    cohort_id: UUID
    countries: frozenset[str]
    reason: str


async def cancel_cohort(wanted: CancelCohort, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Withdraw everything of a cohort that has not begun. What has begun can still be reported."""
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        seen = await cohorts.get_cohort(conn, wanted.cohort_id)
        if seen is None or seen["country"] not in wanted.countries:
            raise not_found("cohort")
        await worlds.lock_world(conn, seen["country"])
        cohort = await cohorts.lock_cohort(conn, wanted.cohort_id)
        assert cohort is not None
        if cohort["state"] == "cancelled":
            return await cmd.done(wanted.cohort_id)
        if cohort["state"] == "completed":
            raise Rejected("cohort_completed", 409, "This cohort is completed; there is nothing left to cancel.")
        rows = await visits.lock_of_cohort(conn, wanted.cohort_id)
        ahead = [row for row in rows if row["state"] not in OVER and not _has_begun(row, now)]
        await _withdraw(conn, ahead, "cohort_cancelled", now=now)
        await planning_jobs.cancel_of_cohort(conn, wanted.cohort_id)
        await cohorts.mark_ended(conn, wanted.cohort_id, "cancelled", now, wanted.reason)
        await worlds.save_world_change(conn, cohort["country"])
        cancelled = CohortCancelled(
            cohort_id=wanted.cohort_id, country=cohort["country"], reason="cancelled_by_coordinator"
        )
        await emit(conn, cancelled, now=now)
        return await cmd.done(wanted.cohort_id)


@dataclass(frozen=True, slots=True)
class WithdrawVisit:
    """One visit is dropped: an enterprise left, or a follow-up is no longer needed."""

    visit_id: UUID
    countries: frozenset[str]


async def withdraw_visit(wanted: WithdrawVisit, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Take one visit out; its cohort may be complete by it."""
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        seen = await visits.get_visit(conn, wanted.visit_id)
        if seen is None or seen["country"] not in wanted.countries:
            raise not_found("visit")
        await worlds.lock_world(conn, seen["country"])
        cohort = await cohorts.lock_cohort(conn, seen["cohort_id"]) if seen["cohort_id"] else None
        visit = await visits.lock_visit(conn, wanted.visit_id)
        assert visit is not None
        if visit["state"] in OVER:
            raise Rejected("visit_over", 409, f"This visit is {visit['state']} already.")
        if visit["state"] == "draft":
            raise Rejected("not_published", 409, "This visit is only a proposal; publish its plan or cancel the cohort.")
        await _withdraw(conn, [visit], "withdrawn_by_coordinator", now=now)
        await worlds.save_world_change(conn, visit["country"])
        if cohort is not None:
            await complete_if_done(conn, cohort, now=now)
        return await cmd.done(wanted.visit_id)


async def withdraw_one(conn: Connection, visit: Record, reason: str, *, now: datetime) -> None:
    """Take one locked visit out; the country's world is locked."""
    await _withdraw(conn, [visit], reason, now=now)


async def _withdraw(conn: Connection, rows: list[Record], reason: str, *, now: datetime) -> None:
    """Facts only for those that were announced: nobody ever heard of the others."""
    await visits.mark_withdrawn(conn, [row["visit_id"] for row in rows], now)
    for row in rows:
        await visit_history.insert_step(conn, row["visit_id"], "withdrawn", now=now, detail=reason)
        if row["announced"]:
            withdrawn = BookingWithdrawn(
                visit_id=row["visit_id"],
                country=row["country"],
                trainer_id=row["trainer_id"],
                reason=reason,
            )
            await emit(conn, withdrawn, now=now)


def _has_begun(row: Record, now: datetime) -> bool:
    return row["starts_at"] is not None and row["starts_at"] <= now
