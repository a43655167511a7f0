"""A case's deadline has come: the next tier, the daily page, or its owner asked once more; then the next deadline."""

from datetime import datetime, timedelta

from services.visits.deps import Deps
from services.visits.domain.escalation import lose_alert, step_due
from services.visits.storage import case_records
from services.visits.storage.cases import claim_minimal, get_case
from services.visits.use_cases.settle_case import ALERT_LOST, refresh_terms, settle
from shared.contracts.case import CaseUnowned
from shared.db import Connection, savepoint
from shared.kafka.outbox import emit
from shared.logging import get_logger
from shared.telemetry import counter
from shared.timers import Due, arm

_OUTAGE = timedelta(minutes=1)
"""A deadline that fires later than this was held up, by an outage or a clock that was set."""
_READ_UP = timedelta(minutes=2)
"""For what waits on the log after it."""

_log = get_logger(__name__)
_minimal = counter(
    "gemba_case_minimal_escalations_total", "Case deadlines whose decision raised and that were escalated without one."
)


async def step_case(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    """The case's row is locked by the runner; an act that committed first has re-armed the deadline."""
    file = await get_case(conn, due.aggregate)
    if file is None or not file.case.is_open:
        return
    terms = await refresh_terms(conn, file, now=now, deps=deps)
    decision = step_due(file.case, terms, now)
    await settle(conn, file, decision, terms, now=now, actor=None, received_at=due.due_at)


async def step_lost_alert(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    """Time enough for somebody of the alerted to have a message on its way. If nobody has, it counts as unanswered.

    After an outage of ours, what became of the messages may still wait on the log: it is read first.
    """
    file = await get_case(conn, due.aggregate)
    if file is None or not file.case.is_open:
        return
    if now - due.due_at > _OUTAGE:
        await arm(conn, ALERT_LOST, due.aggregate, now + _READ_UP, now=now)
        return
    state = await case_records.get_alert_state(conn, file.case.case_id, file.case.step)
    if state["told"] and not state["reached"]:
        terms = await refresh_terms(conn, file, now=now, deps=deps)
        decision = lose_alert(file.case, file.case.step, terms, now)
        await settle(conn, file, decision, terms, now=now, actor=None, received_at=due.due_at)


async def escalate_minimally(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    """Deciding raised. Tell whoever was put down beforehand, without deciding anything; never raises.

    The deadline itself stays armed and is tried again with back-off by the runner. Once for each deadline.
    """
    try:
        async with savepoint(conn):
            row = await claim_minimal(conn, due.aggregate, due.generation)
            if row is None:
                return
            standby = tuple(row["standby_ids"])
            await case_records.insert_alerts(conn, due.aggregate, row["step"], standby, "minimal", 0, now)
            page = CaseUnowned(
                case_id=due.aggregate,
                country=row["country"],
                step=row["step"],
                recipient_ids=standby,
                respond_by=now,
            )
            await emit(conn, page, now=now)
            await case_records.insert_audit(
                conn, due.aggregate, "escalated_minimally", actor=None, at=now, received_at=due.due_at
            )
        _minimal.inc()
        _log.error("case.escalated_minimally", case_id=str(due.aggregate))
    except Exception:
        _log.exception("case.minimal_escalation_failed", case_id=str(due.aggregate))
