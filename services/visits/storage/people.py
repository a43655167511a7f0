"""Copies of people: who has which role where, and who reports to whom. No contact points."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.person import PersonState
from shared.db import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """As much of a person as visits needs."""

    person_id: UUID
    name: str
    roles: tuple[str, ...]
    countries: tuple[str, ...]
    zone: str
    active: bool
    enterprise_id: UUID | None
    line_manager_id: UUID | None = None


SAVE_PERSON = """
    insert into people (person_id, name, country, roles, countries, language, zone, active, line_manager_id, enterprise_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (person_id) do update set
        name = excluded.name, country = excluded.country, roles = excluded.roles, countries = excluded.countries,
        language = excluded.language, zone = excluded.zone, active = excluded.active,
        line_manager_id = excluded.line_manager_id, enterprise_id = excluded.enterprise_id
"""


async def save_person(conn: Connection, state: PersonState) -> None:
    """Take over what directory says; a person without country groups counts in their own country."""
    await conn.execute(
        SAVE_PERSON,
        state.person_id,
        state.name,
        state.country,
        [str(role) for role in state.roles],
        list(state.countries) or [state.country],
        state.language,
        state.zone,
        state.active,
        state.line_manager_id,
        state.enterprise_id,
    )


async def delete_person(conn: Connection, person_id: UUID) -> None:
    """Erased in directory: gone here."""
    await conn.execute("delete from people where person_id = $1", person_id)


GET_PERSON = """
    select person_id, name, roles, countries, zone, active, enterprise_id, line_manager_id from people where person_id = $1
"""


async def get_person(conn: Connection, person_id: UUID) -> Person | None:
    """One person, None when unknown or erased."""
    row = await conn.fetchrow(GET_PERSON, person_id)
    if row is None:
        return None
    return Person(
        row["person_id"],
        row["name"],
        tuple(row["roles"]),
        tuple(row["countries"]),
        row["zone"],
        row["active"],
        row["enterprise_id"],
        row["line_manager_id"],
    )


LIST_NAMES = "select person_id, name from people where person_id = any($1::uuid[])"


async def list_names(conn: Connection, person_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names by id, for pages; whoever was erased is missing."""
    wanted = list({person_id for person_id in person_ids if person_id is not None})
    return {row["person_id"]: row["name"] for row in await conn.fetch(LIST_NAMES, wanted)} if wanted else {}


LIST_UNKNOWN = """
    select wanted from unnest($1::uuid[]) wanted where not exists (select from people where person_id = wanted)
"""


async def list_unknown(conn: Connection, person_ids: Iterable[UUID]) -> list[UUID]:
    """Which of these ids are nobody we know."""
    return [row["wanted"] for row in await conn.fetch(LIST_UNKNOWN, list(person_ids))]


LIST_BY_ROLE = """
    select person_id, unnest(roles) as role from people
    where active and $1 = any(countries) and roles && $2::text[]
    order by person_id
"""


async def list_by_role(conn: Connection, country: str, roles: Iterable[str]) -> dict[str, tuple[UUID, ...]]:
    """The active persons with each of these roles for a country."""
    wanted = list(roles)
    found: dict[str, tuple[UUID, ...]] = dict.fromkeys(wanted, ())
    for row in await conn.fetch(LIST_BY_ROLE, country, wanted):
        if row["role"] in found:
            found[row["role"]] += (row["person_id"],)
    return found


@dataclass(frozen=True, slots=True)
class Officials:
    """Who may be told of a case: by role in its country, programme heads of other countries, administrators anywhere."""

    by_role: dict[str, tuple[UUID, ...]]
    heads_elsewhere: tuple[UUID, ...]
    administrators: tuple[UUID, ...]


LIST_OFFICIALS = """
    select person_id, roles, $1 = any(countries) as here from people
    where active and (($1 = any(countries) and roles && $2::text[]) or roles && array['head', 'administrator'])
    order by person_id
"""


async def list_officials(conn: Connection, country: str, roles: Iterable[str]) -> Officials:
    """The active ones, of these roles where it is about the country."""
    by_role: dict[str, tuple[UUID, ...]] = dict.fromkeys(roles, ())
    rows = await conn.fetch(LIST_OFFICIALS, country, list(by_role))
    for row in rows:
        for role in by_role.keys() & row["roles"] if row["here"] else ():
            by_role[role] += (row["person_id"],)
    heads = tuple(row["person_id"] for row in rows if not row["here"] and "head" in row["roles"])
    return Officials(by_role, heads, tuple(row["person_id"] for row in rows if "administrator" in row["roles"]))


async def hold_line(conn: Connection) -> None:
    """Let nobody's line change until the transaction ends.

    Without it a line that changes while a case names somebody in it could miss the case, and the case the line.
    """
    await conn.execute("lock table people in share mode")


async def list_managers(conn: Connection) -> dict[UUID, UUID]:
    """Who reports to whom, all of it: a programme has hundreds of people, not millions."""
    rows = await conn.fetch("select person_id, line_manager_id from people where line_manager_id is not null")
    return {row["person_id"]: row["line_manager_id"] for row in rows}


LIST_NAMEABLE = """
    select person_id, name from people
    where active and ((country = $1 and not ('enterprise' = any(roles))) or enterprise_id = any($2::uuid[]))
    order by name limit 200
"""


async def list_nameable(conn: Connection, country: str, enterprise_ids: Iterable[UUID]) -> list[tuple[UUID, str]]:
    """Whom a suspicion may name: the programme's own people of the country and the enterprise's contacts."""
    rows = await conn.fetch(LIST_NAMEABLE, country, list(enterprise_ids))
    return [(row["person_id"], row["name"]) for row in rows]
