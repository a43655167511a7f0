"""Visits and their offers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.visits.domain.visit import Answer, Offer, Visit, VisitState
from shared.db import Connection, Record

_COLUMNS = """visit_id, cohort_id, country, kind, stage, module, enterprise_ids, trainer_id, starts_at, ends_at, zone,
    cause_id, state, offer, respond_by, co_trainer_ids"""

INSERT_VISIT = f"""
    insert into visits ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict do nothing returning true
"""


async def insert_visit(conn: Connection, visit: Visit) -> bool:
    """False when a visit of this id is there already."""
    return bool(await conn.fetchval(INSERT_VISIT, *_values(visit)))


SAVE_VISIT = """
    update visits set trainer_id = $2, starts_at = $3, ends_at = $4, zone = $5, state = $6, offer = $7, respond_by = $8,
           co_trainer_ids = $9,
           reschedule_wanted_at = case when offer = $7 then reschedule_wanted_at end
    where visit_id = $1
"""


async def save_visit(conn: Connection, visit: Visit) -> None:
    """Write back a visit whose row is locked."""
    await conn.execute(
        SAVE_VISIT,
        visit.visit_id,
        visit.trainer_id,
        visit.starts_at,
        visit.ends_at,
        visit.zone,
        visit.state,
        visit.offer,
        visit.respond_by,
        list(visit.co_trainer_ids),
    )


GET_VISIT = f"select {_COLUMNS} from visits where visit_id = $1"
GET_VISIT_LOCKED = f"{GET_VISIT} for update"


async def get_visit(conn: Connection, visit_id: UUID, *, lock: bool = False) -> Visit | None:
    """One visit; with `lock`, its row is held until the transaction ends."""
    row = await conn.fetchrow(GET_VISIT_LOCKED if lock else GET_VISIT, visit_id)
    return _visit(row) if row else None


LIST_IN_STATE = f"select {_COLUMNS} from visits where visit_id = any($1::uuid[]) and state = any($2::text[])"


async def list_in_state(conn: Connection, visit_ids: Sequence[UUID], *states: VisitState) -> list[Visit]:
    """Those of the visits, whose rows are locked, that are in one of the states; in the order that was asked for."""
    found = {row["visit_id"]: _visit(row) for row in await conn.fetch(LIST_IN_STATE, visit_ids, states)}
    return [found[visit_id] for visit_id in visit_ids if visit_id in found]


MARK_STATE = "update visits set state = $2 where visit_id = any($1::uuid[])"


async def mark_state(conn: Connection, visit_ids: Sequence[UUID], state: VisitState) -> None:
    """Change only the state, of visits whose rows are locked."""
    await conn.execute(MARK_STATE, visit_ids, state)


MARK_RESCHEDULE_WANTED = "update visits set reschedule_wanted_at = $2 where visit_id = $1"


async def mark_reschedule_wanted(conn: Connection, visit_id: UUID, now: datetime) -> None:
    """Somebody asked for another date."""
    await conn.execute(MARK_RESCHEDULE_WANTED, visit_id, now)


INSERT_OFFER = """
    insert into visit_offers (visit_id, offer, trainer_id, starts_at, ends_at, offered_at, respond_by)
    values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_offer(conn: Connection, visit: Visit, now: datetime) -> None:
    """The visit's present offer, made now."""
    await conn.execute(
        INSERT_OFFER,
        visit.visit_id,
        visit.offer,
        visit.trainer_id,
        visit.starts_at,
        visit.ends_at,
        now,
        visit.respond_by,
    )


GET_OFFER = """
    select offer, trainer_id, answer, answered_at from visit_offers
    where visit_id = $1 and trainer_id = $2 and ($3::integer is null or offer = $3) order by offer desc limit 1
"""


async def get_offer(conn: Connection, visit_id: UUID, trainer_id: UUID, offer: int | None) -> Offer | None:
    """The offer made to this trainer: the numbered one, or their last one."""
    row = await conn.fetchrow(GET_OFFER, visit_id, trainer_id, offer)
    if row is None:
        return None
    answer = Answer(row["answer"]) if row["answer"] else None
    return Offer(row["offer"], row["trainer_id"], answer, row["answered_at"])


MARK_ANSWERED = """
    update visit_offers set answer = $3, answered_at = $4, reason = $5, via = $6
    where visit_id = $1 and offer = $2 and answer is null
"""


async def mark_answered(
    conn: Connection, visit: Visit, answer: Answer, now: datetime, *, reason: str | None = None, via: str | None = None
) -> None:
    """What became of the visit's present offer; one that was answered keeps its answer."""
    await conn.execute(MARK_ANSWERED, visit.visit_id, visit.offer, answer, now, reason, via)


MARK_ALL_ANSWERED = """
    update visit_offers set answer = $3, answered_at = $4
    from unnest($1::uuid[], $2::integer[]) as present (visit_id, offer)
    where visit_offers.visit_id = present.visit_id and visit_offers.offer = present.offer and answer is null
"""


async def mark_all_answered(conn: Connection, visits: Sequence[Visit], answer: Answer, now: datetime) -> None:
    """What became of the present offers of several visits."""
    present = [visit.visit_id for visit in visits], [visit.offer for visit in visits]
    await conn.execute(MARK_ALL_ANSWERED, *present, answer, now)


LIST_VISITS = f"""
    select {_COLUMNS}, reschedule_wanted_at from visits
    where ($1::uuid is null or trainer_id = $1 and state not in ('declined', 'lapsed', 'unplaced') or $1 = any(co_trainer_ids))
      and ($2::text[] is null or country = any($2))
      and ($3::text is null or state = $3) and ($4::uuid is null or cohort_id = $4)
      and ($5::timestamptz is null or (starts_at, visit_id) > ($5, $6::uuid))
      and ($7::timestamptz is null or ends_at >= $7)
    order by starts_at, visit_id limit $8
"""


async def list_visits(
    conn: Connection,
    *,
    trainer_id: UUID | None,
    countries: Sequence[str] | None,
    state: str | None = None,
    cohort_id: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    ends_from: datetime | None = None,
    limit: int = 100,
) -> list[Visit]:
    """Visits of one trainer or of some countries, in the order of their start."""
    after_at, after_id = after or (None, None)
    rows = await conn.fetch(
        LIST_VISITS, trainer_id, countries, state, cohort_id, after_at, after_id, ends_from, limit
    )
    return [_visit(row) for row in rows]


LIST_OFFERS = "select * from visit_offers where visit_id = $1 order by offer"


async def list_offers(conn: Connection, visit_id: UUID) -> list[Record]:
    """Everybody who was asked, and what became of it."""
    rows: list[Record] = await conn.fetch(LIST_OFFERS, visit_id)
    return rows


def _values(visit: Visit) -> tuple[object, ...]:
    return (
        visit.visit_id,
        visit.cohort_id,
        visit.country,
        visit.kind,
        visit.stage,
        visit.module,
        list(visit.enterprise_ids),
        visit.trainer_id,
        visit.starts_at,
        visit.ends_at,
        visit.zone,
        visit.cause_id,
        visit.state,
        visit.offer,
        visit.respond_by,
        list(visit.co_trainer_ids),
    )


def _visit(row: Record) -> Visit:
    values = {name: row[name] for name in Visit.__dataclass_fields__}
    values |= {name: tuple(row[name]) for name in ("enterprise_ids", "co_trainer_ids")}
    values["state"] = VisitState(row["state"])
    return Visit(**values)
