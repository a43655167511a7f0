"""Rows of people and their contact points."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.directory.domain.people import Person
from services.directory.domain.sign_in import hash_address
from shared.db import Connection, Record

_COLUMNS = """
    p.person_id, p.key_name, p.name, p.country, p.roles, p.countries, p.language, p.zone, p.languages,
    p.line_manager_id, p.enterprise_id, p.active, e.address as email, s.address as phone
"""
_FROM = """
    from people p
    left join contact_points e on e.person_id = p.person_id and e.channel = 'email'
    left join contact_points s on s.person_id = p.person_id and s.channel = 'sms'
"""

GET_PERSON = f"select {_COLUMNS} {_FROM} where p.person_id = $1 and p.erased_key is null"


async def get_person(conn: Connection, person_id: UUID) -> Person | None:
    """None when there is none, or they were erased."""
    row = await conn.fetchrow(GET_PERSON, person_id)
    return person_of(row) if row else None


LOCK_PERSON = "select person_id from people where person_id = $1 and erased_key is null for update"


async def claim_person(conn: Connection, person_id: UUID) -> Person | None:
    """The person, locked until the transaction ends."""
    if await conn.fetchval(LOCK_PERSON, person_id) is None:
        return None
    return await get_person(conn, person_id)


LIST_ALL = f"select {_COLUMNS} {_FROM} where p.erased_key is null"


async def list_all_people(conn: Connection) -> list[Person]:
    """The whole register, for an import: references and circles go across all of it."""
    return [person_of(row) for row in await conn.fetch(LIST_ALL)]


LIST_PEOPLE = f"""
    select {_COLUMNS} {_FROM}
    where p.erased_key is null
      and ($1::text[] is null or p.country = any($1) or p.countries && $1)
      and ($2::text is null or $2 = any(p.roles))
      and ($3::text is null or p.country = $3 or $3 = any(p.countries))
      and ($4::text is null or p.name ilike $4 or p.key_name ilike $4)
      and ($5::text is null or (p.name, p.person_id) > ($5, $6::uuid))
    order by p.name, p.person_id
    limit $7
"""


async def list_people(
    conn: Connection,
    *,
    within: Sequence[str] | None,
    role: str | None,
    country: str | None,
    containing: str | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Person]:
    """A page of people by name. `within` bounds the countries; None: all of them."""
    pattern = f"%{_literal(containing)}%" if containing else None
    name, person_id = after or (None, None)
    rows = await conn.fetch(LIST_PEOPLE, within, role, country, pattern, name, person_id, limit)
    return [person_of(row) for row in rows]


LIST_BY_IDS = f"select {_COLUMNS} {_FROM} where p.person_id = any($1::uuid[]) and p.erased_key is null"


async def list_people_by_ids(conn: Connection, ids: Sequence[UUID]) -> list[Person]:
    """These people, in no order; erased ones are left out."""
    return [person_of(row) for row in await conn.fetch(LIST_BY_IDS, ids)]


ANY_PERSON = "select exists (select from people)"


async def get_is_empty(conn: Connection) -> bool:
    """Whether nobody was ever entered."""
    return not await conn.fetchval(ANY_PERSON)


LIST_ERASED = "select erased_key from people where erased_key = any($1::bytea[])"


async def list_erased(conn: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Which of these hashed keys belonged to people who were erased."""
    return {row["erased_key"] for row in await conn.fetch(LIST_ERASED, hashes)}


INSERT_PERSON = """
    insert into people (person_id, key_name, name, country, roles, countries, language, zone, languages,
                        line_manager_id, enterprise_id, active, created_at, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
"""


async def insert_people(conn: Connection, people: Sequence[Person], *, now: datetime) -> None:
    """New rows, without contact points."""
    await conn.executemany(INSERT_PERSON, [_values(person, now) for person in people])


SAVE_PERSON = """
    update people set key_name = $2, name = $3, country = $4, roles = $5, countries = $6, language = $7, zone = $8,
           languages = $9, line_manager_id = $10, enterprise_id = $11, active = $12, changed_at = $13
    where person_id = $1
"""
LOCK_PEOPLE = "select person_id from people where person_id = any($1::uuid[]) order by person_id for update"


async def save_people(conn: Connection, people: Sequence[Person], *, now: datetime) -> None:
    """Write changed rows, locked in the order of their ids, without contact points."""
    await conn.execute(LOCK_PEOPLE, [person.person_id for person in people])
    await conn.executemany(SAVE_PERSON, [_values(person, now) for person in people])


SAVE_CONTACT = """
    insert into contact_points (person_id, channel, address, address_hash, verified_at, source)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (person_id, channel) do update
    set address = excluded.address, address_hash = excluded.address_hash,
        verified_at = excluded.verified_at, source = excluded.source
    where contact_points.address <> excluded.address
"""
DELETE_CHANGED_CONTACTS = """
    delete from contact_points c using unnest($1::uuid[], $2::text[], $3::text[]) as kept (person_id, email, phone)
    where c.person_id = kept.person_id
      and c.address is distinct from case c.channel when 'email' then kept.email else kept.phone end
    returning c.person_id, c.channel
"""


async def save_contact_points(conn: Connection, people: Sequence[Person], *, source: str, now: datetime) -> list[UUID]:
    """Make the contact points what they are in `people`; whoever brings them vouches for them, so they are verified.

    What changes is deleted first: two people who swap their addresses never both have one of them.
    Returns who lost the e-mail address they had.
    """
    ids, emails, phones = (
        [person.person_id for person in people],
        [person.email for person in people],
        [person.phone for person in people],
    )
    gone = await conn.fetch(DELETE_CHANGED_CONTACTS, ids, emails, phones)
    points = [
        (person.person_id, channel, address, hash_address(address), now, source)
        for person in people
        for channel, address in (("email", person.email), ("sms", person.phone))
        if address
    ]
    await conn.executemany(SAVE_CONTACT, points)
    return [row["person_id"] for row in gone if row["channel"] == "email"]


ERASE_PERSON = """
    update people set key_name = 'erased-' || person_id, name = 'Erased person', roles = '{}', countries = '{}',
           language = 'en', zone = 'UTC', languages = '{}', line_manager_id = null, enterprise_id = null,
           active = false, erased_key = $2, changed_at = $3
    where person_id = $1
"""
DELETE_CONTACTS = "delete from contact_points where person_id = $1"


async def mark_erased(conn: Connection, person_id: UUID, key_hash: bytes, *, now: datetime) -> None:
    """Take away everything that says who it was. The id stays: facts of other services refer to it."""
    await conn.execute(DELETE_CONTACTS, person_id)
    await conn.execute(ERASE_PERSON, person_id, key_hash, now)


RELEASE_REPORTS = """
    update people set line_manager_id = null, changed_at = $2 where line_manager_id = $1 returning person_id
"""


async def mark_without_manager(conn: Connection, manager_id: UUID, *, now: datetime) -> list[UUID]:
    """Who had this line manager has none now; returns them."""
    return [row["person_id"] for row in await conn.fetch(RELEASE_REPORTS, manager_id, now)]


COUNT_ADMINISTRATORS = "select count(*) from people where active and 'administrator' = any(roles)"


async def get_administrator_count(conn: Connection) -> int:
    """How many can administer."""
    count: int = await conn.fetchval(COUNT_ADMINISTRATORS)
    return count


GET_BY_ADDRESS = """
    select c.person_id from contact_points c join people p using (person_id)
    where c.channel = 'email' and c.address_hash = $1 and c.verified_at is not null and p.active
"""


async def get_person_by_address(conn: Connection, address_hash: bytes) -> Person | None:
    """Whose verified e-mail address this is."""
    person_id = await conn.fetchval(GET_BY_ADDRESS, address_hash)
    return await get_person(conn, person_id) if person_id else None


def person_of(row: Record) -> Person:
    """A row as the domain's value."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row.items()
        if name in Person.__dataclass_fields__
    }
    return Person(**values)


def _values(person: Person, now: datetime) -> tuple[object, ...]:
    return (
        person.person_id, person.key_name, person.name, person.country, person.roles, person.countries,
        person.language, person.zone, person.languages, person.line_manager_id, person.enterprise_id,
        person.active, now,
    )  # fmt: skip


def _literal(text: str) -> str:
    """A text in which LIKE finds itself and nothing else."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
