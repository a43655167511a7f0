"""Countries, zones, languages, weekdays, lists, ranges of days, addresses and numbers to call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from shared.workbook.columns import BadCell, ColumnSpec, shown
from shared.workbook.plain import to_choice, to_date, to_text

_LONGEST_RANGE: Final = timedelta(days=3660)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")


def to_country(column: ColumnSpec, value: object) -> str:
    code = to_text(column, value).upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise BadCell("not_a_country", f"is {shown(value)}", "two letters such as BD (ISO 3166-1)")
    return to_choice(column, code) if column.choices else code


@cache
def _zones() -> Mapping[str, str]:
    return {zone.lower(): zone for zone in available_timezones() if "/" in zone or zone == "UTC"}


def to_zone(column: ColumnSpec, value: object) -> str:
    found = _zones().get(to_text(column, value).lower())
    if found is None:
        raise BadCell("not_a_zone", f"is {shown(value)}", "an IANA time zone such as Asia/Dhaka")
    return found


def to_language(column: ColumnSpec, value: object) -> str:
    tag = to_text(column, value)
    if not _LANGUAGE.fullmatch(tag):
        raise BadCell("not_a_language", f"holds {shown(tag)}", "language tags such as bn, en or zh-Hant")
    first, *rest = tag.split("-")
    return "-".join([first.lower(), *rest])


def _split(value: object) -> list[str]:
    """Take a list out of one cell: parts between commas or semicolons, empty ones left out."""
    return [part.strip() for part in re.split(r"[,;\n]", str(value)) if part.strip()]


def several(one: Callable[[ColumnSpec, object], Any]) -> Callable[[ColumnSpec, object], object]:
    def convert_all(column: ColumnSpec, value: object) -> tuple[Any, ...]:
        parts = _split(to_text(column, value))
        return tuple(dict.fromkeys(one(column, part) for part in parts))

    return convert_all


def to_item(column: ColumnSpec, value: object) -> str:
    return to_choice(column, value) if column.choices else str(value)


def to_weekdays(_column: ColumnSpec, value: object) -> tuple[int, ...]:
    expected = "weekdays such as Sun-Thu or Mon;Wed;Fri"
    found: set[int] = set()
    for part in _split(value):
        ends = [_DAYS.index(d) if (d := end.strip().lower()[:3]) in _DAYS else None for end in part.split("-")]
        first, last = ends[0], ends[-1]
        if first is None or last is None or len(ends) > 2:
            raise BadCell("not_weekdays", f"holds {shown(part)}", expected)
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return tuple(sorted(found))


def to_date_range(column: ColumnSpec, value: object) -> tuple[date, date]:
    first_text, _, last_text = str(value).partition("..")
    first = to_date(column, first_text.strip())
    last = to_date(column, last_text.strip()) if last_text else first
    if last < first or last - first > _LONGEST_RANGE:
        raise BadCell("impossible_range", f"holds {shown(value)}", "first day..last day, in this order")
    return first, last


def to_date_ranges(column: ColumnSpec, value: object) -> object:
    if isinstance(value, date):
        day = to_date(column, value)
        return ((day, day),)
    return several(to_date_range)(column, value)


def to_email(column: ColumnSpec, value: object) -> str:
    address = to_text(column, value).lower()
    if not _EMAIL.fullmatch(address) or len(address) > 254:
        raise BadCell("not_an_email", "is not an e-mail address", "an address such as name@example.org")
    return address


def to_phone(column: ColumnSpec, value: object) -> str:
    number = re.sub(r"[\s().\-/]", "", to_text(column, value))
    if number.startswith("00"):
        number = "+" + number[2:]
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise BadCell(
            "not_a_phone",
            "is not an international number",
            "+ and the country code, such as +8801712345678",
        )
    return number
