"""What notifications says of an alert. One that reaches nobody counts as unanswered at once."""

from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.escalation import lose_alert
from services.visits.storage import case_records
from services.visits.storage.cases import CaseFile, get_case
from services.visits.use_cases.settle_case import refresh_terms, settle
from shared.contracts.message import MessageCancelled, MessageFailed, MessageQueued, MessageSent
from shared.db import Connection

OfAlert = MessageQueued | MessageSent | MessageFailed | MessageCancelled

_STATES: dict[type[OfAlert], str] = {
    MessageQueued: "queued",
    MessageSent: "sent",
    MessageFailed: "failed",
    MessageCancelled: "cancelled",
}


async def track_alert(fact: OfAlert, *, conn: Connection, deps: Deps) -> None:
    """Messages about visits and actions pass by; those about a case are kept with it."""
    file = await _case_of(fact.about, fact.step, conn)
    if file is None or fact.step is None:
        return
    state = _STATES[type(fact)]
    now = deps.clock.now()
    await case_records.save_message(
        conn,
        fact.message_id,
        fact.about,
        fact.step,
        fact.recipient_id,
        channel=fact.channel,
        state=state,
        code=fact.code if isinstance(fact, MessageFailed | MessageCancelled) else None,
        now=now,
    )
    if state == "failed" and file.case.is_open:
        reach = await case_records.get_alert_state(conn, fact.about, fact.step)
        if reach["told"] and reach["lost"] == reach["told"]:
            terms = await refresh_terms(conn, file, now=now, deps=deps)
            await settle(conn, file, lose_alert(file.case, fact.step, terms, now), terms, now=now, actor=None)


async def _case_of(about: UUID, step: int | None, conn: Connection) -> CaseFile | None:
    return await get_case(conn, about, lock=True) if step is not None else None
