"""Visits are agreed on the clock of the factory; what is booked is an instant.

The intended wall time and the zone are kept beside the instant, so that it can be computed again when a zone's rules
change (tzdata). A wall time that a clock change skips is taken as what the clock would have shown without it, so it
falls just behind the gap; one that occurs twice is the first of the two (PEP 495, fold 0).
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def instant_of(day: date, wall: time, zone: str) -> datetime:
    """The instant (UTC) at which the clocks of `zone` show `wall` on `day`."""
    return datetime.combine(day, wall, ZoneInfo(zone)).astimezone(UTC)


def local(instant: datetime, zone: str) -> datetime:
    """The naive wall time that the clocks of `zone` show at an instant."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def today_in(zone: str, now: datetime) -> date:
    """The calendar day in `zone` at `now`."""
    return now.astimezone(ZoneInfo(zone)).date()
