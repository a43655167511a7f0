"""What happens when a deadline of notifications falls due."""

from datetime import datetime

from services.notifications.deps import Deps
from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.use_cases.remind_visit import remind_visit, request_report
from shared.db import Connection
from shared.timers import Due, TimerKind


async def on_reminder_due(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    await remind_visit(due.aggregate, now=now, conn=conn)


async def on_report_due(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    await request_report(due.aggregate, now=now, conn=conn)


TIMERS = (
    TimerKind(REMIND, "visits", "visit_id", on_reminder_due),
    TimerKind(REPORT, "visits", "visit_id", on_report_due),
)
