"""Prints results: one JSON document for programs, or tables for people that fit whatever they look at.

Standard output is for results alone; progress and trouble go to standard error. What came over the
network is shown without its control characters, so that no name can steer a terminal.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

Rows = Sequence[Mapping[str, Any]]

_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_GAP: Final = 2
_LEAST_TEXT_WIDTH: Final = 18
_NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and where its value is: a key, or a function of the row. `wraps`: may be broken over lines."""

    heading: str
    value: str | Callable[[Mapping[str, Any]], Any]
    wraps: bool = False

    def text(self, row: Mapping[str, Any]) -> str:
        return plain(row.get(self.value) if isinstance(self.value, str) else self.value(row))


class Output:
    """One command's standard output. `width` in terminal cells; None: as wide as it takes (a pipe, a file)."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, width: int | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._width = width or (shutil.get_terminal_size().columns if self._is_terminal else None)
        reconfigure = getattr(self._out, "reconfigure", None)
        if reconfigure is not None:
            # A locale without UTF-8 costs a character, never the command.
            reconfigure(errors="replace")

    def document(self, content: object) -> None:
        """The one JSON document of this command."""
        encoding = (getattr(self._out, "encoding", None) or "utf-8").lower().replace("-", "")
        self._write(json.dumps(content, indent=2, ensure_ascii=encoding != "utf8") + "\n")

    def line(self, text: str, *, gap: bool = False) -> None:
        """A sentence for people, after an empty line where there is a `gap`; nothing with --json."""
        if not self.as_json:
            self._write("\n" * gap + _printable(text) + "\n")

    def items(self, rows: Rows, columns: Sequence[Column], *, empty: str) -> None:
        """A whole command's list: `{"items": […]}`, or a table, or the sentence `empty`."""
        if self.as_json:
            self.document({"items": list(rows)})
        elif rows:
            self.table(rows, columns)
        else:
            self.line(empty)

    def table(self, rows: Rows, columns: Sequence[Column], *, gap: bool = False) -> None:
        """For people: columns where they fit, else one block a row. Nothing with --json."""
        if self.as_json:
            return
        self._write("\n" * gap)
        texts = [[column.text(row) for column in columns] for row in rows]
        widths = _natural(texts, columns)
        if self._width is None:
            self._write(_aligned([[column.heading for column in columns], *texts], widths))
        elif _least_width(widths, columns) <= self._width:
            self._write(self._folded(texts, columns, self._width))
        else:
            for number, row in enumerate(texts):
                self._write("\n" * bool(number))
                self._pairs(list(zip((column.heading for column in columns), row, strict=True)))

    def record(self, pairs: Sequence[tuple[str, Any]]) -> None:
        """One thing for people, a line for each of its properties; what is empty is left out."""
        if not self.as_json:
            self._pairs([(name, plain(value)) for name, value in pairs if value not in (None, "", [], {})])

    def _pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        indent = max((len(name) for name, _ in pairs), default=0) + _GAP
        for name, text in pairs:
            self._write(f"{name.lower():<{indent}}{text}\n")

    def _folded(self, texts: Sequence[Sequence[str]], columns: Sequence[Column], width: int) -> str:
        """Columns within `width`, of which those that may be broken are."""
        import io

        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for column in columns:
            table.add_column(
                column.heading,
                no_wrap=not column.wraps,
                overflow="fold",
                min_width=min(_LEAST_TEXT_WIDTH, len(column.heading)) if column.wraps else None,
            )
        for row in texts:
            table.add_row(*(Text(text) for text in row))
        drawn = io.StringIO()
        console = Console(file=drawn, width=width, force_terminal=self._is_terminal, highlight=False)
        console.print(table)
        return _TRAILING.sub("", drawn.getvalue())

    def _write(self, text: str) -> None:
        """Flushed at once: a reader that has gone is noticed here, not while Python ends."""
        self._out.write(text)
        self._out.flush()


def _natural(texts: Sequence[Sequence[str]], columns: Sequence[Column]) -> list[int]:
    from rich.cells import cell_len

    return [max([len(column.heading), *(cell_len(row[at]) for row in texts)]) for at, column in enumerate(columns)]


def _least_width(widths: Sequence[int], columns: Sequence[Column]) -> int:
    least = (min(width, _LEAST_TEXT_WIDTH) if one.wraps else width for width, one in zip(widths, columns, strict=True))
    return sum(least) + _GAP * (len(columns) - 1)


def _aligned(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """Every row on one line of its own: for pipes, and quick with thousands of them."""
    from rich.cells import cell_len

    lines = (
        "".join(text + " " * (width - cell_len(text) + _GAP) for text, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def is_named(value: object) -> bool:
    """Whether it is an id with its name, as the API gives people and enterprises."""
    return isinstance(value, Mapping) and "id" in value and set(value) <= {"id", "key", "name"}


def plain(value: object) -> str:
    """A value as people read it, on one line."""
    match value:
        case None | "":
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case str():
            return _printable(when(value))
        case Mapping() if is_named(value):
            return plain(value.get("name") or value.get("key") or value.get("id"))
        case Mapping():
            return ", ".join(f"{name} {plain(one)}" for name, one in value.items()) or _NOTHING
        case list() | tuple():
            return ", ".join(plain(one) for one in value) or _NOTHING
        case _:
            return _printable(str(value))


_INSTANT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?(Z|\+00:00)$")


def when(text: str) -> str:
    """An instant as minutes in UTC (`2026-03-31 09:00Z`); any other text as it is."""
    found = _INSTANT.match(text)
    return f"{found[1]} {found[2]}Z" if found else text


def local(text: str | None, zone: str | None) -> str:
    """An instant as wall time of a place, with the zone's offset; as it is where either is missing or unknown."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    if not text or not zone:
        return plain(text)
    try:
        return datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M%z")
    except (ValueError, KeyError, OSError):
        return plain(text)


def _printable(text: str) -> str:
    """Control characters, escapes and bidirectional overrides become `?`; line ends become spaces."""
    return "".join(c if c.isprintable() else " " if c in "\n\r\t" else "?" for c in text)
