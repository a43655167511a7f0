"""A country's table of roads, and everywhere that its planning drives to.

The document is written whole; what is read are rows of it (`road_rows`, which a trigger keeps in step), because the document
of 800 places is 8.5 MB, and taking it apart holds up everything else that the service does.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from shared.db import Connection, Record

Place = tuple[float, float]
"""Latitude and longitude in degrees."""

GET_ROADS = "select places, changed_at from roads where country = $1"


async def get_roads(conn: Connection, country: str) -> Record | None:
    """How many places there are, and since when. None where there is no table yet."""
    return await conn.fetchrow(GET_ROADS, country)


LIST_ROWS = """
    select r.number, r.latitude, r.longitude, r.minutes, r.km
    from road_rows r
    where r.country = $1 and (r.place_latitude, r.place_longitude) in (
        select round(w.latitude::numeric, 5), round(w.longitude::numeric, 5)
        from unnest($2::double precision[], $3::double precision[]) as w (latitude, longitude)
    )
    order by r.number
"""


async def get_roads_between(conn: Connection, country: str, places: Iterable[Place]) -> dict[str, Any] | None:
    """The table for these places only: what is counted for all holds for some of them. None where roads are estimated."""
    if await get_roads(conn, country) is None:
        return None
    wanted = list(dict.fromkeys(places))
    rows = await conn.fetch(LIST_ROWS, country, [one[0] for one in wanted], [one[1] for one in wanted])
    columns = [row["number"] - 1 for row in rows]
    cut = itemgetter(*columns) if len(columns) > 1 else lambda row: tuple(row[n] for n in columns)
    told: dict[str, Any] = {
        "places": [{"lat": row["latitude"], "lon": row["longitude"]} for row in rows],
        "minutes": [cut(row["minutes"]) for row in rows],
    }
    if rows and rows[0]["km"] is not None:
        told["km"] = [cut(row["km"]) for row in rows]
    return told


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


_EVERYWHERE = """
    (
        select e.key_name, e.latitude, e.longitude from enterprises e where e.country = $1 and e.active
        union all
        select p.key_name, t.latitude, t.longitude from people p join trainers t on t.person_key = p.key_name
        where p.country = $1 and p.trainer and p.active
    ) one
    left join road_rows r on r.country = $1 and r.place_latitude = round(one.latitude::numeric, 5)
        and r.place_longitude = round(one.longitude::numeric, 5)
"""
LIST_PLACES = f"""
    select one.key_name, one.latitude, one.longitude,
           coalesce(cardinality(r.minutes) = 1 or cardinality(array_remove(r.minutes, null)) > 1, false) as has_row
    from {_EVERYWHERE} order by 1
"""
HAS_PLACE_WITHOUT_ROW = f"select exists (select from {_EVERYWHERE} where r.number is null)"


async def list_places(conn: Connection, country: str) -> list[Record]:
    """Sites and homes by the keys of enterprises and people, and whether the table knows a way to anywhere for them."""
    rows: list[Record] = await conn.fetch(LIST_PLACES, country)
    return rows


async def has_place_without_row(conn: Connection, country: str) -> bool:
    """Whether the table has not heard of some site or home."""
    return bool(await conn.fetchval(HAS_PLACE_WITHOUT_ROW, country))
