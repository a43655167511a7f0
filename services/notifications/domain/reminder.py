"""When somebody is reminded of a visit."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOUR = time(17, 0)


def reminder_at(starts_at: datetime, zone: str) -> datetime:
    """Five in the afternoon of the day before, on the wall of the site (UTC)."""
    site = ZoneInfo(zone)
    day_before = starts_at.astimezone(site).date() - timedelta(days=1)
    return datetime.combine(day_before, _HOUR, tzinfo=site).astimezone(UTC)
