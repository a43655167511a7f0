"""The sheets of the programme's workbook that directory takes, column by column."""

from typing import Final

from services.directory.domain.workbook import CLOSED_DAYS, ENTERPRISES, PEOPLE
from shared.contracts.values import Role
from shared.workbook import ColumnSpec, SheetSpec

_KEY = 60

SPECS: Final = (
    SheetSpec(
        PEOPLE,
        (
            ColumnSpec("key", required=True, max_length=_KEY),
            ColumnSpec("name", required=True, max_length=200),
            ColumnSpec("country", "country", required=True),
            ColumnSpec("roles", "list", required=True, choices=tuple(Role)),
            ColumnSpec("countries", "countries", default=()),
            ColumnSpec("language", "language", required=True, max_length=35),
            ColumnSpec("zone", "zone", required=True),
            ColumnSpec("languages", "languages", default=()),
            ColumnSpec("email", "email"),
            ColumnSpec("phone", "phone"),
            ColumnSpec("line_manager", max_length=_KEY),
            ColumnSpec("enterprise", max_length=_KEY),
        ),
        key=("key",),
    ),
    SheetSpec(
        ENTERPRISES,
        (
            ColumnSpec("key", required=True, max_length=_KEY),
            ColumnSpec("name", required=True, max_length=200),
            ColumnSpec("country", "country", required=True),
            ColumnSpec("region", required=True, max_length=100),
            ColumnSpec("zone", "zone", required=True),
            ColumnSpec("latitude", "float", required=True, minimum=-90, maximum=90),
            ColumnSpec("longitude", "float", required=True, minimum=-180, maximum=180),
            ColumnSpec("working_weekdays", "weekdays", required=True),
            ColumnSpec("manager_languages", "languages", required=True),
            ColumnSpec("worker_languages", "languages", required=True),
            ColumnSpec("manager_contact", max_length=_KEY),
            ColumnSpec("worker_contact", max_length=_KEY),
        ),
        key=("key",),
    ),
    SheetSpec(
        CLOSED_DAYS,
        (
            ColumnSpec("enterprise", required=True, max_length=_KEY),
            ColumnSpec("first", "date", required=True),
            ColumnSpec("last", "date", required=True),
            ColumnSpec("reason", required=True, max_length=200),
        ),
        key=("enterprise", "first"),
    ),
)

OTHERS: Final = ("trainers", "certificates", "leave", "holidays", "modules", "stages")
"""Sheets of the same workbook that the scheduler takes."""

KNOWN_SHEETS: Final = (PEOPLE, ENTERPRISES, CLOSED_DAYS, *OTHERS)
