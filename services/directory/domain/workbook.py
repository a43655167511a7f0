"""What a workbook says and what taking it would do, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.directory.domain.enterprises import Closed, Enterprise
from services.directory.domain.people import Person

PEOPLE: Final = "people"
ENTERPRISES: Final = "enterprises"
CLOSED_DAYS: Final = "closed_days"
SHEETS: Final = (PEOPLE, ENTERPRISES, CLOSED_DAYS)

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row, and what would be right."""

    sheet: str
    row: int
    column: str
    code: str
    message: str
    expected: str


@dataclass(frozen=True, slots=True)
class Sheets:
    """Typed rows by their number. A sheet in `broken` had rows that could not be read."""

    people: Sequence[tuple[int, Values]] = ()
    enterprises: Sequence[tuple[int, Values]] = ()
    closed_days: Sequence[tuple[int, Values]] = ()
    broken: frozenset[str] = frozenset()


@dataclass(slots=True)
class Known:
    """The register as it is. Keys are case-folded; `erased` are keys of people who were erased."""

    people: dict[str, Person] = field(default_factory=dict)
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    closed: dict[UUID, dict[Any, Closed]] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sheet would do."""

    sheet: str
    rows: int
    new: int
    changed: int
    unchanged: int


@dataclass(slots=True)
class Changes:
    """What is to be written. `counts` has one entry for each sheet that was there."""

    new_people: list[Person] = field(default_factory=list)
    changed_people: list[Person] = field(default_factory=list)
    new_enterprises: list[Enterprise] = field(default_factory=list)
    changed_enterprises: list[Enterprise] = field(default_factory=list)
    closed: list[tuple[UUID, Closed]] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def fold(key: str) -> str:
    """Keys compare without case, as sheets do."""
    return key.casefold()
