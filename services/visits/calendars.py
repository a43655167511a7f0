"""The calendar of each country: the working week from the pack, the public holidays from the `holidays` library."""

from datetime import date
from functools import cache

import holidays

from services.visits.domain.pack import Pack
from services.visits.domain.working_time import Calendar


@cache
def _holidays(country: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None


def calendar_of(country: str, pack: Pack) -> Calendar:
    """Where people work when in a country (ISO 3166-1 alpha-2). A country the library does not know has no holidays."""
    known = _holidays(country)

    def is_holiday(day: date) -> bool:
        return known is not None and day in known

    return Calendar(pack.week_of(country), is_holiday)
