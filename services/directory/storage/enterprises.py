"""Rows of enterprises and their closed days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.directory.domain.enterprises import Closed, Enterprise
from shared.db import Connection, Record

_COLUMNS = """
    enterprise_id, key_name, name, country, region, zone, latitude, longitude, working_weekdays,
    manager_languages, worker_languages, manager_contact_id, worker_contact_id, active
"""

GET_ENTERPRISE = f"select {_COLUMNS} from enterprises where enterprise_id = $1"


async def get_enterprise(conn: Connection, enterprise_id: UUID) -> Enterprise | None:
    """None when there is none."""
    row = await conn.fetchrow(GET_ENTERPRISE, enterprise_id)
    return enterprise_of(row) if row else None


LIST_ALL = f"select {_COLUMNS} from enterprises"


async def list_all_enterprises(conn: Connection) -> list[Enterprise]:
    """All of them, for an import."""
    return [enterprise_of(row) for row in await conn.fetch(LIST_ALL)]


LIST_ENTERPRISES = f"""
    select {_COLUMNS} from enterprises
    where ($1::text[] is null or country = any($1))
      and ($2::text is null or country = $2)
      and ($3::uuid is null or enterprise_id = $3)
      and ($4::text is null or (name, enterprise_id) > ($4, $5::uuid))
    order by name, enterprise_id
    limit $6
"""


async def list_enterprises(
    conn: Connection,
    *,
    within: Sequence[str] | None,
    country: str | None,
    only: UUID | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Enterprise]:
    """A page of enterprises by name. `within` bounds the countries (None: all), `only` to a single one."""
    name, enterprise_id = after or (None, None)
    rows = await conn.fetch(LIST_ENTERPRISES, within, country, only, name, enterprise_id, limit)
    return [enterprise_of(row) for row in rows]


LIST_BY_IDS = f"select {_COLUMNS} from enterprises where enterprise_id = any($1::uuid[])"


async def list_enterprises_by_ids(conn: Connection, ids: Sequence[UUID]) -> list[Enterprise]:
    """These enterprises, in no order."""
    return [enterprise_of(row) for row in await conn.fetch(LIST_BY_IDS, ids)]


LIST_CLOSED = """
    select enterprise_id, first, last, reason from closed_days
    where $1::uuid[] is null or enterprise_id = any($1) order by enterprise_id, first
"""


async def list_closed_days(conn: Connection, ids: Sequence[UUID] | None = None) -> Mapping[UUID, dict[date, Closed]]:
    """Closed days by enterprise and first day, in order; of these enterprises, or of all."""
    found: dict[UUID, dict[date, Closed]] = {}
    for row in await conn.fetch(LIST_CLOSED, ids):
        closed = Closed(row["first"], row["last"], row["reason"])
        found.setdefault(row["enterprise_id"], {})[closed.first] = closed
    return found


INSERT_ENTERPRISE = """
    insert into enterprises (enterprise_id, key_name, name, country, region, zone, latitude, longitude,
                             working_weekdays, manager_languages, worker_languages, manager_contact_id,
                             worker_contact_id, active, created_at, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
"""


async def insert_enterprises(conn: Connection, enterprises: Sequence[Enterprise], *, now: datetime) -> None:
    """New rows."""
    await conn.executemany(INSERT_ENTERPRISE, [_values(enterprise, now) for enterprise in enterprises])


SAVE_ENTERPRISE = """
    update enterprises set key_name = $2, name = $3, country = $4, region = $5, zone = $6, latitude = $7,
           longitude = $8, working_weekdays = $9, manager_languages = $10, worker_languages = $11,
           manager_contact_id = $12, worker_contact_id = $13, active = $14, changed_at = $15
    where enterprise_id = $1
"""
LOCK_ENTERPRISES = """
    select enterprise_id from enterprises where enterprise_id = any($1::uuid[]) order by enterprise_id for update
"""


async def claim_enterprises(conn: Connection, ids: Sequence[UUID]) -> None:
    """Lock rows in the order of their ids."""
    await conn.execute(LOCK_ENTERPRISES, ids)


async def save_enterprises(conn: Connection, enterprises: Sequence[Enterprise], *, now: datetime) -> None:
    """Write changed rows; they are locked."""
    await conn.executemany(SAVE_ENTERPRISE, [_values(enterprise, now) for enterprise in enterprises])


SAVE_CLOSED = """
    insert into closed_days (enterprise_id, first, last, reason) values ($1, $2, $3, $4)
    on conflict (enterprise_id, first) do update set last = excluded.last, reason = excluded.reason
"""


async def save_closed_days(conn: Connection, closed: Sequence[tuple[UUID, Closed]]) -> None:
    """Enter closed days, or correct those that begin on the same day."""
    await conn.executemany(SAVE_CLOSED, [(key, days.first, days.last, days.reason) for key, days in closed])


RELEASE_CONTACT = """
    update enterprises set
        manager_contact_id = nullif(manager_contact_id, $1), worker_contact_id = nullif(worker_contact_id, $1),
        changed_at = $2
    where manager_contact_id = $1 or worker_contact_id = $1
    returning enterprise_id
"""


async def mark_without_contact(conn: Connection, person_id: UUID, *, now: datetime) -> list[UUID]:
    """Enterprises that had this contact have none now; returns them."""
    return [row["enterprise_id"] for row in await conn.fetch(RELEASE_CONTACT, person_id, now)]


def enterprise_of(row: Record) -> Enterprise:
    """A row as the domain's value."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Enterprise(**values)


def _values(enterprise: Enterprise, now: datetime) -> tuple[object, ...]:
    return (
        enterprise.enterprise_id, enterprise.key_name, enterprise.name, enterprise.country, enterprise.region,
        enterprise.zone, enterprise.latitude, enterprise.longitude, enterprise.working_weekdays,
        enterprise.manager_languages, enterprise.worker_languages, enterprise.manager_contact_id,
        enterprise.worker_contact_id, enterprise.active, now,
    )  # fmt: skip
