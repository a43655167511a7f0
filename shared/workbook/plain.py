"""Text, numbers, yes and no, days, times of day and choices."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from typing import Final

from shared.workbook.columns import BadCell, ColumnSpec, shown

FIRST_YEAR: Final = 1950
LAST_YEAR: Final = 2150
_YES: Final = frozenset({"yes", "y", "true", "1", "x"})
_NO: Final = frozenset({"no", "n", "false", "0"})
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def to_text(_column: ColumnSpec, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | time | timedelta):
        raise BadCell("not_text", f"is a date or time cell ({value})", "a cell formatted as text")
    return str(value)


def _check_bounds(column: ColumnSpec, number: float) -> None:
    low, high = column.minimum, column.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        wanted = " and ".join(
            part
            for part in (
                f"at least {low:g}" if low is not None else "",
                f"at most {high:g}" if high is not None else "",
            )
            if part
        )
        raise BadCell("out_of_range", f"is {number:g}", f"a number of {wanted}")


def to_float(column: ColumnSpec, value: object) -> float:
    expected = "a number such as 23.81"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadCell("not_a_number", f"is {shown(value)}", expected)
    try:
        number = float(value)
    except (ValueError, OverflowError) as bad:
        raise BadCell("not_a_number", f"is {shown(value)}", expected) from bad
    if not math.isfinite(number):
        raise BadCell("not_a_number", f"is {shown(value)}", expected)
    _check_bounds(column, number)
    return number


def to_int(column: ColumnSpec, value: object) -> int:
    try:
        number = to_float(column, value)
    except BadCell as bad:
        if bad.code == "out_of_range":
            raise
        raise BadCell("not_a_whole_number", bad.message, "a whole number") from bad
    if not number.is_integer():
        raise BadCell("not_a_whole_number", f"is {number:g}", "a whole number")
    return int(number)


def to_bool(_column: ColumnSpec, value: object) -> bool:
    word = str(value).lower() if not isinstance(value, float) else f"{value:g}"
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell("not_yes_or_no", f"is {shown(value)}", "yes or no")


def to_date(_column: ColumnSpec, value: object) -> date:
    expected = "a date such as 2026-03-31"
    if isinstance(value, datetime):
        if value.time() != time(0):
            raise BadCell("date_with_time", f"is {value:%Y-%m-%d %H:%M}", f"{expected}, without a time")
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            found = date.fromisoformat(value)
        except ValueError as impossible:
            raise BadCell("impossible_date", f"is {value}, a day that does not exist", expected) from impossible
    else:
        raise BadCell("not_a_date", f"is {shown(value)}", expected)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadCell("impossible_date", f"is {found}", f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return found


def to_time(_column: ColumnSpec, value: object) -> time:
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0)
    if isinstance(value, str) and re.fullmatch(r"\d{1,2}:\d{2}", value):
        hours, minutes = (int(part) for part in value.split(":"))
        if hours < 24 and minutes < 60:
            return time(hours, minutes)
    raise BadCell("not_a_time", f"is {shown(value)}", "a time of day such as 09:30")


def to_choice(column: ColumnSpec, value: object) -> str:
    known = {choice.lower(): choice for choice in column.choices}
    found = known.get(to_text(column, value).lower())
    if found is None:
        raise BadCell("unknown_choice", f"is {shown(value)}", "one of " + ", ".join(column.choices))
    return found
