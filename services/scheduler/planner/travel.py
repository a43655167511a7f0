"""Where things are and how one gets there: part of what the planner is asked, so pure data (see `instance`).

Without a table of roads every road is great circle x `road_factor`; with one (`Matrix`) times and kilometres are read
from it, and need not be the same there and back.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import isnan


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84, degrees."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        """Raise `ValueError` for what is not on the globe."""
        if not -90 <= self.lat <= 90 or not -180 <= self.lon <= 180:
            msg = f"lat {self.lat} is not between -90 and 90, or lon {self.lon} is not between -180 and 180"
            raise ValueError(msg)


PLACES_AGREE = 5
"""Decimals of a degree, about a metre: positions that agree so far are one place of a table."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Roads as a table: row from, column to, by the number of the place. Minutes of driving; kilometres, or none, which
    leaves them to the great circle.

    `estimate` lets what is not in the table (a place, or a cell that is not a number) be great circle x factor at the
    travel's speed; without it such a gap is refused. The planner takes for granted that no way by a third place is
    quicker or shorter than the direct one: `travel_table.table` makes it so.
    """

    places: tuple[Position, ...]
    minutes: Sequence[Sequence[float]]
    km: Sequence[Sequence[float]] | None = None
    estimate: bool = False
    rows: Mapping[tuple[float, float], int] = field(init=False, repr=False, compare=False)
    """The number of each place, by its position to `PLACES_AGREE` decimals."""

    def __post_init__(self) -> None:
        """Keep the numbers densely. Raise `ValueError` naming the first cell that cannot be meant."""
        seen: dict[tuple[float, float], int] = {}
        for n, place in enumerate(self.places):
            first = seen.setdefault((round(place.lat, PLACES_AGREE), round(place.lon, PLACES_AGREE)), n)
            if first != n:
                msg = f"places[{n}]: is the same place as places[{first}] ({place.lat}, {place.lon})"
                raise ValueError(msg)
        object.__setattr__(self, "rows", seen)
        object.__setattr__(self, "minutes", tuple(array("d", row) for row in self.minutes))
        if self.km is not None:
            object.__setattr__(self, "km", tuple(array("d", row) for row in self.km))
        for name, rows in (("minutes", self.minutes), ("km", self.km)):
            for n, row in enumerate(rows or ()):
                if len(row) != len(self.places):
                    msg = f"{name}[{n}]: has {len(row)} columns for {len(self.places)} places"
                    raise ValueError(msg)
                wrong = next((m for m, x in enumerate(row) if x < 0 or (isnan(x) and not self.estimate)), None)
                if wrong is not None:
                    is_gap = isnan(row[wrong])
                    msg = f"{name}[{n}][{wrong}]: " + (
                        "is missing; give it, or let the table be completed by estimates"
                        if is_gap
                        else f"{row[wrong]:g} is below 0"
                    )
                    raise ValueError(msg)
            if rows is not None and len(rows) != len(self.places):
                msg = f"{name}: has {len(rows)} rows for {len(self.places)} places"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Travel:
    """Great circle x `road_factor` at `speed_kmh`, or a `matrix`. On a day with several visits a trainer is back home at
    most `longest_day` after leaving; a day with one visit may need a night away, which costs but is never refused.
    """

    road_factor: float = 1.3
    speed_kmh: float = 40.0
    longest_day: timedelta = timedelta(hours=12)
    matrix: Matrix | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for roads that lead nowhere."""
        if not self.road_factor > 0 or not self.speed_kmh > 0:
            msg = f"road_factor {self.road_factor} and speed_kmh {self.speed_kmh} must be above 0"
            raise ValueError(msg)
