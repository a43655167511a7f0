"""A country's table of roads, read and made ready in the planner's process: the service itself never loads its libraries."""

from collections.abc import Mapping
from typing import Any

from services.scheduler.planner.travel import Matrix, Position
from services.scheduler.planner.travel_table import matrix_document, matrix_of


def read_roads(document: object) -> tuple[dict[str, Any] | None, str]:
    """The table with the quickest and shortest ways through it, gaps left to estimates; or what is wrong with it."""
    asked = {**document, "missing": "estimate"} if isinstance(document, dict) else document
    try:
        return matrix_document(matrix_of(asked)), ""
    except ValueError as wrong:
        return None, str(wrong)


def matrix_from(document: Mapping[str, Any]) -> Matrix:
    """A table that was read before; nothing is looked for again."""

    def numbers(rows: list[list[float | None]]) -> list[list[float]]:
        return [[float("nan") if x is None else x for x in row] for row in rows]

    places = tuple(Position(one["lat"], one["lon"]) for one in document["places"])
    km = document.get("km")
    return Matrix(places, numbers(document["minutes"]), numbers(km) if km is not None else None, estimate=True)
