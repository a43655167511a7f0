"""Rows of a workbook, typed and checked against what a service expects of its sheets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.workbook.cells import convert
from shared.workbook.columns import BadCell, ColumnSpec
from shared.workbook.sources import Cells, Formula, SourceSheet, open_sheets

MAX_ROWS: Final = 10_000
MAX_ERRORS: Final = 200


@dataclass(frozen=True, slots=True)
class SheetSpec:
    """A sheet that a service owns. `key` names the columns that together may occur once."""

    name: str
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `number` is the one a person sees in the spreadsheet; `values` has every column."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


@dataclass(frozen=True, slots=True)
class RowError:
    """One fault: where it is, what stands there and what would be right. Row 0: the whole sheet."""

    sheet: str
    row: int
    column: str
    code: str
    message: str
    expected: str

    def as_detail(self) -> dict[str, object]:
        """Return it in the form of a problem's `errors`."""
        return {
            "sheet": self.sheet,
            "row": self.row,
            "field": self.column,
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
        }


@dataclass(slots=True)
class Workbook:
    """What was read. With `errors` nothing may be taken: `sheets` then holds only the good rows."""

    sheets: dict[str, list[Row]] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    further_errors: int = 0

    @property
    def ok(self) -> bool:
        """Whether all of it may be taken."""
        return not self.errors

    def refuse(self, *fault: str, sheet: str, row: int = 0, column: str = "") -> None:
        """Note a fault (code, message, expected); beyond the limit only their number is kept."""
        if len(self.errors) >= MAX_ERRORS:
            self.further_errors += 1
            return
        code, message, expected = fault
        self.errors.append(RowError(sheet, row, column, code, message, expected))


def read_workbook(data: bytes, filename: str, specs: Sequence[SheetSpec], *, known_sheets: Collection[str]) -> Workbook:
    """Read the sheets that `specs` describe.

    `known_sheets` are all names that any service owns: those without a spec here are passed
    over, any other name is a fault. A CSV is a workbook with one sheet, named like the file.
    Raises `Rejected` only when the file cannot be read at all. Takes up to some seconds of
    processor time: call it in a thread (`asyncio.to_thread`).
    """
    result = Workbook()
    by_name = {_plain(spec.name): spec for spec in specs}
    known = {_plain(name) for name in known_sheets} | set(by_name)
    expected = ", ".join(sorted({spec.name for spec in specs} | set(known_sheets)))
    for source in open_sheets(data, filename):
        name = _plain(source.name)
        if name not in known:
            message = f"There is no sheet “{source.name[:40]}” to import."
            result.refuse("unknown_sheet", message, f"one of {expected}", sheet=source.name)
        elif name in by_name:
            _SheetReader(by_name[name], source, result).read()
    return result


def _plain(name: object) -> str:
    """Names compare without case, and “Site name” is site_name."""
    return "_".join(str(name).strip().lower().replace("-", " ").replace("_", " ").split())


class _SheetReader:
    """Reads one sheet into the result; the header first, then row by row."""

    def __init__(self, spec: SheetSpec, source: SourceSheet, result: Workbook) -> None:
        self._spec = spec
        self._source = source
        self._result = result
        self._rows: list[Row] = []
        self._seen: dict[tuple[object, ...], int] = {}

    def read(self) -> None:
        rows = ((number, cells) for number, cells in self._source.rows if not _blank(cells))
        header = next(rows, None)
        self._result.sheets[self._spec.name] = self._rows
        if header is None:
            names = ", ".join(column.name for column in self._spec.columns)
            self._refuse("empty_sheet", "The sheet is empty.", f"a first row with {names}")
            return
        number, cells = header
        columns = self._columns_of(number, cells)
        merged = self._refuse_merged(number)
        if columns is None or merged:
            return
        self._read_rows(rows, columns)

    def _columns_of(self, number: int, cells: Cells) -> dict[int, ColumnSpec] | None:
        """Map positions to columns; None (and faults) when the header does not fit."""
        wanted = {_plain(column.name): column for column in self._spec.columns}
        found: dict[str, int] = {}
        faults_before = len(self._result.errors) + self._result.further_errors
        last = max(place for place, cell in enumerate(cells) if not _empty(cell))
        for place, cell in enumerate(cells[: last + 1]):
            name = _plain(cell) if not _empty(cell) else ""
            at = f"column {_letters(place)}"
            if name in found:
                message = f"The column {cell} stands twice, in {_letters(found[name])} and {_letters(place)}."
                self._refuse("duplicate_column", message, "each column once", number, name)
            elif name in wanted:
                found[name] = place
            elif not name:
                message = f"The header of {at} is empty, or merged with its neighbour."
                self._refuse("empty_header", message, "one name over each column", number, at)
            else:
                message = f"There is no column “{str(cell)[:40]}” ({at}) in {self._spec.name}."
                names = ", ".join(column.name for column in self._spec.columns)
                self._refuse("unknown_column", message, f"one of {names}", number, str(cell)[:40])
        for name, column in wanted.items():
            if name not in found and (column.required or column.name in self._spec.key):
                message = f"The column {column.name} is missing."
                self._refuse("missing_column", message, f"a column {column.name}", number, column.name)
        if len(self._result.errors) + self._result.further_errors > faults_before:
            return None
        return {place: wanted[name] for name, place in found.items()}

    def _refuse_merged(self, header: int) -> bool:
        for cells, row in self._source.merged:
            code = "merged_header" if row <= header else "merged_cells"
            message = f"The cells {cells} are merged."
            self._refuse(code, message, "one value in each cell: take the merging away", row)
        return bool(self._source.merged)

    def _read_rows(self, rows: Iterator[tuple[int, Cells]], columns: dict[int, ColumnSpec]) -> None:
        for count, (number, cells) in enumerate(rows, start=1):
            if count > MAX_ROWS:
                message = f"The sheet has more than {MAX_ROWS:,} rows."
                self._refuse("too_many_rows", message, f"at most {MAX_ROWS:,} rows; split the file", number)
                return
            values = self._values_of(number, cells, columns)
            if values is not None and self._first_of_its_key(number, values):
                self._rows.append(Row(number, values))

    def _values_of(self, number: int, cells: Cells, columns: dict[int, ColumnSpec]) -> dict[str, object] | None:
        values: dict[str, object] = {column.name: column.default for column in self._spec.columns}
        good = True
        for place, column in columns.items():
            cell = cells[place] if place < len(cells) else None
            value = cell.strip() if isinstance(cell, str) else cell
            try:
                values[column.name] = _value_of(column, value, column.name in self._spec.key)
            except BadCell as bad:
                good = False
                message = f"{column.name} {bad.message}."
                self._refuse(bad.code, message, bad.expected, number, column.name)
        for place in (place for place in range(len(cells)) if place not in columns):
            if not _empty(cells[place]):
                good = False
                message = f"Something stands in column {_letters(place)}, which has no header."
                self._refuse("no_header", message, "an empty cell", number, _letters(place))
        return values if good else None

    def _first_of_its_key(self, number: int, values: Mapping[str, object]) -> bool:
        key = tuple(value.casefold() if isinstance(value := values[name], str) else value for name in self._spec.key)
        first = self._seen.setdefault(key, number) if key else number
        if first == number:
            return True
        names = ", ".join(self._spec.key)
        shown = ", ".join(str(values[name])[:60] for name in self._spec.key)
        message = f"{names} “{shown}” stands in row {first} and again in row {number}."
        self._refuse("duplicate_key", message, f"each {names} once", number, self._spec.key[0])
        return False

    def _refuse(self, code: str, message: str, expected: str, row: int = 0, column: str = "") -> None:
        fault = (code, message, expected)
        self._result.refuse(*fault, sheet=self._spec.name, row=row, column=column)


def _value_of(column: ColumnSpec, value: object, in_key: bool) -> object:
    if isinstance(value, Formula):
        raise BadCell("formula", f"holds the formula {value.text[:40]}", "the value itself: paste values only")
    if not _empty(value):
        return convert(column, value)
    if column.required or in_key:
        raise BadCell("missing_value", "is empty", "a value")
    return column.default


def _empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _blank(cells: Cells) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def _letters(place: int) -> str:
    """Return a column's name in a spreadsheet: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
