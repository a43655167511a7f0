"""How far and how long by road: great circle x road factor at a mean speed, or a table (`Travel`). A way by a third place
is never quicker or shorter, so that checking two visits at a time is enough for a whole day.
"""

from collections.abc import Sequence
from math import asin, ceil, cos, isfinite, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from services.scheduler.planner.travel import PLACES_AGREE, Matrix, Position, Travel

EARTH_KM = 6371.0088
"""Mean radius, IUGG."""

HAIR = 1e-9
"""Minutes by which a table's sum may miss a whole minute without being rounded up to the next."""


class Roads:
    """Kilometres and whole minutes (rounded up) from one position to another, remembered."""

    def __init__(self, travel: Travel) -> None:
        """Keep the speed, the road factor and the table of this instance."""
        self._travel = travel
        self._table = travel.matrix
        self._km: dict[tuple[float, float, float, float], float] = {}
        self._minutes: dict[tuple[float, float, float, float], int] = {}

    @property
    def symmetric(self) -> bool:
        """Whether there is as far as back, by the kind of provider."""
        return self._table is None

    def km(self, a: Position, b: Position) -> float:
        """Road kilometres one way."""
        key = (a.lat, a.lon, b.lat, b.lon)
        known = self._km.get(key)
        if known is None:
            rows = self._table.km if self._table else None
            told = self._told(self._table, rows, a, b) if self._table and rows else None
            known = self._km[key] = self._estimate(a, b) if told is None else told
        return known

    def estimated_km(self, rows: Sequence[Position], ends: Sequence[Position]) -> NDArray[np.float64]:
        """Estimates from every position of one list to every one of another, at once and not remembered: of 2,500 places
        each pair as a remembered number of its own is more than a gigabyte.
        """
        from_, to = (np.radians(np.array([(p.lat, p.lon) for p in some]).reshape(-1, 2)) for some in (rows, ends))
        half = np.sin((to[:, 0] - from_[:, :1]) / 2) ** 2
        half += np.cos(from_[:, :1]) * np.cos(to[:, 0]) * np.sin((to[:, 1] - from_[:, 1:]) / 2) ** 2
        km: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.minimum(1.0, np.sqrt(half))) * self._travel.road_factor
        return km

    def minutes(self, a: Position, b: Position) -> int:
        """Driving time one way, rounded up to a minute so that no plan is tighter than the road."""
        if self._table is None:
            return ceil(self.km(a, b) / self._travel.speed_kmh * 60)
        key = (a.lat, a.lon, b.lat, b.lon)
        known = self._minutes.get(key)
        if known is None:
            told = self._told(self._table, self._table.minutes, a, b)
            exact = self._estimate(a, b) / self._travel.speed_kmh * 60 if told is None else told - HAIR
            known = self._minutes[key] = max(0, ceil(exact))
        return known

    def there_and_back_km(self, home: Position, site: Position) -> float:
        """Kilometres of a round trip."""
        return self.km(home, site) + self.km(site, home)

    def there_and_back_minutes(self, home: Position, site: Position) -> int:
        """Driving time of a round trip, each way rounded up."""
        return self.minutes(home, site) + self.minutes(site, home)

    @staticmethod
    def _told(table: Matrix, rows: Sequence[Sequence[float]], a: Position, b: Position) -> float | None:
        """What the table says; None where it says nothing."""
        here = table.rows.get((round(a.lat, PLACES_AGREE), round(a.lon, PLACES_AGREE)))
        there = table.rows.get((round(b.lat, PLACES_AGREE), round(b.lon, PLACES_AGREE)))
        if here is None or there is None:
            return None
        found = rows[here][there]
        return found if isfinite(found) else None

    @staticmethod
    def _great_circle(a: Position, b: Position) -> float:
        """Haversine."""
        lat_a, lat_b = radians(a.lat), radians(b.lat)
        half = sin((lat_b - lat_a) / 2) ** 2
        half += cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
        return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))

    def _estimate(self, a: Position, b: Position) -> float:
        """Always from the same end, so that there and back agree to the last digit."""
        if a == b:
            return 0.0
        first, second = (a, b) if (a.lat, a.lon) <= (b.lat, b.lon) else (b, a)
        return self._great_circle(first, second) * self._travel.road_factor
