"""A table of roads as far as a question needs it. What it means is the planner's; here are only its places.

Positions that agree to five decimals of a degree, about a metre, are one place.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_AGREE = 5

Place = tuple[float, float]


def place(latitude: float, longitude: float) -> Place:
    """A position as the name of a place."""
    return round(latitude, _AGREE), round(longitude, _AGREE)


def places_of(document: Mapping[str, Any]) -> dict[Place, int]:
    """The number of each place in the table."""
    return {place(one["lat"], one["lon"]): number for number, one in enumerate(document["places"])}


def narrowed(document: Mapping[str, Any], wanted: Iterable[Place]) -> dict[str, Any]:
    """The same table for these places only: what is counted for all holds for some of them."""
    known = places_of(document)
    rows = [known[one] for one in dict.fromkeys(wanted) if one in known]

    def cut(table: list[list[Any]]) -> list[list[Any]]:
        return [[table[a][b] for b in rows] for a in rows]

    told: dict[str, Any] = {"places": [document["places"][n] for n in rows], "minutes": cut(document["minutes"])}
    if document.get("km") is not None:
        told["km"] = cut(document["km"])
    return told
