"""Deadlines at each instant at which some zone changes its clocks: one firing each, whatever a wall clock shows there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.db import Pool
from tests.harness.clock_changes import every_clock_change
from tests.integration.kit.parts import NOON
from tests.integration.kit.test_timers import Office

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


async def test_five_years_of_clock_changes_in_every_zone_double_nothing_lose_nothing_and_fire_nothing_early(
    open_database: Callable[[str], Awaitable[Pool]],
) -> None:
    """Two runners. At each change the clock that they go by is set back by an hour, as a badly kept machine's is."""
    office = Office(await open_database("visits"))
    changes = [change for change in every_clock_change() if change.at > NOON + _DAY]
    dues = sorted({due for change in changes for due in _on_the_wall(change.at, change.zone)})
    aggregates = await office.open(*((due - NOON).total_seconds() for due in dues))
    one, other = office.runner(), office.runner()

    async def both_fire(now: datetime) -> None:
        office.clock.advance(now - office.clock.now())
        await asyncio.gather(one.fire_due(), other.fire_due())

    latest = NOON
    for at in {change.at.date(): change.at for change in changes}.values():  # once a day: the last one of it
        for now in (at, at - _HOUR, at + _HOUR):
            await both_fire(now)
            latest = max(latest, now)
            assert one.fired + other.fired <= sum(due <= latest for due in dues), f"before its time, at {now}"
    await both_fire(dues[-1])
    while await office.armed():
        await one.fire_due()
    fired = Counter(await office.fired())
    assert fired == Counter(aggregates), "each once"
    assert office.failures == [], "an effect that was asked for too early refuses, and would have come later"


def _on_the_wall(at: datetime, zone: str) -> list[datetime]:
    """The change itself, and half past an hour on that wall: the one that is skipped, or comes twice, with both meanings."""
    info = ZoneInfo(zone)
    wall = (at - timedelta(minutes=30)).astimezone(info).replace(tzinfo=None) + timedelta(hours=1)
    return [at, *(wall.replace(tzinfo=info, fold=fold).astimezone(at.tzinfo) for fold in (0, 1))]
