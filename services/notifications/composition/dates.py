"""Days and times as people write them in their language; always with the place whose clock is meant."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

Words = Mapping[str, Any]


def day(value: date, words: Words) -> str:
    """Tuesday 31 March 2026."""
    shape: str = words["dates"]["day"]
    return shape.format(
        weekday=words["dates"]["weekdays"][value.weekday()],
        day=value.day,
        month=words["dates"]["months"][value.month - 1],
        year=value.year,
    )


def instant(value: datetime, zone: ZoneInfo, words: Words) -> str:
    """Tuesday 31 March 2026, 09:00 (Dhaka time)."""
    wall = value.astimezone(zone)
    return f"{day(wall.date(), words)}, {wall:%H:%M} ({_place(zone, words)})"


def span(start: datetime, end: datetime, zone: ZoneInfo, words: Words) -> str:
    """Tuesday 31 March 2026, 09:00–12:00 (Dhaka time); over several days both are named."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    place = _place(zone, words)
    if first.date() == last.date():
        return f"{day(first.date(), words)}, {first:%H:%M}–{last:%H:%M} ({place})"
    return f"{day(first.date(), words)}, {first:%H:%M} – {day(last.date(), words)}, {last:%H:%M} ({place})"


def _place(zone: ZoneInfo, words: Words) -> str:
    city = (zone.key or "UTC").rsplit("/", 1)[-1].replace("_", " ")
    shape: str = words["dates"]["clock_of"]
    return city if city == "UTC" else shape.format(city=city)
