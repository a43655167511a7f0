"""Mail the links that were asked for. A credential never travels on the log, so directory mails them itself.

Every attempt makes a link of its own, and what is kept of it is a hash: the link exists in the mail alone.
When the mail server does not answer, the wish stays and is tried again; when we die between its answer and
our note of it, the mail is sent twice, and using either link uses up both.
"""

from datetime import datetime
from typing import Any

import structlog

from services.directory.deps import Deps, MailRefused
from services.directory.domain.people import Person
from services.directory.domain.sign_in import GIVE_UP_AFTER, LINK_LIFETIME
from services.directory.storage import sign_in
from services.directory.storage.people import get_person_by_address
from services.directory.storage.sign_in import WaitingRequest
from services.directory.use_cases.sign_in_mail import write_mail
from shared.crypto import hash_token, new_token
from shared.db import transaction

_BATCH = 20
_LEASE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


async def send_sign_in_links(*, deps: Deps) -> int:
    """Try what is due; returns how many wishes were settled (mailed, or nobody's, or given up)."""
    async with transaction(deps.pool) as conn:
        waiting = await sign_in.claim_waiting_requests(conn, limit=_BATCH, lease_seconds=_LEASE_SECONDS)
    settled = 0
    for request in waiting:
        settled += await _settle(request, deps)
    return settled


async def _settle(request: WaitingRequest, deps: Deps) -> bool:
    now = deps.clock.now()
    token = new_token()
    person = await _prepare_link(request, token, now, deps)
    if person is None:
        return True
    try:
        await deps.send_mail(write_mail(person, token, request.request_id, deps.settings, now=now))
    except MailRefused:
        _log.warning("sign_in.mail_refused", request_id=request.request_id, person_id=person.person_id)
        await _mark(request, "failed", deps)
        return True
    except Exception as fault:
        await _try_later(request, fault, now, deps)
        return False
    await _mark(request, "sent", deps)
    return True


async def _prepare_link(request: WaitingRequest, token: str, now: datetime, deps: Deps) -> Person | None:
    """Keep the link's hash before it is mailed; None when the address is nobody's."""
    async with transaction(deps.pool) as conn:
        person = await get_person_by_address(conn, request.address_hash)
        if person is None or person.email is None:
            await sign_in.mark_request(conn, request.request_id, "ignored")
            return None
        await sign_in.insert_link(conn, hash_token(token), request.request_id, person.person_id, now + LINK_LIFETIME)
        return person


async def _try_later(request: WaitingRequest, fault: Exception, now: datetime, deps: Deps) -> None:
    _log.warning("sign_in.mail_delayed", request_id=request.request_id, fault=type(fault).__name__)
    if now - request.requested_at > GIVE_UP_AFTER:
        await _mark(request, "failed", deps)
        return
    pause = min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(request.attempts, 10) / 2)
    async with transaction(deps.pool) as conn:
        await sign_in.mark_to_retry(conn, request.request_id, pause)


async def _mark(request: WaitingRequest, state: str, deps: Deps) -> None:
    async with transaction(deps.pool) as conn:
        await sign_in.mark_request(conn, request.request_id, state)


async def count_waiting(conn: Any) -> dict[str, int]:
    """For /status: mails that are still to go out."""
    return {"sign_in_mails": await sign_in.count_waiting_requests(conn)}
