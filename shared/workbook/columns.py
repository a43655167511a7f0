"""What a service says about a column, and what is said about a cell that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "int", "float", "bool", "date", "time", "choice", "country", "countries", "zone",
    "language", "languages", "weekdays", "list", "date_ranges", "email", "phone",
]  # fmt: skip


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


def shown(value: object) -> str:
    """Quote a cell's content in a message, cut short."""
    text = str(value)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
