"""Copies of people and enterprises: what planning and its pages need, and no contact point."""

from uuid import UUID

from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import PersonState
from shared.contracts.values import Role
from shared.db import Connection, Record

SAVE_PERSON = """
    insert into people (person_id, key_name, name, country, languages, trainer, active)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (person_id) do update set key_name = excluded.key_name, name = excluded.name,
        country = excluded.country, languages = excluded.languages, trainer = excluded.trainer, active = excluded.active
"""


async def save_person(conn: Connection, person: PersonState) -> None:
    """The newest state of a person."""
    await conn.execute(
        SAVE_PERSON,
        person.person_id,
        person.key_name,
        person.name,
        person.country,
        list(person.languages or (person.language,)),
        Role.TRAINER in person.roles,
        person.active,
    )


DELETE_PERSON = "delete from people where person_id = $1 returning key_name, country"
DELETE_TRAINER = """
    with gone as (delete from trainers where person_key = $1), certificates_gone as (
        delete from certificates where person_key = $1)
    delete from leave where person_key = $1
"""


async def delete_person(conn: Connection, person_id: UUID) -> str | None:
    """Erase somebody with everything kept under their key; returns their country. Their id stays in facts."""
    row = await conn.fetchrow(DELETE_PERSON, person_id)
    if row is None:
        return None
    await conn.execute(DELETE_TRAINER, row["key_name"])
    country: str = row["country"]
    return country


SAVE_ENTERPRISE = """
    insert into enterprises (enterprise_id, key_name, name, country, region, zone, latitude, longitude,
                             working_weekdays, manager_languages, worker_languages, closed, active)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (enterprise_id) do update set key_name = excluded.key_name, name = excluded.name,
        country = excluded.country, region = excluded.region, zone = excluded.zone, latitude = excluded.latitude,
        longitude = excluded.longitude, working_weekdays = excluded.working_weekdays,
        manager_languages = excluded.manager_languages, worker_languages = excluded.worker_languages,
        closed = excluded.closed, active = excluded.active
"""


async def save_enterprise(conn: Connection, one: EnterpriseState) -> None:
    """The newest state of an enterprise."""
    await conn.execute(
        SAVE_ENTERPRISE,
        one.enterprise_id,
        one.key_name,
        one.name,
        one.country,
        one.region,
        one.zone,
        one.latitude,
        one.longitude,
        list(one.working_weekdays),
        list(one.manager_languages),
        list(one.worker_languages),
        [[span.first.isoformat(), span.last.isoformat()] for span in one.closed],
        one.active,
    )


HIDE_ENTERPRISE = """
    update enterprises set active = false, name = '(erased)', latitude = 0, longitude = 0
    where enterprise_id = $1 returning country
"""


async def erase_enterprise(conn: Connection, enterprise_id: UUID) -> str | None:
    """An erased enterprise keeps its id, zone and country, which its past visits need; returns the country."""
    country: str | None = await conn.fetchval(HIDE_ENTERPRISE, enterprise_id)
    return country


LIST_COUNTRIES = "select distinct country from enterprises order by country"


async def list_countries(conn: Connection) -> list[str]:
    """Countries in which there is an enterprise."""
    return [row["country"] for row in await conn.fetch(LIST_COUNTRIES)]


FIND_ENTERPRISES = """
    select e.*, (select c.name from cohort_enterprises ce join cohorts c using (cohort_id)
                 where ce.enterprise_id = e.enterprise_id and ce.module = $3 and ce.open limit 1) as open_cohort
    from enterprises e where e.key_name = any($1::text[]) or e.enterprise_id = any($2::uuid[])
"""


async def find_enterprises(conn: Connection, keys: list[str], ids: list[UUID], module: str) -> list[Record]:
    """Enterprises by key or id, each with the name of an open cohort of the module that it is in."""
    rows: list[Record] = await conn.fetch(FIND_ENTERPRISES, keys, ids, module)
    return rows


GET_ENTERPRISE = "select * from enterprises where enterprise_id = $1"


async def get_enterprise(conn: Connection, enterprise_id: UUID) -> Record | None:
    """One enterprise."""
    return await conn.fetchrow(GET_ENTERPRISE, enterprise_id)


SEARCH_ENTERPRISES = """
    select e.enterprise_id, e.key_name, e.name, e.region,
           (select c.name from cohort_enterprises ce join cohorts c using (cohort_id)
            where ce.enterprise_id = e.enterprise_id and ce.module = $3 and ce.open limit 1) as open_cohort
    from enterprises e
    where e.country = $1 and e.active and
          (e.name ilike $2 escape '!' or e.key_name ilike $2 escape '!' or e.region ilike $2 escape '!'
           or e.enterprise_id = any($4::uuid[]))
    order by (e.enterprise_id = any($4::uuid[])) desc, e.name limit $5
"""


async def search_enterprises(
    conn: Connection, country: str, text: str, module: str, chosen: list[UUID], limit: int
) -> list[Record]:
    """Active enterprises of a country by name, key or region; those already chosen stand first."""
    for special in "!%_":
        text = text.replace(special, "!" + special)
    rows: list[Record] = await conn.fetch(SEARCH_ENTERPRISES, country, f"%{text}%", module, chosen, limit)
    return rows
