"""Browser sessions and CLI tokens. Their life is machine time, the database's clock: steering time ends no sign-in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.directory.domain.people import Person
from services.directory.storage.people import person_of
from shared.db import Connection

IDLE_HOURS = 12
LONGEST_DAYS = 7
_STALE_MINUTES = 5

GET_SESSION = f"""
    select s.session_id, s.kind, s.seen_at < clock_timestamp() - interval '{_STALE_MINUTES} minutes' as stale,
           p.person_id, p.key_name, p.name, p.country, p.roles, p.language, p.zone, p.languages,
           case when 'administrator' = any(p.roles)
                then array(select distinct country from people union select unnest(p.countries))
                else p.countries end as countries,
           p.line_manager_id, p.enterprise_id, p.active
    from sessions s join people p using (person_id)
    where s.token_hash = $1 and s.kind = $2 and s.ended_at is null and s.expires_at > clock_timestamp()
      and (s.kind = 'token' or s.seen_at > clock_timestamp() - interval '{IDLE_HOURS} hours')
      and p.active
"""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that counts, and whose it is (without contact points). `stale`: its last use should be noted."""

    session_id: UUID
    kind: str
    stale: bool
    person: Person


async def get_session(conn: Connection, token_hash: bytes, kind: str) -> LiveSession | None:
    """The session behind a cookie (`session`) or a Bearer token (`token`); None when it does not count any more.

    An administrator's countries are all that are known: somebody must be able to begin a country.
    """
    row = await conn.fetchrow(GET_SESSION, token_hash, kind)
    return LiveSession(row["session_id"], row["kind"], row["stale"], person_of(row)) if row else None


MARK_SEEN = "update sessions set seen_at = clock_timestamp() where session_id = $1"


async def mark_seen(conn: Connection, session_id: UUID) -> None:
    """It is in use: its idle time begins anew."""
    await conn.execute(MARK_SEEN, session_id)


INSERT_SESSION = """
    insert into sessions (session_id, token_hash, person_id, kind, label, expires_at)
    values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(days => $6))
"""


async def insert_session(
    conn: Connection, session_id: UUID, token_hash: bytes, person_id: UUID, *, kind: str, label: str, days: int
) -> None:
    """Begin a session, or a CLI token, that ends after `days` at the latest."""
    await conn.execute(INSERT_SESSION, session_id, token_hash, person_id, kind, label, days)


HAS_SESSION = """
    select exists (select from sessions where session_id = $1 and token_hash = $2 and ended_at is null)
"""


async def get_is_same_session(conn: Connection, session_id: UUID, token_hash: bytes) -> bool:
    """Whether that session is alive and was begun with this very token."""
    same: bool = await conn.fetchval(HAS_SESSION, session_id, token_hash)
    return same


END_SESSION = """
    update sessions set ended_at = clock_timestamp() where token_hash = $1 and kind = $2 and ended_at is null
"""


async def mark_ended(conn: Connection, token_hash: bytes, kind: str) -> None:
    """End one session; nothing when there is none."""
    await conn.execute(END_SESSION, token_hash, kind)


END_ALL = "update sessions set ended_at = clock_timestamp() where person_id = $1 and ended_at is null returning 1"


async def mark_all_ended(conn: Connection, person_id: UUID) -> int:
    """End every session and token of a person; returns how many there were."""
    return len(await conn.fetch(END_ALL, person_id))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What may be shown of a session or a token."""

    session_id: UUID
    person_id: UUID
    person_name: str
    kind: str
    label: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_LIST = """
    select s.session_id, s.person_id, p.name, s.kind, s.label, s.created_at, s.seen_at, s.expires_at
    from sessions s join people p using (person_id)
    where s.ended_at is null and s.expires_at > clock_timestamp()
"""
LIST_TOKENS = (
    _LIST + "and s.kind = 'token' and ($1::uuid is null or s.person_id = $1) order by s.created_at, s.session_id"
)
LIST_OF_PERSON = _LIST + "and s.person_id = $1 order by s.created_at, s.session_id"


async def list_tokens(conn: Connection, person_id: UUID | None = None) -> list[SessionRow]:
    """Every CLI token that is good, or those of one person."""
    return [SessionRow(*row) for row in await conn.fetch(LIST_TOKENS, person_id)]


async def list_sessions_of(conn: Connection, person_id: UUID) -> list[SessionRow]:
    """Where somebody is signed in."""
    return [SessionRow(*row) for row in await conn.fetch(LIST_OF_PERSON, person_id)]


REVOKE = """
    update sessions set ended_at = clock_timestamp()
    where session_id = $1 and kind = 'token' and ended_at is null and ($2::uuid is null or person_id = $2)
    returning true
"""


async def mark_token_ended(conn: Connection, token_id: UUID, person_id: UUID | None = None) -> bool:
    """Whether there was such a token to end, of this person where one is named."""
    return bool(await conn.fetchval(REVOKE, token_id, person_id))


END_LABELLED = """
    update sessions set ended_at = clock_timestamp()
    where person_id = $1 and kind = 'token' and label = $2 and ended_at is null
"""


async def mark_labelled_ended(conn: Connection, person_id: UUID, label: str) -> None:
    """End the tokens of that label."""
    await conn.execute(END_LABELLED, person_id, label)


DELETE_OLD = "delete from sessions where expires_at < clock_timestamp() - interval '30 days'"


async def delete_old_sessions(conn: Connection) -> None:
    """Forget what ended long ago."""
    await conn.execute(DELETE_OLD)
