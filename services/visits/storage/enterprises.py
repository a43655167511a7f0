"""Copies of enterprises: a name for pages, and who speaks for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.enterprise import EnterpriseState
from shared.db import Connection


@dataclass(frozen=True, slots=True)
class Enterprise:
    """As much of an enterprise as visits needs."""

    enterprise_id: UUID
    name: str
    country: str


SAVE_ENTERPRISE = """
    insert into enterprises (enterprise_id, name, country, region, zone, contact_ids, active)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (enterprise_id) do update set
        name = excluded.name, country = excluded.country, region = excluded.region, zone = excluded.zone,
        contact_ids = excluded.contact_ids, active = excluded.active
"""


async def save_enterprise(conn: Connection, state: EnterpriseState) -> None:
    """Take over what directory says."""
    await conn.execute(
        SAVE_ENTERPRISE,
        state.enterprise_id,
        state.name,
        state.country,
        state.region,
        state.zone,
        list(state.contact_ids),
        state.active,
    )


async def delete_enterprise(conn: Connection, enterprise_id: UUID) -> None:
    """Erased in directory: gone here."""
    await conn.execute("delete from enterprises where enterprise_id = $1", enterprise_id)


async def get_enterprise(conn: Connection, enterprise_id: UUID) -> Enterprise | None:
    """One enterprise, None when unknown or erased."""
    row = await conn.fetchrow("select enterprise_id, name, country from enterprises where enterprise_id = $1", enterprise_id)
    return Enterprise(**dict(row)) if row else None


LIST_ENTERPRISE_NAMES = "select enterprise_id, name from enterprises where enterprise_id = any($1::uuid[])"


async def list_enterprise_names(conn: Connection, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names by id, for pages."""
    wanted = list({one for one in ids if one is not None})
    rows = await conn.fetch(LIST_ENTERPRISE_NAMES, wanted) if wanted else []
    return {row["enterprise_id"]: row["name"] for row in rows}


LIST_CONTACTS = """
    select e.enterprise_id, p.person_id
    from enterprises e cross join lateral unnest(e.contact_ids) with ordinality as c (person_id, place)
    join people p on p.person_id = c.person_id and p.active
    where e.enterprise_id = any($1::uuid[]) order by e.enterprise_id, c.place
"""


async def list_first_contacts(conn: Connection, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The first active contact of each enterprise: directory names the manager first."""
    found: dict[UUID, UUID] = {}
    for row in await conn.fetch(LIST_CONTACTS, list(ids)):
        found.setdefault(row["enterprise_id"], row["person_id"])
    return found
