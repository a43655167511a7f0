"""Tables of roads from documents: `docs/reference/planner-instance.md`, *A table of roads*.

A table as it comes from a routing engine seldom keeps to the rule that no way by a third place is quicker than the direct
one: its numbers are rounded, and its kilometres belong to the quickest roads. So the quickest and the shortest ways through
the table are counted once, here, and everything behind relies on them.
"""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.scheduler.planner.travel import Matrix, Position

TRAVEL_FORMAT = "gemba-planner-travel/1"
MOST_PLACES = 4_000
"""Counting the quickest ways takes the third power of it (measured: see the reference)."""


class TableError(ValueError):
    """What is wrong in a document of roads, and where in it."""


_MISSING = {"refuse": False, "estimate": True}


def table(
    places: Sequence[Position],
    minutes: Sequence[Sequence[float | None]],
    km: Sequence[Sequence[float | None]] | None = None,
    *,
    estimate: bool = False,
) -> Matrix:
    """A table whose direct ways are the quickest and the shortest. Raises `ValueError` naming the cell that is wrong."""
    raw = Matrix(tuple(places), _numbers(minutes), None if km is None else _numbers(km), estimate)
    return Matrix(raw.places, quickest(raw.minutes), None if raw.km is None else quickest(raw.km), estimate)


def quickest(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """The least sums over all ways through a table (Floyd and Warshall); not a number where there is no way."""
    found: NDArray[np.float64] = np.array(rows, np.float64).reshape(len(rows), -1)
    found[np.isnan(found)] = np.inf
    np.fill_diagonal(found, 0.0)
    by_way = np.empty_like(found)
    for k in range(len(found)):
        np.add(found[:, k : k + 1], found[k : k + 1, :], out=by_way)
        np.minimum(found, by_way, out=found)
    found[np.isinf(found)] = np.nan
    told: list[list[float]] = found.tolist()
    return told


def matrix_of(document: object) -> Matrix:
    """A table from a parsed document. Raises `ValueError` (a `TableError` or a table's own) with the place in the document."""
    if not isinstance(document, dict):
        raise TableError(f"is not an object with places and minutes ({TRAVEL_FORMAT})")
    known = {"format", "places", "minutes", "km", "missing"}
    strange = sorted(document.keys() - known)
    if strange:
        raise TableError(f"{strange[0]}: no such field; known are {', '.join(sorted(known))}")
    if document.get("format", TRAVEL_FORMAT) != TRAVEL_FORMAT:
        raise TableError(f"format: {document['format']!r} is not {TRAVEL_FORMAT!r}")
    missing = document.get("missing", "refuse")
    if missing not in _MISSING:
        raise TableError(f"missing: {missing!r} is not one of refuse, estimate")
    places = [_place(n, one) for n, one in enumerate(_list(document, "places"))]
    if len(places) > MOST_PLACES:
        raise TableError(f"places: {len(places):,} of them, at most {MOST_PLACES:,}; split by region")
    km = _rows(document, "km") if document.get("km") is not None else None
    return table(places, _rows(document, "minutes"), km, estimate=_MISSING[missing])


def matrix_document(matrix: Matrix) -> dict[str, Any]:
    """The document of a table."""
    told: dict[str, Any] = {
        "format": TRAVEL_FORMAT,
        "places": [{"lat": p.lat, "lon": p.lon} for p in matrix.places],
        "minutes": [[None if isnan(x) else x for x in row] for row in matrix.minutes],
    }
    if matrix.km is not None:
        told["km"] = [[None if isnan(x) else x for x in row] for row in matrix.km]
    if matrix.estimate:
        told["missing"] = "estimate"
    return told


def _numbers(rows: Sequence[Sequence[float | None]]) -> list[list[float]]:
    return [[float("nan") if x is None else x for x in row] for row in rows]


def _list(document: dict[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list):
        raise TableError(f"{name}: is missing" if found is None else f"{name}: is not a list")
    return found


def _place(n: int, value: object) -> Position:
    lat, lon = (value.get("lat"), value.get("lon")) if isinstance(value, dict) else (None, None)
    if not _is_number(lat) or not _is_number(lon):
        raise TableError(f'places[{n}]: {value!r} is not a place, such as {{"lat": 10.8, "lon": 106.7}}')
    try:
        return Position(float(str(lat)), float(str(lon)))
    except ValueError as wrong:
        raise TableError(f"places[{n}]: {wrong}") from None


def _rows(document: dict[str, Any], name: str) -> list[list[float | None]]:
    rows = _list(document, name)
    for n, row in enumerate(rows):
        if not isinstance(row, list):
            raise TableError(f"{name}[{n}]: is not a list")
        for m, x in enumerate(row):
            if x is not None and not _is_number(x):
                raise TableError(f"{name}[{n}][{m}]: {x!r} is not a number")
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
