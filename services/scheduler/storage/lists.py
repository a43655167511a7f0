"""What pages and the API show: cohorts, plans and bookings with the names that people know them by.

Nothing here tells a verification from any other follow-up visit (`shown_kind`), and `cause_id` is never read.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.scheduler.domain.visit import Progress, figures_of, shown_kind
from shared.db import Connection, Record

LIST_COHORTS = """
    select c.*, m.title as module_title,
           (select count(*) from cohort_enterprises ce where ce.cohort_id = c.cohort_id) as enterprises
    from cohorts c join modules m on m.code = c.module
    where c.country = any($1::text[]) and ($2::text is null or c.state = $2)
      and ($3::timestamptz is null or (c.created_at, c.cohort_id) < ($3, $4))
    order by c.created_at desc, c.cohort_id desc limit $5
"""
COUNT_VISITS = """
    select v.cohort_id, v.visit_id, v.state, v.moves,
           (select count(*) from refusals r where r.visit_id = v.visit_id) as refusals
    from visits v where v.cohort_id = any($1::uuid[])
"""


async def list_cohorts(
    conn: Connection,
    countries: Sequence[str],
    *,
    state: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Record]:
    """Cohorts of some countries, the newest first."""
    at, last_id = before or (None, None)
    rows: list[Record] = await conn.fetch(LIST_COHORTS, list(countries), state, at, last_id, limit)
    return rows


async def list_figures(conn: Connection, cohort_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """The figures of several cohorts in one query."""
    by_cohort: dict[UUID, list[Progress]] = {one: [] for one in cohort_ids}
    for row in await conn.fetch(COUNT_VISITS, list(cohort_ids)):
        by_cohort[row["cohort_id"]].append(Progress(row["state"], row["moves"], row["refusals"]))
    return {one: figures_of(visits).as_json() for one, visits in by_cohort.items()}


NAMES = """
    select enterprise_id as id, key_name, name from enterprises where enterprise_id = any($1::uuid[])
    union all
    select person_id, key_name, name from people where person_id = any($1::uuid[])
"""


async def get_names(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """Names and keys of enterprises and people; nothing for somebody who was erased."""
    rows = await conn.fetch(NAMES, list(set(ids)))
    return {row["id"]: {"id": str(row["id"]), "key": row["key_name"], "name": row["name"]} for row in rows}


def named(names: Mapping[UUID, dict[str, str]], one: UUID | None) -> dict[str, str] | None:
    """An id with its name, for the API."""
    return None if one is None else names.get(one, {"id": str(one), "key": "", "name": "(no longer known)"})


_COLUMNS = """
    v.visit_id, v.cohort_id, v.country, v.module, v.kind, v.stage, v.position, v.enterprise_ids, v.days, v.minutes,
    v.online, v.state, v.trainer_id, v.co_trainer_ids, v.former_trainer_id, v.day, v.start_time, v.end_time, v.zone,
    v.starts_at, v.ends_at, v.moves, v.reasons, v.whole, v.carried_from, v.changed_at, v.window_last
"""
LIST_BOOKINGS = f"""
    select {_COLUMNS}, c.name as cohort_name from visits v left join cohorts c using (cohort_id)
    where v.country = any($1::text[]) and v.state <> 'draft'
      and ($2::uuid is null or v.trainer_id = $2 or $2 = any(v.co_trainer_ids))
      and ($3::uuid is null or v.cohort_id = $3)
      and ($4::date is null or v.day >= $4) and ($5::date is null or v.day <= $5)
      and ($6::text[] is null or v.state = any($6))
    order by v.starts_at nulls first, v.position, v.visit_id limit $7 offset $8
"""


async def list_bookings(
    conn: Connection,
    countries: Sequence[str],
    *,
    trainer_id: UUID | None = None,
    cohort_id: UUID | None = None,
    first: date | None = None,
    last: date | None = None,
    states: Sequence[str] | None = None,
    limit: int = 200,
    offset: int = 0,
) -> list[Record]:
    """Published visits; days are those of the visit's own zone. Those without a place come first."""
    rows: list[Record] = await conn.fetch(
        LIST_BOOKINGS,
        list(countries),
        trainer_id,
        cohort_id,
        first,
        last,
        list(states) if states else None,
        limit,
        offset,
    )
    return rows


GET_BOOKING = f"""
    select {_COLUMNS}, c.name as cohort_name from visits v left join cohorts c using (cohort_id) where v.visit_id = $1
"""
LIST_STEPS = "select at, what, trainer_id, detail from visit_steps where visit_id = $1 order by step"


async def get_booking(conn: Connection, visit_id: UUID) -> Record | None:
    """One visit as the lists have it."""
    return await conn.fetchrow(GET_BOOKING, visit_id)


async def list_steps(conn: Connection, visit_id: UUID) -> list[Record]:
    """What became of a visit."""
    rows: list[Record] = await conn.fetch(LIST_STEPS, visit_id)
    return rows


LIST_AFFECTED = f"""
    select {_COLUMNS}, c.name as cohort_name
    from visits v left join cohorts c using (cohort_id)
    left join people p on p.person_id = v.trainer_id and p.active and p.trainer
    where v.country = any($1::text[]) and v.state in ('booked', 'confirmed') and v.starts_at > $2
      and (p.person_id is null or exists (
          select from leave l where l.person_key = p.key_name and v.day <= l.last and v.day + v.days - 1 >= l.first))
    order by v.starts_at limit 100
"""


async def list_without_trainer(conn: Connection, countries: Sequence[str], now: datetime) -> list[Record]:
    """Visits ahead whose trainer is on leave then, or is no trainer any more: it became known after they were booked."""
    rows: list[Record] = await conn.fetch(LIST_AFFECTED, list(countries), now)
    return rows


def booking_json(row: Record, names: Mapping[UUID, dict[str, str]]) -> dict[str, Any]:
    """One booking as the API gives it."""
    return {
        "visit_id": str(row["visit_id"]),
        "cohort_id": str(row["cohort_id"]) if row["cohort_id"] else None,
        "cohort": row["cohort_name"],
        "country": row["country"],
        "module": row["module"],
        "kind": shown_kind(row["kind"]),
        "stage": row["stage"],
        "state": row["state"],
        "enterprises": [named(names, one) for one in row["enterprise_ids"]],
        "trainer": named(names, row["trainer_id"]),
        "co_trainers": [named(names, one) for one in row["co_trainer_ids"]],
        "former_trainer": named(names, row["former_trainer_id"]),
        "day": row["day"].isoformat() if row["day"] else None,
        "start": _clock(row["start_time"]),
        "end": _clock(row["end_time"]),
        "days": row["days"],
        "online": row["online"],
        "zone": row["zone"],
        "starts_at": instant(row["starts_at"]),
        "ends_at": instant(row["ends_at"]),
        "moves": row["moves"],
        "whole": row["whole"],
        "carried_from": str(row["carried_from"]) if row["carried_from"] else None,
        "reasons": row["reasons"],
    }


def ids_in(rows: Sequence[Record]) -> list[UUID]:
    """Every id of a list of visits whose name is shown."""
    found: set[UUID] = set()
    for row in rows:
        found.update(row["enterprise_ids"])
        found.update(row["co_trainer_ids"])
        found.update(one for one in (row["trainer_id"], row["former_trainer_id"]) if one)
        found.update(UUID(one["trainer_id"]) for one in row["reasons"] if one.get("trainer_id"))
    return list(found)


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _clock(wall: Any) -> str | None:
    return None if wall is None else wall.strftime("%H:%M")


LIST_WAITING_COHORTS = """
    select c.*, m.title as module_title from cohorts c join modules m on m.code = c.module
    where c.country = any($1::text[]) and c.state in ('planning', 'planned', 'infeasible', 'failed')
    order by c.created_at limit $2
"""


async def list_waiting_cohorts(conn: Connection, countries: Sequence[str], limit: int) -> list[Record]:
    """Cohorts that are not published yet, the longest waiting first."""
    rows: list[Record] = await conn.fetch(LIST_WAITING_COHORTS, list(countries), limit)
    return rows


FIND_ENTERPRISE = "select enterprise_id from enterprises where key_name = $1 and country = any($2::text[]) limit 1"


async def find_enterprise(conn: Connection, key: str, countries: Sequence[str]) -> UUID | None:
    """An enterprise's id by key."""
    found: UUID | None = await conn.fetchval(FIND_ENTERPRISE, key, list(countries))
    return found


FIND_TRAINER = "select person_id from people where key_name = $1 and country = any($2::text[]) limit 1"


async def find_trainer(conn: Connection, key: str, countries: Sequence[str]) -> UUID | None:
    """A trainer's id by key."""
    found: UUID | None = await conn.fetchval(FIND_TRAINER, key, list(countries))
    return found
