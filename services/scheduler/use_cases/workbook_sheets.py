"""The sheets of the programme's workbook that the scheduler takes, column by column, and what it looks up in others."""

from typing import Final

from services.scheduler.domain.sheet_changes import CERTIFICATES, HOLIDAYS, LEAVE, MODULES, STAGES, TRAINERS
from shared.workbook import ColumnSpec, SheetSpec

_KEY = 60
_WORKING_WEEK = (0, 1, 2, 3, 4)

SPECS: Final = (
    SheetSpec(
        TRAINERS,
        (
            ColumnSpec("person", required=True, max_length=_KEY),
            ColumnSpec("home_latitude", "float", required=True, minimum=-90, maximum=90),
            ColumnSpec("home_longitude", "float", required=True, minimum=-180, maximum=180),
            ColumnSpec("region", required=True, max_length=100),
            ColumnSpec("working_weekdays", "weekdays", default=_WORKING_WEEK),
            ColumnSpec("max_visits_per_day", "int", minimum=1, maximum=6, default=2),
            ColumnSpec("max_visits_per_week", "int", minimum=1, maximum=30, default=4),
            ColumnSpec("conflicts", "list", default=()),
        ),
        key=("person",),
    ),
    SheetSpec(
        CERTIFICATES,
        (
            ColumnSpec("person", required=True, max_length=_KEY),
            ColumnSpec("module", required=True, max_length=_KEY),
            ColumnSpec("level", "choice", required=True, choices=("candidate", "certified", "expert")),
            ColumnSpec("valid_from", "date", required=True),
            ColumnSpec("valid_to", "date"),
        ),
        key=("person", "module", "level", "valid_from"),
    ),
    SheetSpec(
        LEAVE,
        (
            ColumnSpec("person", required=True, max_length=_KEY),
            ColumnSpec("first", "date", required=True),
            ColumnSpec("last", "date", required=True),
        ),
        key=("person", "first"),
    ),
    SheetSpec(
        HOLIDAYS,
        (
            ColumnSpec("country", "country", required=True),
            ColumnSpec("region", max_length=100, default=""),
            ColumnSpec("day", "date", required=True),
            ColumnSpec("name", required=True, max_length=120),
        ),
        key=(),
    ),
    SheetSpec(
        MODULES,
        (
            ColumnSpec("code", required=True, max_length=_KEY),
            ColumnSpec("title", required=True, max_length=120),
            ColumnSpec("version", required=True, max_length=20),
        ),
        key=("code",),
    ),
    SheetSpec(
        STAGES,
        (
            ColumnSpec("module", required=True, max_length=_KEY),
            ColumnSpec("country", "country", default=""),
            ColumnSpec("stage", required=True, max_length=_KEY),
            ColumnSpec("kind", "choice", required=True, choices=("baseline", "classroom", "consultancy")),
            ColumnSpec("order", "int", required=True, minimum=1, maximum=99),
            ColumnSpec("days", "int", minimum=1, maximum=10, default=1),
            ColumnSpec("hours", "float", required=True, minimum=0.5, maximum=9),
            ColumnSpec("after", "list", default=()),
            ColumnSpec("min_gap_days", "int", minimum=0, maximum=365, default=0),
            ColumnSpec("max_gap_days", "int", minimum=0, maximum=365),
            ColumnSpec("offset_days", "int", minimum=0, maximum=365),
            ColumnSpec("online", "bool", default=False),
            ColumnSpec("quorum", "int", minimum=1, maximum=30, default=1),
            ColumnSpec("capacity", "int", minimum=1, maximum=30),
            ColumnSpec("crew", "int", minimum=1, maximum=2, default=1),
        ),
        key=(),
    ),
)

KNOWN_SHEETS: Final = (*(spec.name for spec in SPECS), "people", "enterprises", "closed_days")

LOOKED_UP: Final = tuple(
    SheetSpec(name, tuple(ColumnSpec(column, max_length=10_000) for column in columns), key=())
    for name, columns in {
        "people": (
            "key", "name", "country", "roles", "countries", "language", "zone", "languages", "email", "phone",
            "line_manager", "enterprise",
        ),
        "enterprises": (
            "key", "name", "country", "region", "zone", "latitude", "longitude", "working_weekdays",
            "manager_languages", "worker_languages", "manager_contact", "worker_contact",
        ),
    }.items()
)  # fmt: skip
"""Directory's sheets, read for their keys and countries only; what is wrong in them is directory's to say."""
