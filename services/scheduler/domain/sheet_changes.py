"""What sheets change and what is wrong with them: the vocabulary of `sheets` and `sheets_catalogue`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.scheduler.domain.delivery import Stage

TRAINERS, CERTIFICATES, LEAVE, HOLIDAYS = "trainers", "certificates", "leave", "holidays"
MODULES, STAGES = "modules", "stages"
OWN = (TRAINERS, CERTIFICATES, LEAVE, HOLIDAYS, MODULES, STAGES)

Rows = Sequence[tuple[int, Mapping[str, Any]]]
"""Row numbers as a person sees them, and typed values by column."""


@dataclass(frozen=True, slots=True)
class SheetFault:
    """Row 0 is the whole sheet."""

    sheet: str
    row: int
    column: str
    code: str
    message: str
    expected: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is there before. `people` and `enterprises` map keys to countries, those of the workbook itself included;
    `countries` are those the importer may change, None for all. `may_change_catalogue`: an administrator may change
    what holds for all countries, a coordinator may only add to it.
    """

    people: Mapping[str, str]
    enterprises: Mapping[str, str]
    countries: frozenset[str] | None
    may_change_catalogue: bool
    trainers: Mapping[str, tuple[object, ...]]
    certificates: Mapping[tuple[object, ...], tuple[object, ...]]
    leave: Mapping[tuple[object, ...], tuple[object, ...]]
    holidays: Mapping[tuple[object, ...], tuple[object, ...]]
    modules: Mapping[str, tuple[object, ...]]
    plans: Mapping[tuple[str, str], Sequence[Stage]]

    def mine(self, country: str | None) -> bool:
        """Whether the importer may change things of a country."""
        return country is not None and (self.countries is None or country in self.countries)


@dataclass(slots=True)
class Counts:
    """What one sheet does."""

    sheet: str
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class SheetChanges:
    """Rows to be written, in the order of their tables' columns; `plans` by module and country."""

    trainers: list[tuple[object, ...]] = field(default_factory=list)
    certificates: list[tuple[object, ...]] = field(default_factory=list)
    leave: list[tuple[object, ...]] = field(default_factory=list)
    holidays: list[tuple[object, ...]] = field(default_factory=list)
    modules: list[tuple[object, ...]] = field(default_factory=list)
    plans: dict[tuple[str, str], list[Stage]] = field(default_factory=dict)
    countries: set[str] = field(default_factory=set)
    """Countries whose planning is concerned; an empty one is all of them."""
    counts: list[Counts] = field(default_factory=list)
    faults: list[SheetFault] = field(default_factory=list)

    def fault(self, sheet: str, row: int, column: str, code: str, message: str, expected: str) -> None:
        """Note a fault."""
        self.faults.append(SheetFault(sheet, row, column, code, message, expected))


def count_row(counts: Counts, before: tuple[object, ...] | None, after: tuple[object, ...]) -> bool:
    """Whether there is anything to write."""
    counts.rows += 1
    if before == after:
        counts.unchanged += 1
        return False
    if before is None:
        counts.new += 1
    else:
        counts.changed += 1
    return True


def module_ok(sheet: str, row: int, module: str, modules: set[str], changes: SheetChanges) -> bool:
    """Whether the module exists, in the workbook or before."""
    if module in modules:
        return True
    expected = f"one of {', '.join(sorted(modules))}" if modules else "a module of the sheet modules"
    changes.fault(sheet, row, "module", "unknown_module", f"There is no module {module!r}.", expected)
    return False


def once(
    sheet: str, row: int, column: str, key: tuple[object, ...], seen: dict[tuple[object, ...], int], changes: SheetChanges
) -> bool:
    """Whether the key stands in this row for the first time."""
    first = seen.setdefault(key, row)
    if first == row:
        return True
    shown = ", ".join(str(part) for part in key if part != "")
    changes.fault(
        sheet, row, column, "duplicate_key", f"“{shown}” stands in row {first} and again in row {row}.", "each once"
    )
    return False


def not_your_country(sheet: str, row: int, country: str, known: Known, changes: SheetChanges) -> None:
    """Note that the importer has no say in a country."""
    mine = ", ".join(sorted(known.countries or ()))
    changes.fault(
        sheet, row, "country", "not_your_country", f"You may not change {country}.", f"one of your countries: {mine}"
    )
