"""The watchdog behind the database's own check: every open case has its deadline, looked at again and again.

It finds nothing, ever. When it does (a restored table, a disabled trigger), it arms the deadline and says so loudly.
"""

import asyncio
from uuid import UUID

from services.visits.deps import Deps
from services.visits.storage import case_records
from services.visits.storage.cases import count_open, get_case, get_oldest_overdue, list_unarmed, save_due
from services.visits.use_cases.settle_case import STEP
from shared.db import transaction
from shared.logging import get_logger
from shared.telemetry import counter, gauge
from shared.timers import arm

EVERY_SECONDS = 30.0
"""Machine time: the watchdog looks while business time stands still, too."""

_log = get_logger(__name__)
_repairs = counter("gemba_case_watchdog_repairs_total", "Open cases that had no armed deadline and were given one.")
_open = gauge("gemba_cases_open", "Open zero-tolerance cases by who they wait for.", ("standing",))
_overdue = gauge("gemba_case_deadline_overdue_seconds", "How long the oldest case deadline waits to be acted upon.")
_STANDINGS = ("alerting", "unowned", "owned", "asked", "closing")


async def watch_cases(deps: Deps) -> None:
    """Until cancelled."""
    while True:
        await check_cases(deps)
        await asyncio.sleep(EVERY_SECONDS)


async def check_cases(deps: Deps) -> int:
    """Look once; returns how many cases had to be repaired."""
    now = deps.clock.now()
    async with transaction(deps.pool) as conn:
        standings = await count_open(conn)
        oldest = await get_oldest_overdue(conn, now)
        unarmed = await list_unarmed(conn, now)
    for standing in _STANDINGS:
        _open.labels(standing).set(standings.get(standing, 0))
    _overdue.set((now - oldest).total_seconds() if oldest else 0)
    repaired = 0
    for row in unarmed:
        repaired += await _repair(row["case_id"], deps)
    return repaired


async def _repair(case_id: UUID, deps: Deps) -> bool:
    async with transaction(deps.pool) as conn:
        file = await get_case(conn, case_id, lock=True)
        now = deps.clock.now()
        still = {row["case_id"]: row["longest_step"] for row in await list_unarmed(conn, now)}
        if file is None or case_id not in still:
            return False
        wanted = file.case.due_at or now
        due_at = wanted if now <= wanted <= now + still[case_id] else now
        await save_due(conn, case_id, due_at)
        await arm(conn, STEP, case_id, due_at, now=now)
        await case_records.insert_audit(conn, case_id, "rearmed_by_watchdog", actor=None, at=now)
    _repairs.inc()
    _log.error("case.had_no_deadline", case_id=str(case_id), repaired=True)
    return True
