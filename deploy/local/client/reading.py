"""How people read what the API says: names where it gives them, ids where it does not, wall time of the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.local.client.output import Column, Output, is_named, local

Row = Mapping[str, Any]


def begins(row: Row) -> str:
    """When a visit begins, on the clock of its place."""
    return local(row.get("starts_at"), row.get("zone"))


def pairs_of(row: Row) -> list[tuple[str, Any]]:
    """Everything plain in an answer, in its own order, with readable names; lists of objects are left out."""
    return [
        (name.removesuffix("_at").replace("_", " ").capitalize(), value)
        for name, value in row.items()
        if not _is_table(value)
    ]


def tables_in(row: Row) -> dict[str, list[Row]]:
    """The lists of objects in an answer, by name."""
    return {name: value for name, value in row.items() if _is_table(value)}


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(o, Mapping) and not is_named(o) for o in value)


def show_all(out: Output, answer: Row) -> None:
    """One thing for people: its properties, then a block for each list in it."""
    if out.as_json:
        return
    place = {name: local(answer.get(name), answer.get("zone")) for name in ("starts_at", "ends_at") if name in answer}
    out.record(pairs_of({**answer, **place}))
    for name, rows in tables_in(answer).items():
        out.line(f"{name.replace('_', ' ').capitalize()}:", gap=True)
        keys = list(dict.fromkeys(key for row in rows for key, value in row.items() if value not in (None, [], {})))
        out.table(rows, [Column(key.replace("_", " ").upper(), key, wraps=True) for key in keys])
