"""The first person of an installation, who brings in all others; and their token, again, if it was lost."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.directory.domain.people import ADMINISTRATOR, Person
from services.directory.domain.sign_in import hash_address, normal_address
from services.directory.storage import people, sessions, states
from shared.crypto import hash_token, new_token
from shared.db import Pool, transaction
from shared.errors import Rejected
from shared.ids import new_id

LABEL = "first administrator"
_TOKEN_DAYS = 365


@dataclass(frozen=True, slots=True)
class CreateFirstAdministrator:
    """`roles` beside administrator, and `countries` in which they count, are for one-person installations."""

    email: str
    name: str
    key_name: str
    country: str
    roles: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    zone: str = "UTC"


async def create_first_administrator(cmd: CreateFirstAdministrator, *, pool: Pool, now: datetime) -> tuple[UUID, str]:
    """The administrator's id and a new CLI token.

    On a database where this address already belongs to an administrator (the token was lost, or we died before
    it was written down) only the token is made anew, and the earlier one ends. Any other database is refused:
    being able to start a program is no way to become administrator of an installation at work.
    """
    async with transaction(pool) as conn:
        await states.claim_register(conn)
        if await people.get_is_empty(conn):
            person = _administrator(cmd)
            await people.insert_people(conn, [person], now=now)
            await people.save_contact_points(conn, [person], source="first administrator", now=now)
            await states.emit_people(conn, [person.person_id], now=now)
        else:
            known = await people.get_person_by_address(conn, hash_address(cmd.email))
            if known is None or ADMINISTRATOR not in known.roles:
                raise Rejected(
                    "not_empty", 409, "There are people in this installation already; ask one of its administrators."
                )
            person = known
            await sessions.mark_labelled_ended(conn, person.person_id, LABEL)
        token = new_token()
        await sessions.insert_session(
            conn, new_id(), hash_token(token), person.person_id, kind="token", label=LABEL, days=_TOKEN_DAYS
        )
    return person.person_id, token


def _administrator(cmd: CreateFirstAdministrator) -> Person:
    return Person(
        person_id=new_id(),
        key_name=cmd.key_name,
        name=cmd.name,
        country=cmd.country,
        roles=tuple(sorted({ADMINISTRATOR, *cmd.roles})),
        countries=tuple(sorted({cmd.country, *cmd.countries})),
        language="en",
        zone=cmd.zone,
        email=normal_address(cmd.email),
    )
