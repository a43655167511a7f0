"""Claim and prepare → look whether it still is ours → hand over → settle.

A message is claimed and prepared in one commit, for longer than one attempt may last, and settled in another one: no
connection to the database is held while a mail server thinks. Right before it leaves, a claim that is not fresh is looked at
once more: a sender that was stopped for longer sends nothing. Whoever dies in between leaves a claim that runs out, and the message
goes again with the same Message-ID: at most once for each that was in hand. One that cannot be prepared stays claimed
all the same, so that those behind it have their turn.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.notifications.channels.outbound import Later, Outbound, ProviderDown, Refused, Unsure
from services.notifications.composition.facts import Places
from services.notifications.deps import Deps
from services.notifications.domain.message import Message, VisitNow, no_longer_wanted
from services.notifications.domain.retry import ATTEMPT_LIMIT, FRESH, MAX_REFUSALS, pause_after
from services.notifications.domain.templates import ZERO_TOLERANCE
from services.notifications.storage import enterprises, messages, people, subjects, visits
from services.notifications.use_cases.claims import Claimed, Ready
from services.notifications.use_cases.settle_message import note_cancelled, note_failed, note_sent
from shared.db import Connection, Pool, session, transaction
from shared.errors import Transient
from shared.ids import new_id

_log = structlog.get_logger(__name__)


async def claim_some(lane: str, most: int, *, deps: Deps, pool: Pool) -> list[Claimed]:
    """What is due in a lane, `most` mails of it, prepared: one commit for all. When one cannot be prepared, one for each."""
    claim, since, mails = new_id(), machine_time(), list[list[Message]]()
    try:
        async with transaction(pool) as conn:
            mails = await messages.claim_due(conn, lane, claim, now=deps.clock.now(), most=most)
            return [Claimed(claim, len(mail), await _prepare(mail, deps=deps, conn=conn), since) for mail in mails]
    except Transient:
        raise  # nothing is claimed: the same is tried again in a moment
    except Exception:
        if not mails:
            raise
        if len(mails) == 1:
            _log.exception("message.not_prepared", message_id=str(mails[0][0].message_id))
    if len(mails) > 1:
        return await _claim_one_by_one(lane, len(mails), deps=deps, pool=pool)
    async with transaction(pool) as conn:
        await messages.claim_again(conn, [message.message_id for message in mails[0]], claim)
    return [Claimed(claim, len(mails[0]), None, since)]


async def _claim_one_by_one(lane: str, most: int, *, deps: Deps, pool: Pool) -> list[Claimed]:
    claimed: list[Claimed] = []
    for _ in range(most):
        try:
            claimed += await claim_some(lane, 1, deps=deps, pool=pool)
        except Transient:
            break  # those that were claimed by then are ours to send
    return claimed


async def claim_next(lane: str, *, deps: Deps, pool: Pool) -> Claimed | None:
    """The next due message of a lane, prepared; None when nothing is due."""
    return next(iter(await claim_some(lane, 1, deps=deps, pool=pool)), None)


async def send_next(lane: str, *, deps: Deps, pool: Pool) -> int:
    """Send the next due message of a lane; returns how many were settled or put back, 0 when nothing is due."""
    claimed = await claim_next(lane, deps=deps, pool=pool)
    if claimed is None:
        return 0
    await send_claimed(claimed, deps=deps, pool=pool)
    return claimed.count


async def send_claimed(claimed: Claimed, *, deps: Deps, pool: Pool) -> None:
    """Hand over, settle."""
    ready, claim = claimed.ready, claimed.claim
    if ready is None:
        return
    sent, code, pause_counted = None, None, False
    try:
        outbound = _compose(ready, deps)
        if machine_time() - claimed.since > FRESH.total_seconds():
            async with session(pool) as conn:  # who was stopped for longer than the claim is late: it is another one's
                if not await messages.is_ours(conn, ready.messages[0].message_id, claim):
                    return
        async with asyncio.timeout(ATTEMPT_LIMIT.total_seconds()):
            sent = await deps.channels.send(ready.messages[0].channel, outbound)
    except Refused as refused:
        code = refused.code
    except Later:
        pause_counted = True
        code = "bounced" if ready.messages[0].attempts + 1 >= MAX_REFUSALS else None
    except (Unsure, ProviderDown, TimeoutError) as fault:
        _log.warning("message.deferred", message_id=str(ready.messages[0].message_id), fault=type(fault).__name__)
    message_ids = [message.message_id for message in ready.messages]
    async with transaction(pool) as conn:
        now = deps.clock.now()
        if sent is not None:
            await note_sent(message_ids, claim, sent, now=now, conn=conn)
            return
        ours = await messages.lock_claimed(conn, message_ids, claim)
        if code is not None:
            for message in ours:
                await note_failed(message, code, now=now, conn=conn)
        elif ours:
            pause = pause_after(ours[0].attempts, ours[0].template.lane)
            await messages.mark_deferred(conn, [message.message_id for message in ours], pause, counted=pause_counted)


def machine_time() -> float:
    """The event loop's clock, in seconds: it is never set, and runs on while a process is stopped."""
    return asyncio.get_running_loop().time()


async def _prepare(claimed: Sequence[Message], *, deps: Deps, conn: Connection) -> Ready | None:
    """The last look before it leaves, in the transaction that claimed; what is no longer wanted or has nowhere to go is
    settled here.
    """
    ours = sorted(claimed, key=lambda message: message.message_id)
    now = deps.clock.now()
    reasons = await _reasons_against(ours, deps=deps, conn=conn)
    for message in ours:
        if reason := reasons.get(message.message_id):
            await note_cancelled(message, reason, now=now, conn=conn)
    wanted = [message for message in ours if message.message_id not in reasons]
    if not wanted:
        return None
    reader = (await people.get_recipients(conn, [wanted[0].recipient_id])).get(wanted[0].recipient_id)
    address = reader.address(wanted[0].channel) if reader else None
    if reader is None or address is None:
        code = "no_recipient" if reader is None or not reader.active else "no_channel"
        for message in wanted:
            await note_failed(message, code, now=now, conn=conn)
        return None
    leader_first = sorted(wanted, key=lambda message: message.message_id != claimed[0].message_id)
    return Ready(tuple(leader_first), reader, address, await _places(wanted, conn=conn))


async def _reasons_against(ours: Sequence[Message], *, deps: Deps, conn: Connection) -> dict[UUID, str]:
    about = [message.about for message in ours]
    now = deps.clock.now()
    if ours and ours[0].template.lane == ZERO_TOLERANCE:
        cases = await subjects.lock_cases(conn, about)
        found = {
            message.message_id: no_longer_wanted(
                message, now=now, visit=None, action=None, case=cases.get(message.about)
            )
            for message in ours
        }
    else:
        known = {
            visit_id: VisitNow(row["state"], row["offer"], row["starts_at"])
            for visit_id, row in (await visits.get_visits(conn, about)).items()
        }
        actions = await subjects.get_action_states(conn, about)
        found = {
            message.message_id: no_longer_wanted(
                message, now=now, visit=known.get(message.about), action=actions.get(message.about), case=None
            )
            for message in ours
        }
    return {message_id: reason for message_id, reason in found.items() if reason is not None}


async def _places(wanted: Sequence[Message], *, conn: Connection) -> Places:
    ids = {UUID(one) for message in wanted for one in message.data.get("enterprise_ids", ())}
    if not ids:
        return {}
    found = await enterprises.get_enterprises(conn, sorted(ids))
    return {enterprise_id: (row["name"], row["region"]) for enterprise_id, row in found.items()}


def _compose(ready: Ready, deps: Deps) -> Outbound:
    try:
        if ready.messages[0].channel == "sms":
            return deps.composer.sms(ready.messages[0], ready.reader, ready.address, ready.places)
        return deps.composer.mail(ready.messages, ready.reader, ready.address, ready.places)
    except ValueError as unfit:  # an address that no mail can be written to
        raise Refused("rejected") from unfit
