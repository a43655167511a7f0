"""Before anything is published: by which channel, and not before when, each person would be told of it.

The same routing that a real message takes, for an ordinary message sent now. Addresses are not told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.deps import Deps
from services.notifications.domain.recipient import Recipient
from services.notifications.domain.routing import outside_quiet_hours
from services.notifications.storage import enterprises, people
from shared.db import Connection, transaction


@dataclass(frozen=True, slots=True)
class Reach:
    """`about` is the person, or the enterprise whose contact it is. No channel: nothing reaches them."""

    about: UUID
    person_id: UUID | None
    channel: str | None
    not_before: datetime | None
    language: str | None


async def foresee_reach(
    person_ids: Sequence[UUID], enterprise_ids: Sequence[UUID], countries: frozenset[str], *, deps: Deps
) -> list[Reach]:
    """One entry for each person, and for each contact of each enterprise. Those of other countries are left out."""
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        asked = [(one, one) for one in await people.list_in_countries(conn, person_ids, sorted(countries))]
        asked += await _contacts(conn, enterprise_ids, countries)
        known = await people.get_recipients(conn, [person for _, person in asked])
    found = [_reach(about, known.get(person), person, now) for about, person in asked]
    silent = set(enterprise_ids) - {about for about, _ in asked}
    return found + [Reach(one, None, None, None, None) for one in sorted(silent)]


async def name_reached(found: Sequence[Reach], *, deps: Deps) -> dict[UUID, str]:
    """Names of the people and enterprises, for a page."""
    ids = [one for reach in found for one in (reach.about, reach.person_id) if one is not None]
    async with transaction(deps.pool) as conn:
        known = await people.get_recipients(conn, ids)
        sites = await enterprises.get_enterprises(conn, ids)
    return {one: who.name for one, who in known.items()} | {one: row["name"] for one, row in sites.items()}


async def _contacts(
    conn: Connection, enterprise_ids: Sequence[UUID], countries: frozenset[str]
) -> list[tuple[UUID, UUID]]:
    rows = await enterprises.get_enterprises(conn, enterprise_ids)
    return [
        (one, contact) for one, row in rows.items() if row["country"] in countries for contact in row["contact_ids"]
    ]


def _reach(about: UUID, recipient: Recipient | None, person_id: UUID, now: datetime) -> Reach:
    channels = recipient.channels() if recipient else ()
    if recipient is None or not channels:
        return Reach(about, person_id, None, None, recipient.reads if recipient else None)
    return Reach(about, person_id, channels[0], outside_quiet_hours(recipient, now), recipient.reads)
