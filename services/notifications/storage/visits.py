"""What messages need of a visit."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection, Record


@dataclass(frozen=True, slots=True)
class VisitCopy:
    """`kind` is what people may see: a verification is kept as a follow-up."""

    visit_id: UUID
    country: str
    kind: str
    enterprise_ids: tuple[UUID, ...]
    trainer_id: UUID
    offer: int
    starts_at: datetime
    ends_at: datetime
    zone: str
    state: str
    sequence: int
    co_trainer_ids: tuple[UUID, ...]
    invited_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Booking:
    """What only the timetable says of a visit: who comes along, and whether its enterprise may be told."""

    visit_id: UUID
    tells_enterprise: bool
    co_trainer_ids: tuple[UUID, ...]


SAVE_BOOKINGS = """
    insert into bookings (visit_id, tells_enterprise, co_trainer_ids)
    select visit_id, tells_enterprise, array(select jsonb_array_elements_text(co_trainer_ids)::uuid)
    from jsonb_to_recordset($1) as read (visit_id uuid, tells_enterprise boolean, co_trainer_ids jsonb)
    on conflict (visit_id) do update
    set tells_enterprise = excluded.tells_enterprise, co_trainer_ids = excluded.co_trainer_ids
"""


async def save_bookings(conn: Connection, bookings: Sequence[Booking]) -> None:
    """Note them all in one statement; of two of one visit the later one counts."""
    newest = {booking.visit_id: asdict(booking) for booking in bookings}
    await conn.execute(SAVE_BOOKINGS, list(newest.values()))


SAVE_CO_TRAINERS = "update bookings set co_trainer_ids = $2 where visit_id = $1"


async def save_co_trainers(conn: Connection, visit_id: UUID, co_trainer_ids: Sequence[UUID]) -> None:
    """The timetable changed who comes along."""
    await conn.execute(SAVE_CO_TRAINERS, visit_id, list(co_trainer_ids))


ADD_ASKED = """
    update bookings set asked_ids = array(select unnest(asked_ids) union select unnest($2::uuid[]))
    where visit_id = $1 returning true
"""
REMOVE_ASKED = """
    update bookings set asked_ids = array_remove(asked_ids, $2) where visit_id = $1 returning $2 = any(co_trainer_ids)
"""


async def add_asked(conn: Connection, visit_id: UUID, trainer_ids: Sequence[UUID]) -> bool:
    """They are asked to come along; False while the booking has not been heard of."""
    return bool(await conn.fetchval(ADD_ASKED, visit_id, list(trainer_ids)))


async def remove_asked(conn: Connection, visit_id: UUID, trainer_id: UUID) -> bool:
    """One said yes; whether they still come along."""
    return bool(await conn.fetchval(REMOVE_ASKED, visit_id, trainer_id))


GET_BOOKING = "select tells_enterprise, co_trainer_ids, asked_ids from bookings where visit_id = $1"


async def get_booking(conn: Connection, visit_id: UUID) -> Record | None:
    """None while the booking has not been heard of."""
    return await conn.fetchrow(GET_BOOKING, visit_id)


LOCK_VISIT = "select * from visits where visit_id = $1 for update"


async def lock_visit(conn: Connection, visit_id: UUID) -> VisitCopy | None:
    """The visit, locked until the transaction ends."""
    row = await conn.fetchrow(LOCK_VISIT, visit_id)
    return _copy(row) if row else None


LIST_CONFIRMED = "select * from visits where visit_id = any($1::uuid[]) and state = 'confirmed'"


async def list_confirmed(conn: Connection, visit_ids: Sequence[UUID]) -> list[VisitCopy]:
    """Those of the visits, whose rows are locked, that are to take place; in the order that was asked for."""
    found = {row["visit_id"]: _copy(row) for row in await conn.fetch(LIST_CONFIRMED, visit_ids)}
    return [found[visit_id] for visit_id in visit_ids if visit_id in found]


SAVE_VISIT = """
    insert into visits (visit_id, country, kind, enterprise_ids, trainer_id, offer,
                        starts_at, ends_at, zone, state, sequence, co_trainer_ids, invited_ids)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (visit_id) do update
    set country = excluded.country, kind = excluded.kind, enterprise_ids = excluded.enterprise_ids, trainer_id = excluded.trainer_id, offer = excluded.offer,
        starts_at = excluded.starts_at, ends_at = excluded.ends_at, zone = excluded.zone, state = excluded.state,
        sequence = excluded.sequence, co_trainer_ids = excluded.co_trainer_ids, invited_ids = excluded.invited_ids
"""


async def save_visit(conn: Connection, visit: VisitCopy) -> None:
    """Replace the copy."""
    await conn.execute(
        SAVE_VISIT,
        visit.visit_id,
        visit.country,
        visit.kind,
        list(visit.enterprise_ids),
        visit.trainer_id,
        visit.offer,
        visit.starts_at,
        visit.ends_at,
        visit.zone,
        visit.state,
        visit.sequence,
        list(visit.co_trainer_ids),
        list(visit.invited_ids),
    )


SAVE_STATE = "update visits set state = $2, sequence = sequence + $3 where visit_id = $1 returning sequence"


async def save_visit_state(conn: Connection, visit_id: UUID, state: str, *, calendar_changed: bool) -> int:
    """Change only the state; returns the calendar entry's SEQUENCE."""
    sequence: int = await conn.fetchval(SAVE_STATE, visit_id, state, int(calendar_changed))
    return sequence


LIST_VISITS = "select visit_id, state, offer, starts_at, enterprise_ids from visits where visit_id = any($1::uuid[])"


async def get_visits(conn: Connection, visit_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Visits as they are now, for the check before sending."""
    return {row["visit_id"]: row for row in await conn.fetch(LIST_VISITS, list(visit_ids))}


def _copy(row: Record) -> VisitCopy:
    values = dict(row)
    for name in ("enterprise_ids", "co_trainer_ids", "invited_ids"):
        values[name] = tuple(values[name])
    return VisitCopy(**values)
