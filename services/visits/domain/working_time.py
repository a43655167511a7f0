"""Deadlines that run on the wall clock or in working hours.

Invariant: a span of working time ends inside working time of its calendar, and never before it started.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_DAYS_TO_LOOK_AHEAD = 400


class ClockKind(StrEnum):
    """Which time a span counts."""

    WALL = "wall"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class WorkingWeek:
    """When people of a country work. `days` are ISO weekdays (Monday is 1); the bounds count from midnight."""

    zone: ZoneInfo
    days: frozenset[int]
    opens: timedelta
    closes: timedelta

    def whole_days(self) -> "WorkingWeek":
        """The same days, counted from midnight to midnight: for spans that only pause on days off."""
        return WorkingWeek(self.zone, self.days, timedelta(0), timedelta(hours=24))


def _no_holiday(_: date) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Calendar:
    """A working week and the days off in it."""

    week: WorkingWeek
    is_holiday: Callable[[date], bool] = _no_holiday

    def works_on(self, day: date) -> bool:
        """Whether people work on this day of the calendar's zone."""
        return day.isoweekday() in self.week.days and not self.is_holiday(day)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time and the clock it is counted on."""

    length: timedelta
    clock: ClockKind

    def after(self, start: datetime, calendar: Calendar) -> datetime:
        """The instant (UTC) at which the span that began at `start` is over."""
        if self.clock is ClockKind.WALL:
            return (start + self.length).astimezone(UTC)
        return add_working(start, self.length, calendar)


def add_working(start: datetime, amount: timedelta, calendar: Calendar) -> datetime:
    """`start` plus `amount` of working time. Works across clock changes: each day's bounds are instants of their own.

    Raises `ValueError` for a calendar on which that much work never gets done.
    """
    week = calendar.week
    day = start.astimezone(week.zone).date()
    for _ in range(_DAYS_TO_LOOK_AHEAD):
        if calendar.works_on(day):
            opens = max(_instant(day, week.opens, week.zone), start)
            closes = _instant(day, week.closes, week.zone)
            if closes > opens:
                if amount <= closes - opens:
                    return opens + amount
                amount -= closes - opens
        day += timedelta(days=1)
    raise ValueError("The calendar has too little working time in more than a year.")


def _instant(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    wall = datetime(day.year, day.month, day.day) + since_midnight  # noqa: DTZ001 (a wall time, given its zone next)
    return wall.replace(tzinfo=zone).astimezone(UTC)
