"""How people read what the API says: names where it gives them, ids where it does not, wall time of the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.local.client.output import Column, Output, local

Row = Mapping[str, Any]


def name_of(row: Row, noun: str) -> str:
    """`trainer` as `{"name": …}`, or what stands in `trainer_name` or `trainer_id`."""
    found = row.get(noun)
    if isinstance(found, Mapping):
        return str(found.get("name") or found.get("key") or found.get("id") or "")
    return str(found or row.get(f"{noun}_name") or row.get(f"{noun}_id") or "")


def names_of(row: Row, noun: str) -> str:
    """`enterprises` as a list of `{"name": …}`, or of names, or of ids."""
    found = row.get(f"{noun}s") or row.get(f"{noun}_names") or row.get(f"{noun}_ids") or []
    if not found:
        return name_of(row, noun)
    return ", ".join(name_of({"one": one}, "one") for one in found)


def begins(row: Row) -> str:
    """When a visit begins, on the clock of its place."""
    return local(row.get("starts_at"), row.get("zone"))


def ends(row: Row) -> str:
    """When a visit ends, on the clock of its place."""
    return local(row.get("ends_at"), row.get("zone"))


def pairs_of(row: Row, *, without: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """Everything plain in an answer, in its own order, with readable names; lists of objects are left out."""
    return [
        (name.removesuffix("_at").replace("_", " ").capitalize(), value)
        for name, value in row.items()
        if name not in without and not _is_table(value)
    ]


def tables_in(row: Row) -> dict[str, list[Row]]:
    """The lists of objects in an answer, by name."""
    return {name: value for name, value in row.items() if _is_table(value)}


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def show_all(out: Output, answer: Row) -> None:
    """One thing for people: its properties, then a block for each list in it."""
    if out.as_json:
        return
    out.record(pairs_of(answer))
    for name, rows in tables_in(answer).items():
        out.line(f"\n{name.replace('_', ' ').capitalize()}:")
        keys = list(dict.fromkeys(key for row in rows for key, value in row.items() if value not in (None, [], {})))
        out.table(rows, [Column(key.replace("_", " ").upper(), key, wraps=True) for key in keys])
