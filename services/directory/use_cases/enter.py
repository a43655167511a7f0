"""Use a sign-in link: look at it without effect, or begin a session with it, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.directory.deps import Deps
from services.directory.domain.people import Person
from services.directory.domain.sign_in import session_token
from services.directory.storage import sessions, sign_in
from services.directory.storage.people import get_person
from services.directory.storage.sessions import LONGEST_DAYS
from services.directory.storage.sign_in import Link
from shared.crypto import hash_token
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Enter:
    """`nonce` is the idempotency key of the shown page: one press, however often it arrives."""

    link_token: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Entered:
    """`token` is for the cookie alone."""

    token: str
    person: Person
    session_id: UUID
    next_path: str


async def get_link_owner(link_token: str, *, deps: Deps) -> Person:
    """Whose link it is, if it can still be used. Changes nothing: mail scanners open every link."""
    async with transaction(deps.pool) as conn:
        link = await sign_in.get_link(conn, hash_token(link_token))
        person = await get_person(conn, link.person_id) if link else None
        return _usable(link, person, deps.clock.now())[1]


async def enter(cmd: Enter, *, deps: Deps) -> Entered:
    """Begin the session. Two at once: one wins; the same press twice: one session."""
    now = deps.clock.now()
    token = session_token(cmd.link_token, cmd.nonce)
    async with transaction(deps.pool) as conn:
        link = await sign_in.claim_link(conn, hash_token(cmd.link_token))
        person = await get_person(conn, link.person_id) if link else None
        mine = link and link.session_id and await sessions.get_is_same_session(conn, link.session_id, hash_token(token))
        if link and person and link.session_id and mine:
            return Entered(token, person, link.session_id, link.next_path)
        link, person = _usable(link, person, now)
        session_id = new_id()
        await sessions.insert_session(
            conn, session_id, hash_token(token), person.person_id, kind="session", label="", days=LONGEST_DAYS
        )
        await sign_in.mark_request_used(conn, link.request_id, session_id, now=now)
    return Entered(token, person, session_id, link.next_path)


def _usable(link: Link | None, person: Person | None, now: datetime) -> tuple[Link, Person]:
    if link is None or person is None or not person.active:
        raise Rejected("link_unknown", 410, "This link is not good (any more). Ask for a new one.")
    if link.used_at is not None:
        raise Rejected("link_used", 410, "This link was used already; it is good for one time. Ask for a new one.")
    if now >= link.expires_at:
        raise Rejected("link_expired", 410, "This link was good for 15 minutes, which are over. Ask for a new one.")
    return link, person
