"""A country's table of roads, and everywhere that its planning drives to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.db import Connection, Record

GET_ROADS = "select places, document, changed_at from roads where country = $1"


async def get_roads(conn: Connection, country: str) -> Record | None:
    """None where roads are estimated."""
    return await conn.fetchrow(GET_ROADS, country)


SAVE_ROADS = """
    insert into roads (country, places, document, changed_at, changed_by) values ($1, $2, $3, $4, $5)
    on conflict (country) do update set places = excluded.places, document = excluded.document,
        changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""


async def save_roads(
    conn: Connection, country: str, document: Mapping[str, Any], *, by: UUID | None, now: datetime
) -> None:
    """Replace what there was. The country's world is locked."""
    await conn.execute(SAVE_ROADS, country, len(document["places"]), dict(document), now, by)


DELETE_ROADS = "delete from roads where country = $1"


async def delete_roads(conn: Connection, country: str) -> None:
    """Estimated again from now on."""
    await conn.execute(DELETE_ROADS, country)


LIST_PLACES = """
    select e.key_name, e.latitude, e.longitude from enterprises e where e.country = $1 and e.active
    union all
    select p.key_name, t.latitude, t.longitude from people p join trainers t on t.person_key = p.key_name
    where p.country = $1 and p.trainer and p.active
    order by 1
"""


async def list_places(conn: Connection, country: str) -> list[Record]:
    """Sites and homes by the keys of enterprises and people."""
    rows: list[Record] = await conn.fetch(LIST_PLACES, country)
    return rows
