"""What happens when a deadline of visits falls due."""

from collections.abc import Sequence
from datetime import datetime

from services.visits.deps import Deps
from services.visits.use_cases.ask_company import COMPANY, lapse_company
from services.visits.use_cases.lapse_offers import lapse_offers
from services.visits.use_cases.miss_visits import miss_visits
from services.visits.use_cases.offer_visit import MISSED, OFFER
from services.visits.use_cases.open_actions import OVERDUE, REMIND
from services.visits.use_cases.settle_case import ALERT_LOST, STEP
from services.visits.use_cases.step_case import escalate_minimally, step_case, step_lost_alert
from services.visits.use_cases.watch_actions import escalate_action, remind_actions
from shared.db import Connection
from shared.timers import Due, TimerKind


async def on_offers_due(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Deps) -> None:
    await lapse_offers(dues, now=now, conn=conn)


async def on_reports_missing(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Deps) -> None:
    await miss_visits(dues, now=now, conn=conn)


async def on_reminders_due(dues: Sequence[Due], *, now: datetime, conn: Connection, deps: Deps) -> None:
    await remind_actions(dues, now=now, conn=conn)


async def on_action_due(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    await escalate_action(due, now=now, conn=conn, deps=deps)


async def on_company_late(due: Due, *, now: datetime, conn: Connection, deps: Deps) -> None:
    await lapse_company(due, now=now, conn=conn)


TIMERS = (
    TimerKind(STEP, "cases", "case_id", step_case, on_failure=escalate_minimally),
    TimerKind(ALERT_LOST, "cases", "case_id", step_lost_alert),
    TimerKind(OFFER, "visits", "visit_id", fire_together=on_offers_due),
    TimerKind(COMPANY, "visits", "visit_id", on_company_late),
    TimerKind(MISSED, "visits", "visit_id", fire_together=on_reports_missing),
    TimerKind(REMIND, "actions", "action_id", fire_together=on_reminders_due),
    TimerKind(OVERDUE, "actions", "action_id", on_action_due),
)
