"""Copies of people, and what they chose for themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.quiet_hours import QuietHours
from services.notifications.domain.recipient import ContactPoint, Preferences, Recipient
from shared.contracts.person import PersonState
from shared.db import Connection, Record

SAVE_PERSON = """
    insert into people (person_id, name, country, roles, countries, language, zone, active, contact_points)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (person_id) do update
    set name = excluded.name, country = excluded.country, roles = excluded.roles, countries = excluded.countries,
        language = excluded.language, zone = excluded.zone, active = excluded.active,
        contact_points = excluded.contact_points
"""


async def save_person(conn: Connection, person: PersonState) -> None:
    """Replace the copy of a person."""
    await conn.execute(
        SAVE_PERSON,
        person.person_id,
        person.name,
        person.country,
        [role.value for role in person.roles],
        list(person.countries),
        person.language,
        person.zone,
        person.active,
        [point.model_dump(mode="json") for point in person.contact_points],
    )


DELETE_PERSON = "delete from people where person_id = $1"
DELETE_PREFERENCES = "delete from preferences where person_id = $1"


async def delete_person(conn: Connection, person_id: UUID) -> None:
    """Forget name, contact points and preferences; messages keep the bare id."""
    await conn.execute(DELETE_PERSON, person_id)
    await conn.execute(DELETE_PREFERENCES, person_id)


LIST_RECIPIENTS = """
    select p.person_id, p.name, p.language, p.zone, p.active, p.contact_points,
           c.person_id is not null as chose, c.channels, c.quiet_from, c.quiet_until, c.language as preferred
    from people p left join preferences c using (person_id)
    where p.person_id = any($1::uuid[])
"""


async def get_recipients(conn: Connection, person_ids: Sequence[UUID]) -> dict[UUID, Recipient]:
    """Those of the people who are known."""
    rows = await conn.fetch(LIST_RECIPIENTS, list(person_ids))
    return {row["person_id"]: _recipient(row) for row in rows}


LIST_IN_COUNTRIES = """
    select person_id from people
    where person_id = any($1::uuid[]) and (country = any($2::text[]) or countries && $2::text[]) order by person_id
"""


async def list_in_countries(conn: Connection, person_ids: Sequence[UUID], countries: Sequence[str]) -> list[UUID]:
    """Those of the people who belong to one of the countries."""
    return [row["person_id"] for row in await conn.fetch(LIST_IN_COUNTRIES, list(person_ids), list(countries))]


LIST_ERASED = "select aggregate from state_copies where topic = $1 and aggregate = any($2::uuid[]) and erased"


async def list_erased(conn: Connection, topic: str, keys: Sequence[UUID]) -> set[UUID]:
    """Which of the keys were known once and are erased: nobody needs to wait for them."""
    return {row["aggregate"] for row in await conn.fetch(LIST_ERASED, topic, list(keys))}


LIST_HOLDERS = """
    select person_id from people where active and roles && array[$1] and ($2::text is null or $2 = any(countries))
    order by person_id
"""


async def list_holders(conn: Connection, role: str, country: str | None) -> list[UUID]:
    """Who holds a role in a country (None: anywhere)."""
    return [row["person_id"] for row in await conn.fetch(LIST_HOLDERS, role, country)]


GET_PREFERENCES = "select * from preferences where person_id = $1"


async def get_preferences(conn: Connection, person_id: UUID) -> Preferences:
    """What somebody chose, or the defaults."""
    row = await conn.fetchrow(GET_PREFERENCES, person_id)
    if row is None:
        return Preferences()
    return Preferences(tuple(row["channels"]), _quiet(row), row["language"])


SAVE_PREFERENCES = """
    insert into preferences (person_id, channels, quiet_from, quiet_until, language, updated_at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (person_id) do update
    set channels = excluded.channels, quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
        language = excluded.language, updated_at = excluded.updated_at
"""


async def save_preferences(conn: Connection, person_id: UUID, chosen: Preferences, *, now: datetime) -> None:
    """Replace somebody's choice."""
    quiet = chosen.quiet
    await conn.execute(
        SAVE_PREFERENCES,
        person_id,
        list(chosen.channels),
        quiet.starts if quiet else None,
        quiet.ends if quiet else None,
        chosen.language,
        now,
    )


def _recipient(row: Record) -> Recipient:
    chosen = Preferences(tuple(row["channels"]), _quiet(row), row["preferred"]) if row["chose"] else Preferences()
    points: list[dict[str, Any]] = row["contact_points"]
    return Recipient(
        row["person_id"],
        row["name"],
        row["language"],
        row["zone"],
        row["active"],
        tuple(ContactPoint(point["channel"], point["address"], point["verified"]) for point in points),
        chosen,
    )


def _quiet(row: Record) -> QuietHours | None:
    return QuietHours(row["quiet_from"], row["quiet_until"]) if row["quiet_from"] is not None else None
