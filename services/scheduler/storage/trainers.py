"""What trainers may do and when they cannot: qualifications, leave, public holidays. Kept by the person's short key,
so that it does not matter whether the person or the qualification arrives first.
"""

from datetime import date

from shared.db import Connection, Record

LIST_POOL = """
    select p.person_id, p.key_name, p.name,
           coalesce(array_agg(distinct c.module) filter (
               where c.level <> 'candidate' and c.valid_from <= $4 and coalesce(c.valid_to, $3) >= $3), '{}') as certified
    from people p join trainers t on t.person_key = p.key_name
    left join certificates c on c.person_key = p.key_name
    where p.country = $1 and p.trainer and p.active and ($2::text[] is null or p.key_name = any($2))
    group by p.person_id, p.key_name, p.name order by p.name
"""


async def list_pool(
    conn: Connection, country: str, keys: list[str] | None, first: date, last: date
) -> list[Record]:
    """Active trainers of a country with the modules they are certified for on a day between two days."""
    rows: list[Record] = await conn.fetch(LIST_POOL, country, keys, first, last)
    return rows


GET_TRAINERS = "select * from trainers where person_key = any($1::text[])"
SAVE_TRAINER = """
    insert into trainers (person_key, latitude, longitude, region, working_weekdays, max_visits_per_day,
                          max_visits_per_week, conflicts)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (person_key) do update set latitude = excluded.latitude, longitude = excluded.longitude,
        region = excluded.region, working_weekdays = excluded.working_weekdays,
        max_visits_per_day = excluded.max_visits_per_day, max_visits_per_week = excluded.max_visits_per_week,
        conflicts = excluded.conflicts
"""
GET_CERTIFICATES = "select * from certificates where person_key = any($1::text[])"
SAVE_CERTIFICATE = """
    insert into certificates (person_key, module, level, valid_from, valid_to) values ($1, $2, $3, $4, $5)
    on conflict (person_key, module, level, valid_from) do update set valid_to = excluded.valid_to
"""
GET_LEAVE = "select * from leave where person_key = any($1::text[])"
SAVE_LEAVE = """
    insert into leave (person_key, first, last) values ($1, $2, $3)
    on conflict (person_key, first) do update set last = excluded.last
"""
GET_HOLIDAYS = "select * from holidays where country = any($1::text[])"
SAVE_HOLIDAY = """
    insert into holidays (country, region, day, name) values ($1, $2, $3, $4)
    on conflict (country, day, region) do update set name = excluded.name
"""


async def list_trainers(conn: Connection, keys: list[str]) -> list[Record]:
    """Trainers by key."""
    rows: list[Record] = await conn.fetch(GET_TRAINERS, keys)
    return rows


async def list_certificates(conn: Connection, keys: list[str]) -> list[Record]:
    """Certificates by their holders' keys."""
    rows: list[Record] = await conn.fetch(GET_CERTIFICATES, keys)
    return rows


async def list_leave(conn: Connection, keys: list[str]) -> list[Record]:
    """Leave by key."""
    rows: list[Record] = await conn.fetch(GET_LEAVE, keys)
    return rows


async def list_holidays(conn: Connection, countries: list[str]) -> list[Record]:
    """Public holidays of countries."""
    rows: list[Record] = await conn.fetch(GET_HOLIDAYS, countries)
    return rows


async def save_trainers(conn: Connection, rows: list[tuple[object, ...]]) -> None:
    """Trainers, columns as in the table."""
    await conn.executemany(SAVE_TRAINER, rows)


async def save_certificates(conn: Connection, rows: list[tuple[object, ...]]) -> None:
    """Certificates, columns as in the table."""
    await conn.executemany(SAVE_CERTIFICATE, rows)


async def save_leave(conn: Connection, rows: list[tuple[object, ...]]) -> None:
    """Leave, columns as in the table."""
    await conn.executemany(SAVE_LEAVE, rows)


async def save_holidays(conn: Connection, rows: list[tuple[object, ...]]) -> None:
    """Public holidays, columns as in the table."""
    await conn.executemany(SAVE_HOLIDAY, rows)


LIST_PEOPLE_KEYS = "select key_name, country from people where key_name = any($1::text[])"
LIST_ENTERPRISE_KEYS = "select key_name, country from enterprises where key_name = any($1::text[])"


async def list_people_keys(conn: Connection, keys: list[str]) -> dict[str, str]:
    """Country by key, of the people that are known."""
    return {row["key_name"]: row["country"] for row in await conn.fetch(LIST_PEOPLE_KEYS, keys)}


async def list_enterprise_keys(conn: Connection, keys: list[str]) -> dict[str, str]:
    """Country by key, of the enterprises that are known."""
    return {row["key_name"]: row["country"] for row in await conn.fetch(LIST_ENTERPRISE_KEYS, keys)}
