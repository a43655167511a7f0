"""Reads what a coordinator uploads (XLSX or CSV), safely, and names every fault by sheet, row and column.

Nothing here knows what the rows mean: a service describes its sheets (`SheetSpec`) and gets
typed rows and a list of faults. `Rejected` is raised only for a file that cannot be read as a
whole; everything else is collected, so that one upload shows all that is to be corrected.
"""

from shared.workbook.columns import ColumnSpec
from shared.workbook.reading import (
    MAX_ERRORS,
    MAX_ROWS,
    Row,
    RowError,
    SheetSpec,
    Workbook,
    read_workbook,
)

__all__ = [
    "MAX_ERRORS",
    "MAX_ROWS",
    "ColumnSpec",
    "Row",
    "RowError",
    "SheetSpec",
    "Workbook",
    "read_workbook",
]
