"""The sheets in a file as plain rows with the numbers that a person sees in the spreadsheet."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from shared.errors import Rejected
from shared.workbook import archive

MAX_COLUMNS: Final = 64
_LAST_ROW: Final = 1_048_576
_DELIMITERS: Final = ",;\t"


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula: its value depends on who opened the file last."""

    text: str


Cells = tuple[object, ...]


@dataclass(slots=True)
class SourceSheet:
    """One sheet: its name, its rows with their numbers, and its merged ranges with their first row."""

    name: str
    rows: Iterator[tuple[int, Cells]]
    merged: list[tuple[str, int]]


def open_sheets(data: bytes, filename: str) -> Iterator[SourceSheet]:
    """Give the sheets of an XLSX, or the one sheet of a CSV; `Rejected` when it is neither."""
    archive.check_size(data)
    if PurePath(filename.replace("\\", "/")).suffix.lower() == ".csv":
        yield _csv_sheet(data, filename)
    else:
        yield from _xlsx_sheets(data)


def _xlsx_sheets(data: bytes) -> Iterator[SourceSheet]:
    from openpyxl import load_workbook  # it brings numpy along: 14 MB that nobody needs on most days

    opened = archive.open_xlsx(data)
    merged = archive.scan_parts(opened)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    except Exception as broken:
        # openpyxl raises whatever its parser met; the file is somebody else's, so none is a bug here.
        raise archive.not_a_workbook() from broken
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()
            path = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
            yield SourceSheet(sheet.title, _xlsx_rows(sheet), merged.get(path, []))
    finally:
        workbook.close()


def _xlsx_rows(sheet: object) -> Iterator[tuple[int, Cells]]:
    rows = sheet.iter_rows(max_row=_LAST_ROW, max_col=MAX_COLUMNS)  # type: ignore[attr-defined]
    try:
        for number, cells in enumerate(rows, start=1):
            yield (
                number,
                tuple(Formula(str(cell.value)) if cell.data_type == "f" else cell.value for cell in cells),
            )
    except Exception as broken:
        raise archive.not_a_workbook() from broken


def _csv_sheet(data: bytes, filename: str) -> SourceSheet:
    if b"\x00" in data or data.startswith(b"PK\x03\x04"):
        raise archive.not_a_workbook()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        raise Rejected(
            "not_utf8",
            422,
            f"Line {line} of {filename[:80]} is not UTF-8 text. Save it as “CSV UTF-8”.",
            row=line,
        ) from bad
    name = PurePath(filename.replace("\\", "/")).stem
    return SourceSheet(name, _csv_rows(text, name), [])


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, Cells]]:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, tuple(_csv_cell(cell) for cell in cells)
    except csv.Error as broken:
        raise Rejected(
            "broken_csv",
            422,
            f"Row {number + 1} of {name[:80]} cannot be read ({broken}). Check its quotation marks.",
            sheet=name,
            row=number + 1,
        ) from broken


def _csv_cell(cell: str) -> object:
    return Formula(cell) if cell.lstrip().startswith("=") else cell
