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
| countries   | tuple[str, …]        | several of them, separated by , or ;            |
| zone        | str                  | an IANA zone such as Asia/Dhaka                 |
| language(s) | str, tuple[str, …]   | BCP 47 tags, several separated by , or ;        |
| weekdays    | tuple[int, …]        | Sun-Thu or Mon;Tue;Fri; Monday is 0             |
| list        | tuple[str, …]        | texts separated by , or ;; `choices` if given   |
| date_ranges | tuple[(date, date)]  | 2026-07-01..2026-07-14; 2026-12-25              |
| email       | str                  | lower case                                      |
| phone       | str                  | + and digits (E.164)                            |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from shared.workbook import coded, plain
from shared.workbook.columns import BadCell, ColumnSpec, Kind

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPREADSHEET_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
)


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


_CONVERTERS: Final[Mapping[Kind, Callable[[ColumnSpec, object], object]]] = {
    "text": plain.to_text,
    "int": plain.to_int,
    "float": plain.to_float,
    "bool": plain.to_bool,
    "date": plain.to_date,
    "time": plain.to_time,
    "choice": plain.to_choice,
    "country": coded.to_country,
    "countries": coded.several(coded.to_country),
    "zone": coded.to_zone,
    "language": coded.to_language,
    "languages": coded.several(coded.to_language),
    "weekdays": coded.to_weekdays,
    "list": coded.several(coded.to_item),
    "date_ranges": coded.to_date_ranges,
    "email": coded.to_email,
    "phone": coded.to_phone,
}
