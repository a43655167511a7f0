"""Who was asked to go along, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.visits.domain.company import CompanyOffer
from services.visits.domain.visit import Answer, Visit
from shared.db import Connection, Record

_COLUMNS = "trainer_id, starts_at, offer, respond_by, answer, answered_at"

INSERT_OFFERS = """
    insert into company_offers (visit_id, trainer_id, starts_at, offer, offered_at, respond_by)
    select $1, trainer_id, $3, $4, $5, $6 from unnest($2::uuid[]) as asked (trainer_id)
    on conflict (visit_id, trainer_id, starts_at) do update
    set offer = excluded.offer, offered_at = excluded.offered_at, respond_by = excluded.respond_by,
        answer = null, answered_at = null, reason = null, via = null
    where company_offers.answer in ('declined', 'lapsed', 'withdrawn')
    returning trainer_id
"""


async def insert_company_offers(conn: Connection, visit: Visit, respond_by: datetime, now: datetime) -> list[UUID]:
    """Ask the company of a visit whose row is locked; returns those who are asked now, not who was asked for this start before."""
    asked = await conn.fetch(
        INSERT_OFFERS, visit.visit_id, list(visit.co_trainer_ids), visit.starts_at, visit.offer, now, respond_by
    )
    return [row["trainer_id"] for row in asked]


WITHDRAW_OTHERS = """
    update company_offers set answer = 'withdrawn', answered_at = $4
    where visit_id = $1 and answer is null and not (trainer_id = any($2::uuid[]) and starts_at = $3)
"""


async def withdraw_others(conn: Connection, visit: Visit, now: datetime) -> None:
    """Whoever is not in the company any more, or was asked for another start, need not answer."""
    await conn.execute(WITHDRAW_OTHERS, visit.visit_id, list(visit.co_trainer_ids), visit.starts_at, now)


GET_LAST = f"""
    select {_COLUMNS} from company_offers where visit_id = $1 and trainer_id = $2 order by offer desc, offered_at desc limit 1
"""


async def get_company_offer(conn: Connection, visit_id: UUID, trainer_id: UUID) -> CompanyOffer | None:
    """What this person was asked last; None when they never were."""
    row = await conn.fetchrow(GET_LAST, visit_id, trainer_id)
    return _offer(row) if row else None


LIST_OPEN = (
    f"select {_COLUMNS} from company_offers where visit_id = $1 and answer is null order by respond_by, trainer_id"
)


async def list_open(conn: Connection, visit_id: UUID) -> list[CompanyOffer]:
    """Who has not answered, the most urgent first."""
    return [_offer(row) for row in await conn.fetch(LIST_OPEN, visit_id)]


MARK_ANSWERED = """
    update company_offers set answer = $4, answered_at = $5, reason = $6, via = $7
    where visit_id = $1 and trainer_id = any($2::uuid[]) and starts_at = $3
"""


async def mark_company_answered(
    conn: Connection,
    visit: Visit,
    trainer_ids: Sequence[UUID],
    answer: Answer,
    now: datetime,
    *,
    reason: str | None = None,
    via: str | None = None,
) -> None:
    """What became of being asked for the visit's present start."""
    await conn.execute(MARK_ANSWERED, visit.visit_id, list(trainer_ids), visit.starts_at, answer, now, reason, via)


LIST_COMPANY = "select * from company_offers where visit_id = $1 order by offered_at, trainer_id"


async def list_company_offers(conn: Connection, visit_id: UUID) -> list[Record]:
    """Everybody who was asked to go along, for people to read."""
    rows: list[Record] = await conn.fetch(LIST_COMPANY, visit_id)
    return rows


def _offer(row: Record) -> CompanyOffer:
    return CompanyOffer(
        row["trainer_id"],
        row["starts_at"],
        row["offer"],
        row["respond_by"],
        Answer(row["answer"]) if row["answer"] else None,
        row["answered_at"],
    )
