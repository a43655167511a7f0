"""A visit that cannot be or was not on its day: another one is looked for, with the same trainer if possible."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.visit import OVER, VisitState
from services.scheduler.domain.wall_time import today_in
from services.scheduler.storage import cohorts, visit_history, visits, worlds
from services.scheduler.use_cases.answer_visit import lock_known, want_place
from services.scheduler.use_cases.withdraw_visits import withdraw_one
from shared.commands import Idempotency, command
from shared.db import Connection
from shared.errors import Rejected, not_found

LONGEST_WIDENING = 120


async def move_visit(conn: Connection, visit_id: UUID, reason: str, *, now: datetime) -> None:
    """`reason` is `reschedule` (somebody asked) or `missed`. A missed visit of a cancelled cohort is withdrawn."""
    cohort_id = await visits.get_cohort_of(conn, visit_id)
    seen = await visits.get_visit(conn, visit_id)
    if seen is not None:
        await worlds.lock_world(conn, seen["country"])
    cohort = await cohorts.lock_cohort(conn, cohort_id) if cohort_id else None
    visit = await lock_known(conn, visit_id)
    if visit["state"] not in {VisitState.BOOKED, VisitState.CONFIRMED}:
        return
    if reason == "missed" and visit["ends_at"] > now:  # it was moved ahead while the fact was on its way
        return
    await visit_history.insert_step(conn, visit_id, reason, now=now, trainer_id=visit["trainer_id"])
    if cohort is not None and cohort["state"] == "cancelled":
        await withdraw_one(conn, visit, "cohort_cancelled", now=now)
        return
    await want_place(conn, visit, "place", reason, now=now)


@dataclass(frozen=True, slots=True)
class ReplanVisit:
    """A coordinator's hand on one published visit.

    `want`: `another_trainer`, `another_day`, or `any_place` for one that could not be placed. `until` gives it more
    time than its cohort has; `ask_again` lets those be asked who refused before.
    """

    visit_id: UUID
    countries: frozenset[str]
    want: str
    until: date | None = None
    ask_again: bool = False


async def replan_visit(wanted: ReplanVisit, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Queue the search; the answer comes as a booking fact and on the cohort's page."""
    now = deps.clock.now()
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        conn = cmd.conn
        visit = await visits.lock_visit(conn, wanted.visit_id)
        if visit is None or visit["country"] not in wanted.countries:
            raise not_found("visit")
        if visit["state"] in OVER or visit["state"] in {VisitState.DRAFT, VisitState.PLACING}:
            raise Rejected(
                "visit_not_movable",
                409,
                f"This visit is {visit['state']}; only a visit that is booked, confirmed or unplaceable can be replanned.",
            )
        if (wanted.want == "any_place") != (visit["state"] == VisitState.UNPLACEABLE):
            raise Rejected(
                "wrong_wish",
                422,
                f"This visit is {visit['state']}. Right would be: any_place for an unplaceable one, "
                "another_trainer or another_day for one that has a place.",
                field="want",
            )
        await _widen(conn, wanted, today_in(visit["zone"], now))
        if wanted.ask_again:
            await visit_history.delete_refusals(conn, wanted.visit_id)
        kind = "place"
        if wanted.want == "another_trainer":
            await visit_history.save_refusal(conn, wanted.visit_id, visit["trainer_id"], "coordinator", now)
            kind = "reassign"
        await want_place(conn, visit, kind, wanted.want, now=now)
        await visit_history.insert_step(conn, wanted.visit_id, "replan_wanted", now=now, detail=wanted.want)
        return await cmd.done(wanted.visit_id)


async def _widen(conn: Connection, wanted: ReplanVisit, today: date) -> None:
    if wanted.until is None:
        return
    if not today < wanted.until <= today + timedelta(days=LONGEST_WIDENING):
        raise Rejected(
            "until_out_of_range",
            422,
            f"{wanted.until} is not a day between tomorrow and {LONGEST_WIDENING} days from today ({today}).",
            field="until",
        )
    await visits.set_window_end(conn, wanted.visit_id, wanted.until)
