"""A span of working hours is as long as it says, measured on the wall, at every change of every zone's clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.visits.domain.working_time import Calendar, WorkingWeek, add_working
from tests.harness.clock_changes import every_clock_change

_HOUR, _QUARTER = timedelta(hours=1), timedelta(minutes=15)
_DAYS = {"sunday to thursday": frozenset({7, 1, 2, 3, 4}), "every day": frozenset(range(1, 8))}
_OPEN = {"by day": (9 * _HOUR, 17 * _HOUR), "round the clock": (0 * _HOUR, 24 * _HOUR)}


def _works(week: WorkingWeek, instant: datetime) -> bool:
    """By what the wall shows, and nothing else."""
    wall = instant.astimezone(week.zone)
    return (
        wall.isoweekday() in week.days and week.opens <= timedelta(hours=wall.hour, minutes=wall.minute) < week.closes
    )


@pytest.mark.parametrize("days", _DAYS)
@pytest.mark.parametrize("hours", _OPEN)
def test_at_every_clock_change_a_span_holds_the_working_time_that_it_says(days: str, hours: str) -> None:
    for change in every_clock_change():
        week = WorkingWeek(ZoneInfo(change.zone), _DAYS[days], *_OPEN[hours])
        for start, amount in ((change.at - 20 * _HOUR, 3 * _HOUR), (change.at - _QUARTER, 10 * _HOUR)):
            end = add_working(start, amount, Calendar(week))
            steps = (start + _QUARTER * n for n in range((end - start) // _QUARTER))
            worked = sum((_QUARTER for step in steps if _works(week, step)), timedelta(0))
            assert worked == amount, (change, start, end, worked)
            assert _works(week, end - _QUARTER), f"{change}: ends at {end}, when nobody works"
