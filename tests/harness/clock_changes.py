"""Every change of every zone's clocks in five years, as this machine's zone database has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_FIRST, _LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
_STRIDE = timedelta(days=7)
"""No zone changes its clocks there and back within a week."""
_EXACT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """At `at` (UTC) the clocks of `zone` go from one distance to UTC to another one."""

    at: datetime
    before: timedelta
    after: timedelta
    zone: str

    @property
    def gap(self) -> timedelta:
        """How much of the wall's day is skipped; negative where it comes twice."""
        return self.after - self.before


@cache
def every_clock_change() -> tuple[ClockChange, ...]:
    """In the order of time. Zones that change in the same way at the same instant are one: the first by name."""
    found: dict[tuple[datetime, timedelta, timedelta], ClockChange] = {}
    for zone in sorted(available_timezones()):
        for change in _changes_of(zone):
            found.setdefault((change.at, change.before, change.after), change)
    return tuple(sorted(found.values(), key=lambda change: (change.at, change.zone)))


def _changes_of(zone: str) -> list[ClockChange]:
    info, found = ZoneInfo(zone), []

    def distance(instant: datetime) -> timedelta:
        shown = instant.astimezone(info).utcoffset()
        assert shown is not None
        return shown

    week = _FIRST
    while week < _LAST:
        before, after = distance(week), distance(week + _STRIDE)
        if before != after:
            still, already = week, week + _STRIDE
            while already - still > _EXACT:
                middle = still + (already - still) // _EXACT // 2 * _EXACT
                still, already = (middle, already) if distance(middle) == before else (still, middle)
            found.append(ClockChange(already, before, after, zone))
        week += _STRIDE
    return found
