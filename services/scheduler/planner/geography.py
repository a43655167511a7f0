"""How far and how long by road: great circle x road factor at a mean speed (`Travel`). Symmetric, with the triangle
inequality, so that checking two visits at a time is enough for a whole day.
"""

from math import asin, ceil, cos, radians, sin, sqrt

from services.scheduler.planner.instance import Position, Travel

EARTH_KM = 6371.0088
"""Mean radius, IUGG."""


class Roads:
    """Kilometres and whole minutes (rounded up) between two positions, remembered."""

    def __init__(self, travel: Travel) -> None:
        """Keep the speed and the road factor of this instance."""
        self._travel = travel
        self._km: dict[tuple[float, float, float, float], float] = {}

    def km(self, a: Position, b: Position) -> float:
        """Road kilometres one way (haversine)."""
        if a == b:
            return 0.0
        key = (a.lat, a.lon, b.lat, b.lon) if (a.lat, a.lon) <= (b.lat, b.lon) else (b.lat, b.lon, a.lat, a.lon)
        known = self._km.get(key)
        if known is None:
            lat_a, lat_b = radians(a.lat), radians(b.lat)
            half = sin((lat_b - lat_a) / 2) ** 2
            half += cos(lat_a) * cos(lat_b) * sin(radians(b.lon - a.lon) / 2) ** 2
            known = 2 * EARTH_KM * asin(min(1.0, sqrt(half))) * self._travel.road_factor
            self._km[key] = known
        return known

    def minutes(self, a: Position, b: Position) -> int:
        """Driving time one way, rounded up to a minute so that no plan is tighter than the road."""
        return ceil(self.km(a, b) / self._travel.speed_kmh * 60)
