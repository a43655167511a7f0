"""What happens when a deadline of notifications falls due."""

from collections.abc import Sequence
from datetime import datetime

from services.notifications.deps import Deps
from services.notifications.domain.deadlines import REMIND, REPORT
from services.notifications.use_cases.remind_of_visits import remind_of_visits, request_reports
from shared.db import Connection
from shared.timers import Due, TimerKind


async def on_reminders_due(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Deps) -> None:
    await remind_of_visits(dues, now=now, conn=conn)


async def on_reports_due(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Deps) -> None:
    await request_reports(dues, now=now, conn=conn)


TIMERS = (
    TimerKind(REMIND, "visits", "visit_id", fire_together=on_reminders_due),
    TimerKind(REPORT, "visits", "visit_id", fire_together=on_reports_due),
)
