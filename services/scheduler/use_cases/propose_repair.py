"""Something happens to visits that are published: what would have to change, and whom that reaches. Nothing changes yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.domain.disruption import CLOSED, HOLIDAY, ILL, LEAVES, Cause
from services.scheduler.domain.explanation import Mended
from services.scheduler.domain.plan_difference import Change, changes_between
from services.scheduler.domain.plan_weights import in_force
from services.scheduler.domain.wall_time import local, today_in
from services.scheduler.domain.world import Seat, Wish, World
from services.scheduler.planning import tasks
from services.scheduler.storage import (
    catalogue,
    cohorts,
    lists,
    plan_weights,
    repairs,
    visit_history,
    visits,
    worlds,
)
from services.scheduler.use_cases.read_world import read_world, wish_of
from shared.commands import Idempotency, command
from shared.db import Connection, Record, transaction
from shared.errors import Rejected, not_found
from shared.ids import new_id
from shared.logging import get_logger

_log = get_logger(__name__)

LONGEST = timedelta(days=366)
FOR_GOOD = timedelta(days=730)
_ROOM = timedelta(days=14)
"""Days before and after a disruption from which other visits may make room."""


@dataclass(frozen=True, slots=True)
class ProposeRepair:
    """`who`: key or id of the trainer or enterprise. `most_moved`: visits that may move although they could stay."""

    kind: str
    country: str
    countries: frozenset[str]
    first: date
    last: date | None = None
    who: str | None = None
    region: str = ""
    most_moved: int = 0
    by: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    cause: Cause
    zone: str
    world: World
    wishes: tuple[Wish, ...]
    seats: tuple[Seat, ...]
    pinned: frozenset[UUID]
    rows: Mapping[UUID, Record]


async def propose_repair(wanted: ProposeRepair, idempotency: Idempotency, *, deps: Deps) -> UUID:
    """Work it out and keep it as a proposal; returns its id. Several visits are mended together, confirmed ones only
    where they cannot stay.
    """
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        question = await _read_question(conn, wanted, now, deps)
    mended = Mended((), frozenset(), frozenset(), (), 0.0)
    if question.wishes:
        mended = await deps.planner(
            tasks.MEND, question.world, question.wishes, question.seats, question.pinned, wanted.most_moved
        )
    if mended.clashes:
        told = "; ".join(f"{one.rule}: {one.text}" for one in mended.clashes[:5])
        _log.error("planner.repair_refused", country=wanted.country, clashes=told)
        raise RuntimeError(f"the checker refused a repair: {told}")
    async with command(deps.pool, idempotency) as cmd:
        if cmd.repeated:
            return cmd.earlier_result
        repair_id = new_id()
        changes = changes_between(question.seats, mended.seats)
        await repairs.insert_repair(
            cmd.conn,
            repair_id,
            wanted.country,
            question.cause.as_json(),
            planned_in=question.zone,
            world_version=question.world.version,
            changes=[_stored(one, mended, question.rows) for one in changes],
            figures={
                "hit": len(mended.hit),
                "made_room": len(mended.moved),
                "left": len(mended.left),
                "cost_difference": round(mended.cost_difference, 1),
                "most_moved": wanted.most_moved,
            },
            by=wanted.by,
            now=now,
        )
        return await cmd.done(repair_id)


def _stored(change: Change, mended: Mended, rows: Mapping[UUID, Record]) -> dict[str, Any]:
    left = next((one for one in mended.left if one.visit_id == change.visit_id), None)
    return {
        "visit_id": str(change.visit_id),
        "revision": rows[change.visit_id]["revision"],
        "before": _seat_json(change.before),
        "after": _seat_json(change.after),
        "made_room": change.visit_id in mended.moved,
        "reasons": [one.as_json() for one in left.reasons] if left else [],
        "relaxations": [one.as_json() for one in left.relief] if left else [],
    }


def _seat_json(seat: Seat | None) -> dict[str, Any] | None:
    if seat is None:
        return None
    return {
        "visit_id": str(seat.visit_id),
        "trainer_id": str(seat.trainer_id),
        "co_trainer_ids": [str(one) for one in seat.co_trainer_ids],
        "absent_ids": [str(one) for one in seat.absent_ids],
        "day": seat.day.isoformat(),
        "start": seat.start.isoformat(),
        "end": seat.end.isoformat(),
        "days": seat.days,
    }


async def _read_question(conn: Connection, wanted: ProposeRepair, now: datetime, deps: Deps) -> _Question:
    cause = await _cause(conn, wanted)
    hit = await repairs.list_hit(
        conn,
        wanted.country,
        now,
        trainer_id=cause.who if cause.kind in {ILL, LEAVES} else None,
        enterprise_id=cause.who if cause.kind == CLOSED else None,
        first=cause.first,
        last=cause.last,
    )
    rows = {row["visit_id"]: row for row in hit}
    if hit and wanted.most_moved:
        last = max(row["day"] for row in hit) + _ROOM
        around = await repairs.list_movable(conn, wanted.country, now, cause.first - _ROOM, last)
        rows |= {row["visit_id"]: row for row in around}
    zone = hit[0]["zone"] if hit else "UTC"
    wishes = await _wishes(conn, rows, now, deps)
    if not wishes:
        version = await worlds.get_world_version(conn, wanted.country)
        return _Question(cause, zone, World(wanted.country, version, zone, (), (), ()), (), (), frozenset(), rows)
    cohort_ids = {row["cohort_id"] for row in rows.values() if row["cohort_id"]}
    world = await read_world(conn, wanted.country, zone, wishes, trainer_keys=None, cohort_ids=list(cohort_ids))
    of_country, _ = await plan_weights.get_weights(conn, wanted.country, None)
    world = replace(cause.applied_to(world), weights=in_force(of_country))
    seats = tuple(_seat(row, zone) for row in rows.values())
    pinned = frozenset(one for one, row in rows.items() if row["state"] == "confirmed")
    return _Question(cause, zone, world, wishes, seats, pinned, rows)


async def _wishes(conn: Connection, rows: Mapping[UUID, Record], now: datetime, deps: Deps) -> tuple[Wish, ...]:
    """The visits as they were wanted; each may stay where it is even when that is sooner than notice would allow."""
    siblings: dict[UUID | None, Sequence[Record]] = {None: ()}
    stages: dict[UUID | None, dict[str, Any]] = {None: {}}
    wishes = []
    for row in rows.values():
        cohort_id = row["cohort_id"]
        if cohort_id not in siblings:
            cohort = await cohorts.get_cohort(conn, cohort_id)
            assert cohort is not None
            siblings[cohort_id] = await visits.list_of_cohort(conn, cohort_id)
            found = await catalogue.list_stages(conn, cohort["delivery_plan_id"])
            stages[cohort_id] = {one.stage: one for one in found}
        soonest = today_in(row["zone"], now) + timedelta(days=deps.settings.hurried_notice_days)
        wish = wish_of(
            row,
            siblings[cohort_id],
            stages[cohort_id],
            not_before=min(soonest, row["day"]),
            forbidden=await visit_history.list_refused(conn, row["visit_id"]),
            prefer=row["trainer_id"],
        )
        wishes.append(replace(wish, last=max(wish.last, row["day"] + timedelta(days=row["days"] - 1))))
    return tuple(wishes)


def _seat(row: Record, zone: str) -> Seat:
    """Where a visit stands, on the clock of the repair."""
    starts, ends = local(row["starts_at"], zone), local(row["ends_at"], zone)
    return Seat(
        visit_id=row["visit_id"],
        trainer_id=row["trainer_id"],
        day=starts.date(),
        start=starts.time(),
        end=ends.time(),
        days=row["days"],
        co_trainer_ids=tuple(row["co_trainer_ids"]),
    )


async def _cause(conn: Connection, wanted: ProposeRepair) -> Cause:
    if wanted.country not in wanted.countries:
        raise not_found("country")
    last = wanted.first if wanted.kind == HOLIDAY else wanted.last
    if wanted.kind == LEAVES:
        last = wanted.first + FOR_GOOD
    if last is None or last < wanted.first or (wanted.kind != LEAVES and last - wanted.first > LONGEST):
        raise Rejected(
            "days_out_of_order",
            422,
            f"{wanted.first} to {last} is no span of days; right is a last day from {wanted.first} on, at most a year.",
            field="last",
        )
    who = None
    if wanted.kind in {ILL, LEAVES, CLOSED}:
        if not wanted.who:
            raise Rejected("who_missing", 422, "Say who it is about: a trainer's or an enterprise's key.", field="who")
        if wanted.kind == CLOSED:
            who = await lists.find_enterprise(conn, wanted.who, [wanted.country])
        else:
            who = await lists.find_trainer(conn, wanted.who, [wanted.country])
        if who is None:
            raise not_found("enterprise" if wanted.kind == CLOSED else "trainer")
    return Cause(wanted.kind, wanted.first, last, who, wanted.region)
