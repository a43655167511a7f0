"""Visits as far as their dates go, and the timetable that keeps anybody from being in two places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.scheduler.domain.delivery import VisitDraft
from services.scheduler.domain.wall_time import instant_of, local
from services.scheduler.domain.world import Seat, Why
from shared.db import Connection, Record

INSERT_DRAFT = """
    insert into visits (visit_id, cohort_id, country, module, kind, stage, position, enterprise_ids, days, minutes,
                        online, window_first, window_last, target, zone, state, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'draft', $16)
"""


async def insert_drafts(
    conn: Connection,
    cohort_id: UUID,
    country: str,
    module: str,
    drafts: Iterable[VisitDraft],
    zones: dict[UUID, str],
    now: datetime,
) -> None:
    """A cohort's visits before they have dates; the zone is the host's."""
    rows = [
        (
            draft.visit_id,
            cohort_id,
            country,
            module,
            draft.stage.kind,
            draft.stage.stage,
            draft.stage.position,
            list(draft.enterprise_ids),
            draft.stage.days,
            draft.stage.minutes,
            draft.stage.online,
            draft.window_first,
            draft.window_last,
            draft.target,
            zones[draft.enterprise_ids[0]],
            now,
        )
        for draft in drafts
    ]
    await conn.executemany(INSERT_DRAFT, rows)


INSERT_WANTED = """
    insert into visits (visit_id, cohort_id, country, module, kind, stage, position, enterprise_ids, days, minutes,
                        online, window_first, window_last, target, zone, state, changed_at, prefer_trainer_id,
                        excluded_ids, cause_id, carried_from)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'placing', $16, $17, $18, $19, $20)
    on conflict (visit_id) do nothing returning true
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit that is added to what was planned: a follow-up, a verification, or the remainder of another visit."""

    visit_id: UUID
    cohort_id: UUID | None
    country: str
    module: str | None
    kind: str
    stage: str
    position: int
    enterprise_ids: tuple[UUID, ...]
    days: int
    minutes: int
    online: bool
    window_first: date
    window_last: date
    target: date | None
    zone: str
    prefer_trainer_id: UUID | None = None
    excluded_ids: tuple[UUID, ...] = ()
    cause_id: UUID | None = None
    carried_from: UUID | None = None


async def insert_wanted(conn: Connection, one: Wanted, now: datetime) -> bool:
    """Add a visit that waits for a place; False when it was wanted before."""
    return bool(
        await conn.fetchval(
            INSERT_WANTED,
            one.visit_id,
            one.cohort_id,
            one.country,
            one.module,
            one.kind,
            one.stage,
            one.position,
            list(one.enterprise_ids),
            one.days,
            one.minutes,
            one.online,
            one.window_first,
            one.window_last,
            one.target,
            one.zone,
            now,
            one.prefer_trainer_id,
            list(one.excluded_ids),
            one.cause_id,
            one.carried_from,
        )
    )


GET_VISIT = "select * from visits where visit_id = $1"
LOCK_VISIT = GET_VISIT + " for update"
GET_COHORT_OF = "select cohort_id from visits where visit_id = $1"
LIST_OF_COHORT = "select * from visits where cohort_id = $1 order by position, stage, visit_id"
LOCK_OF_CAUSE = "select * from visits where cause_id = $1 order by visit_id for update"
LOCK_OF_COHORT = "select * from visits where cohort_id = $1 order by visit_id for update"


async def get_visit(conn: Connection, visit_id: UUID) -> Record | None:
    """One visit."""
    return await conn.fetchrow(GET_VISIT, visit_id)


async def get_cohort_of(conn: Connection, visit_id: UUID) -> UUID | None:
    """The cohort of a visit, which is locked before the visit is."""
    cohort_id: UUID | None = await conn.fetchval(GET_COHORT_OF, visit_id)
    return cohort_id


async def lock_visit(conn: Connection, visit_id: UUID) -> Record | None:
    """One visit, locked."""
    return await conn.fetchrow(LOCK_VISIT, visit_id)


async def list_of_cohort(conn: Connection, cohort_id: UUID) -> list[Record]:
    """A cohort's visits in the order of its stages."""
    rows: list[Record] = await conn.fetch(LIST_OF_COHORT, cohort_id)
    return rows


async def lock_of_cohort(conn: Connection, cohort_id: UUID) -> list[Record]:
    """A cohort's visits, locked in the order of their ids."""
    rows: list[Record] = await conn.fetch(LOCK_OF_COHORT, cohort_id)
    return rows


async def lock_of_cause(conn: Connection, cause_id: UUID) -> list[Record]:
    """The visits that one action or case asked for, locked in the order of their ids."""
    rows: list[Record] = await conn.fetch(LOCK_OF_CAUSE, cause_id)
    return rows


TAKE_OUT = "delete from timetable where visit_id = any($1::uuid[])"
PUT_IN = "insert into timetable (visit_id, trainer_id, during) values ($1, $2, tstzrange($3, $4))"
SAVE_SEAT = """
    update visits set state = 'booked', revision = revision + 1, announced = true,
        former_trainer_id = coalesce(trainer_id, former_trainer_id),
        trainer_id = $2, co_trainer_ids = $3, day = $4, start_time = $5, end_time = $6, starts_at = $7, ends_at = $8,
        moves = moves + $9, reasons = '[]', changed_at = $10, enterprise_ids = $11
    where visit_id = $1
"""


@dataclass(frozen=True, slots=True)
class Times:
    """A seat on the visit's own clock: wall times in its zone, and the instants they mean."""

    day: date
    starts_at: datetime
    ends_at: datetime
    seat: Seat


def times_of(seat: Seat, planned_in: str, zone: str) -> Times:
    """`planned_in` is the zone of the plan's wall times, `zone` that of the visit's site."""
    last = date.fromordinal(seat.day.toordinal() + seat.days - 1)
    starts_at = instant_of(seat.day, seat.start, planned_in)
    ends_at = instant_of(last, seat.end, planned_in)
    return Times(local(starts_at, zone).date(), starts_at, ends_at, seat)


async def save_seat(conn: Connection, visit: Record, times: Times, *, moved: bool, now: datetime) -> None:
    """Put a locked visit into the timetable, out of where it was. Raises `ExclusionViolationError` when somebody
    is somewhere else at the time.
    """
    seat, zone = times.seat, visit["zone"]
    await conn.execute(TAKE_OUT, [visit["visit_id"]])
    people = (seat.trainer_id, *seat.co_trainer_ids)
    await conn.executemany(PUT_IN, [(visit["visit_id"], one, times.starts_at, times.ends_at) for one in people])
    await conn.execute(
        SAVE_SEAT,
        visit["visit_id"],
        seat.trainer_id,
        list(seat.co_trainer_ids),
        times.day,
        local(times.starts_at, zone).time(),
        local(times.ends_at, zone).time(),
        times.starts_at,
        times.ends_at,
        int(moved),
        now,
        attending(visit, seat),
    )


def attending(visit: Record, seat: Seat) -> list[UUID]:
    """The enterprises of a visit but those without which this seat holds it."""
    return [one for one in visit["enterprise_ids"] if one not in seat.absent_ids]


async def take_out(conn: Connection, visit_ids: Sequence[UUID]) -> None:
    """Their time is free for one another; each is put in again, or given up, in the same transaction."""
    await conn.execute(TAKE_OUT, list(visit_ids))


MARK_CONFIRMED = "update visits set state = 'confirmed', revision = revision + 1, changed_at = $2 where visit_id = $1"
MARK_PLACING = "update visits set state = 'placing', revision = revision + 1, changed_at = $2 where visit_id = $1"
MARK_REPORTED = """
    update visits set state = 'reported', whole = $2, revision = revision + 1, changed_at = $3 where visit_id = $1
"""
MARK_UNPLACEABLE = """
    update visits set state = 'unplaceable', revision = revision + 1, reasons = $2, changed_at = $3,
        former_trainer_id = coalesce(trainer_id, former_trainer_id), trainer_id = null, co_trainer_ids = '{}',
        day = null, start_time = null, end_time = null, starts_at = null, ends_at = null
    where visit_id = $1
"""
MARK_WITHDRAWN = """
    update visits set state = 'withdrawn', revision = revision + 1, changed_at = $2,
        former_trainer_id = coalesce(trainer_id, former_trainer_id), trainer_id = null, co_trainer_ids = '{}',
        day = null, start_time = null, end_time = null, starts_at = null, ends_at = null
    where visit_id = any($1::uuid[])
"""
SET_WINDOW_END = "update visits set window_last = greatest(window_last, $2) where visit_id = $1"


async def mark_confirmed(conn: Connection, visit_id: UUID, now: datetime) -> None:
    """The trainer said yes: the visit is pinned."""
    await conn.execute(MARK_CONFIRMED, visit_id, now)


async def mark_placing(conn: Connection, visit_id: UUID, now: datetime) -> None:
    """Another place is being looked for; until there is one its old place stays taken."""
    await conn.execute(MARK_PLACING, visit_id, now)


async def mark_reported(conn: Connection, visit_id: UUID, *, whole: bool, now: datetime) -> None:
    """It took place, wholly or in part. It stays in the timetable: limits per week count it."""
    await conn.execute(MARK_REPORTED, visit_id, whole, now)


async def mark_unplaceable(conn: Connection, visit_id: UUID, reasons: Sequence[Why], now: datetime) -> None:
    """Nobody can, or no day fits; its place in the timetable is free again."""
    await conn.execute(TAKE_OUT, [visit_id])
    await conn.execute(MARK_UNPLACEABLE, visit_id, [one.as_json() for one in reasons], now)


async def mark_withdrawn(conn: Connection, visit_ids: Sequence[UUID], now: datetime) -> None:
    """They will not take place."""
    await conn.execute(TAKE_OUT, list(visit_ids))
    await conn.execute(MARK_WITHDRAWN, list(visit_ids), now)


async def set_window_end(conn: Connection, visit_id: UUID, last: date) -> None:
    """A coordinator gave it more time."""
    await conn.execute(SET_WINDOW_END, visit_id, last)


GET_LATEST_MODULE = """
    select module from cohort_enterprises join cohorts using (cohort_id, module)
    where enterprise_id = $1 order by created_at desc limit 1
"""


async def get_latest_module(conn: Connection, enterprise_id: UUID) -> str | None:
    """What an enterprise was trained in last."""
    module: str | None = await conn.fetchval(GET_LATEST_MODULE, enterprise_id)
    return module
