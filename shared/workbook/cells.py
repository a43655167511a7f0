"""From what stands in a cell to a typed value, or to a fault that says what would be right.

| kind        | gives                | in the sheet                                    |
|-------------|----------------------|-------------------------------------------------|
| text        | str                  | anything; a whole number keeps its digits       |
| int, float  | int, float           | a number, or its text                           |
| bool        | bool                 | yes/no, true/false, 1/0                         |
| date        | date                 | a date cell, or 2026-03-31                      |
| time        | time                 | a time cell, or 09:30                           |
| choice      | str                  | one of `choices`, in any case                   |
| country     | str                  | two letters (ISO 3166-1 alpha-2)                |
| zone        | str                  | an IANA zone such as Asia/Dhaka                 |
| language(s) | str, tuple[str, …]   | BCP 47 tags, several separated by , or ;        |
| weekdays    | tuple[int, …]        | Sun-Thu or Mon;Tue;Fri; Monday is 0             |
| list        | tuple[str, …]        | texts separated by , or ;; `choices` if given   |
| date_ranges | tuple[(date, date)]  | 2026-07-01..2026-07-14; 2026-12-25              |
| email       | str                  | lower case                                      |
| phone       | str                  | + and digits (E.164)                            |
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Final, Literal
from zoneinfo import available_timezones

Kind = Literal[
    "text", "int", "float", "bool", "date", "time", "choice", "country", "zone", "language",
    "languages", "weekdays", "list", "date_ranges", "email", "phone",
]  # fmt: skip

FIRST_YEAR: Final = 1950
LAST_YEAR: Final = 2150
_LONGEST_RANGE: Final = timedelta(days=3660)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YES: Final = frozenset({"yes", "y", "true", "1", "x"})
_NO: Final = frozenset({"no", "n", "false", "0"})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column. `minimum` and `maximum` bound numbers; `max_length` bounds text in characters;
    `default` stands for an empty cell of a column that is not required.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 500
    default: object = None


class BadCell(Exception):
    """What is wrong with one cell: a code, what stands there, and what would be right."""

    def __init__(self, code: str, message: str, expected: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected


def convert(column: ColumnSpec, value: object) -> object:
    """Return the typed value of a cell that is not empty; raises `BadCell`."""
    if isinstance(value, str):
        if len(value) > column.max_length:
            message = f"has {len(value)} characters"
            raise BadCell("too_long", message, f"at most {column.max_length} characters")
        if _CONTROL.search(value):
            raise BadCell("control_character", "holds a control character", "plain text")
        if value in _SPREADSHEET_ERRORS:
            raise BadCell("error_value", f"holds the error value {value}", "a value")
    return _CONVERTERS[column.kind](column, value)


_SPREADSHEET_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
)


def _text(_column: ColumnSpec, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | time | timedelta):
        raise BadCell("not_text", f"is a date or time cell ({value})", "a cell formatted as text")
    return str(value)


def _bounded(column: ColumnSpec, number: float) -> None:
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


def _float(column: ColumnSpec, value: object) -> float:
    expected = "a number such as 23.81"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadCell("not_a_number", f"is {shown(value)}", expected)
    try:
        number = float(value)
    except (ValueError, OverflowError) as bad:
        raise BadCell("not_a_number", f"is {shown(value)}", expected) from bad
    if not math.isfinite(number):
        raise BadCell("not_a_number", f"is {shown(value)}", expected)
    _bounded(column, number)
    return number


def _int(column: ColumnSpec, value: object) -> int:
    try:
        number = _float(column, value)
    except BadCell as bad:
        if bad.code == "out_of_range":
            raise
        raise BadCell("not_a_whole_number", bad.message, "a whole number") from bad
    if not number.is_integer():
        raise BadCell("not_a_whole_number", f"is {number:g}", "a whole number")
    return int(number)


def _bool(_column: ColumnSpec, value: object) -> bool:
    word = str(value).lower() if not isinstance(value, float) else f"{value:g}"
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell("not_yes_or_no", f"is {shown(value)}", "yes or no")


def _date(_column: ColumnSpec, value: object) -> date:
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


def _time(_column: ColumnSpec, value: object) -> time:
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0)
    if isinstance(value, str) and re.fullmatch(r"\d{1,2}:\d{2}", value):
        hours, minutes = (int(part) for part in value.split(":"))
        if hours < 24 and minutes < 60:
            return time(hours, minutes)
    raise BadCell("not_a_time", f"is {shown(value)}", "a time of day such as 09:30")


def _choice(column: ColumnSpec, value: object) -> str:
    known = {choice.lower(): choice for choice in column.choices}
    found = known.get(_text(column, value).lower())
    if found is None:
        raise BadCell("unknown_choice", f"is {shown(value)}", "one of " + ", ".join(column.choices))
    return found


def _country(column: ColumnSpec, value: object) -> str:
    code = _text(column, value).upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise BadCell("not_a_country", f"is {shown(value)}", "two letters such as BD (ISO 3166-1)")
    return _choice(column, code) if column.choices else code


@cache
def _zones() -> Mapping[str, str]:
    return {zone.lower(): zone for zone in available_timezones() if "/" in zone or zone == "UTC"}


def _zone(column: ColumnSpec, value: object) -> str:
    found = _zones().get(_text(column, value).lower())
    if found is None:
        raise BadCell("not_a_zone", f"is {shown(value)}", "an IANA time zone such as Asia/Dhaka")
    return found


def _language(column: ColumnSpec, value: object) -> str:
    tag = _text(column, value)
    if not _LANGUAGE.fullmatch(tag):
        raise BadCell("not_a_language", f"holds {shown(tag)}", "language tags such as bn, en or zh-Hant")
    first, *rest = tag.split("-")
    return "-".join([first.lower(), *rest])


def split(value: object) -> list[str]:
    """Take a list out of one cell: parts between commas or semicolons, empty ones left out."""
    return [part.strip() for part in re.split(r"[,;\n]", str(value)) if part.strip()]


def _several(one: Callable[[ColumnSpec, object], Any]) -> Callable[[ColumnSpec, object], object]:
    def convert_all(column: ColumnSpec, value: object) -> tuple[Any, ...]:
        parts = split(_text(column, value))
        return tuple(dict.fromkeys(one(column, part) for part in parts))

    return convert_all


def _item(column: ColumnSpec, value: object) -> str:
    return _choice(column, value) if column.choices else str(value)


def _weekdays(_column: ColumnSpec, value: object) -> tuple[int, ...]:
    expected = "weekdays such as Sun-Thu or Mon;Wed;Fri"
    found: set[int] = set()
    for part in split(value):
        ends = [_DAYS.index(d) if (d := end.strip().lower()[:3]) in _DAYS else None for end in part.split("-")]
        first, last = ends[0], ends[-1]
        if first is None or last is None or len(ends) > 2:
            raise BadCell("not_weekdays", f"holds {shown(part)}", expected)
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return tuple(sorted(found))


def _date_range(column: ColumnSpec, value: object) -> tuple[date, date]:
    first_text, _, last_text = str(value).partition("..")
    first = _date(column, first_text.strip())
    last = _date(column, last_text.strip()) if last_text else first
    if last < first or last - first > _LONGEST_RANGE:
        raise BadCell("impossible_range", f"holds {shown(value)}", "first day..last day, in this order")
    return first, last


def _date_ranges(column: ColumnSpec, value: object) -> object:
    if isinstance(value, date):
        day = _date(column, value)
        return ((day, day),)
    return _several(_date_range)(column, value)


def _email(column: ColumnSpec, value: object) -> str:
    address = _text(column, value).lower()
    if not _EMAIL.fullmatch(address) or len(address) > 254:
        raise BadCell("not_an_email", "is not an e-mail address", "an address such as name@example.org")
    return address


def _phone(column: ColumnSpec, value: object) -> str:
    number = re.sub(r"[\s().\-/]", "", _text(column, value))
    if number.startswith("00"):
        number = "+" + number[2:]
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise BadCell(
            "not_a_phone",
            "is not an international number",
            "+ and the country code, such as +8801712345678",
        )
    return number


def shown(value: object) -> str:
    """Quote a cell's content in a message, cut short."""
    text = str(value)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


_CONVERTERS: Final[Mapping[Kind, Callable[[ColumnSpec, object], object]]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "time": _time,
    "choice": _choice,
    "country": _country,
    "zone": _zone,
    "language": _language,
    "languages": _several(_language),
    "weekdays": _weekdays,
    "list": _several(_item),
    "date_ranges": _date_ranges,
    "email": _email,
    "phone": _phone,
}
