"""Wishes to sign in and the links that were mailed for them. Instants are business time, `retry_at` is the machine's."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db import Connection
from shared.lives import Held

LOCK_ADDRESS = "select pg_advisory_xact_lock(7270002, hashtext(encode($1, 'hex')))"
INSERT_REQUEST = """
    with wish as (
        insert into sign_in_requests (request_id, address_hash, next_path, requested_at)
        select $1, $2, $3, $4
        where (select count(*) from sign_in_requests where address_hash = $2 and requested_at > $5) < $6
          and not exists (select from sign_in_requests where address_hash = $2 and state = 'waiting')
        returning 1
    )
    select pg_notify('sign_in', '') from wish
"""


async def insert_request(
    conn: Connection,
    request_id: UUID,
    address_hash: bytes,
    next_path: str,
    *,
    now: datetime,
    window_began: datetime,
    most: int,
) -> None:
    """Note a wish unless the address had `most` in the window or one is still to be mailed. Known or not: all the same."""
    await conn.execute(LOCK_ADDRESS, address_hash)
    await conn.execute(INSERT_REQUEST, request_id, address_hash, next_path, now, window_began, most)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A wish whose mail is to be tried now."""

    request_id: UUID
    address_hash: bytes
    requested_at: datetime
    attempts: int


CLAIM_WAITING = """
    update sign_in_requests set attempts = attempts + 1, retry_at = clock_timestamp() + make_interval(secs => $2)
    where request_id in (
        select request_id from sign_in_requests where state = 'waiting' and retry_at <= clock_timestamp() and not on_hold()
        order by retry_at limit $1 for update skip locked)
    returning request_id, address_hash, requested_at, attempts
"""


async def claim_waiting_requests(conn: Connection, *, limit: int, lease_seconds: float) -> list[WaitingRequest]:
    """Take requests to be mailed; who dies with one leaves it to the next one after the lease."""
    return [WaitingRequest(*row) for row in await conn.fetch(CLAIM_WAITING, limit, lease_seconds)]


MARK_REQUEST = "update sign_in_requests set state = $2 where request_id = $1 and state = 'waiting'"


async def mark_request(conn: Connection, request_id: UUID, state: str) -> None:
    """Sent, ignored (nobody has that address) or failed."""
    await conn.execute(MARK_REQUEST, request_id, state)


RETRY_REQUEST = """
    update sign_in_requests set retry_at = clock_timestamp() + make_interval(secs => $2) where request_id = $1
"""


async def mark_to_retry(conn: Connection, request_id: UUID, seconds: float) -> None:
    """Try again in so many seconds of machine time."""
    await conn.execute(RETRY_REQUEST, request_id, seconds)


COUNT_WAITING = "select count(*) from sign_in_requests where state = 'waiting' and not on_hold()"


async def count_waiting_requests(conn: Connection) -> int:
    """Mails not handed over yet; after a restore none, until they are released."""
    count: int = await conn.fetchval(COUNT_WAITING)
    return count


LIST_HELD = """
    select 'mail' as what, 'sign_in' as kind, request_id as aggregate, requested_at as due_at from sign_in_requests
    where state = 'waiting' and requested_at <= $1 order by requested_at limit $2
"""


async def list_held(conn: Connection, now: datetime, limit: int) -> list[Held]:
    """Links that somebody asked for and that a hold keeps back."""
    return [Held(**dict(row)) for row in await conn.fetch(LIST_HELD, now, limit)]


DELETE_OLD = "delete from sign_in_requests where requested_at < $1"


async def delete_old_requests(conn: Connection, before: datetime) -> None:
    """Forget wishes, and their links, that can have no effect any more."""
    await conn.execute(DELETE_OLD, before)


INSERT_LINK = "insert into sign_in_links (token_hash, request_id, person_id, expires_at) values ($1, $2, $3, $4)"


async def insert_link(
    conn: Connection, token_hash: bytes, request_id: UUID, person_id: UUID, expires_at: datetime
) -> None:
    """A link, before it is mailed."""
    await conn.execute(INSERT_LINK, token_hash, request_id, person_id, expires_at)


@dataclass(frozen=True, slots=True)
class Link:
    """A link and whether its request was used up."""

    request_id: UUID
    person_id: UUID
    expires_at: datetime
    next_path: str
    used_at: datetime | None
    session_id: UUID | None


GET_LINK = """
    select r.request_id, l.person_id, l.expires_at, r.next_path, r.used_at, r.session_id
    from sign_in_links l join sign_in_requests r using (request_id)
    where l.token_hash = $1
"""


async def get_link(conn: Connection, token_hash: bytes) -> Link | None:
    """To be shown; nothing is used up."""
    row = await conn.fetchrow(GET_LINK, token_hash)
    return Link(*row) if row else None


async def claim_link(conn: Connection, token_hash: bytes) -> Link | None:
    """To be used: whoever presses at the same time waits, and then finds it used."""
    row = await conn.fetchrow(GET_LINK + " for update of r", token_hash)
    return Link(*row) if row else None


MARK_USED = "update sign_in_requests set used_at = $2, session_id = $3 where request_id = $1"


async def mark_request_used(conn: Connection, request_id: UUID, session_id: UUID, *, now: datetime) -> None:
    """All links of the request are used up."""
    await conn.execute(MARK_USED, request_id, now, session_id)


DELETE_LINKS = "delete from sign_in_links where person_id = any($1::uuid[])"


async def delete_links_of(conn: Connection, person_ids: list[UUID]) -> None:
    """Links that were mailed to an address that is not theirs any more lead nowhere."""
    await conn.execute(DELETE_LINKS, person_ids)
