"""An acknowledgement and its deadline at the same moment, again and again: one winner each time, and the audit says which.

`GEMBA_RACES=1000` for the long size.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from uuid import UUID

from shared.ids import new_id
from tests.integration.visits.conftest import World
from tests.integration.visits.test_case_races import drop_lost_alert_timer, replica

_RACES = int(os.environ.get("GEMBA_RACES", "20"))
_ACKNOWLEDGED_FIRST = ("CaseOpened", "CaseAcknowledged")
_DEADLINE_FIRST = ("CaseOpened", "CaseEscalated", "CaseAcknowledged")


async def raised_by_phone(world: World) -> UUID:
    """Without a visit: that would take its time, and all earlier cases with it."""
    body = {"case_id": str(new_id()), "item": 4, "text": "A child at a press.", "country": "BD"}
    await world.post("/visits/api/cases", body, by=world.people.deputy, status=201)
    return UUID(body["case_id"])


async def facts_of(world: World, case_id: UUID) -> tuple[str, ...]:
    rows = await world.pool.fetch(
        "select type from outbox where topic = 'gemba.case' and aggregate = $1 order by version", case_id
    )
    return tuple(row["type"].split(".")[1] for row in rows)


async def audited(world: World, case_id: UUID) -> list[str]:
    """What became of the case, in the order of the audit."""
    rows = await world.pool.fetch("select act from case_audit where case_id = $1 order by seq", case_id)
    return [row["act"] for row in rows]


async def test_each_race_has_one_winner_and_the_audit_agrees_with_the_facts(world: World) -> None:
    seen: Counter[tuple[str, ...]] = Counter()
    for number in range(_RACES):
        case_id = await raised_by_phone(world)
        await drop_lost_alert_timer(world)
        # Due in this moment; moving the clock would set the deadlines of all the cases before it off as well.
        await world.pool.execute("update timers set due_at = $2 where aggregate = $1", case_id, world.clock.now())
        press = world.post(f"/visits/api/cases/{case_id}/acknowledge", by=world.people.officer)
        both = [press, world.timers.fire_due(), replica(world).fire_due()]
        answer, *_ = await asyncio.gather(*(both if number % 2 else [both[0], *both[:0:-1]]))
        assert answer.status_code == 200, "whoever answers has the case, before or after its deadline"
        facts = await facts_of(world, case_id)
        assert facts in {_ACKNOWLEDGED_FIRST, _DEADLINE_FIRST}, facts
        seen[facts] += 1
        moved_by_clock = any("escalated" in act for act in await audited(world, case_id))
        assert moved_by_clock == (facts == _DEADLINE_FIRST), (facts, await audited(world, case_id))
    assert sum(seen.values()) == _RACES
