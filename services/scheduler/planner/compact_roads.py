"""Places, roads, what is booked, loads and neighbours as tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.scheduler.planner.calendars import Calendars
from services.scheduler.planner.geography import HAIR
from services.scheduler.planner.greedy import Greedy
from services.scheduler.planner.instance import Instance
from services.scheduler.planner.search.problem import FIXED_COLUMNS, INT, Ints, Minutes, Reals, Sums
from services.scheduler.planner.timetable import DAY, Stop, Timetable, booked_stop, minute
from services.scheduler.planner.travel import Position

NEIGHBOURS = 24


class Places:
    """Every position that matters, numbered; the trainers' homes are further rows of the tables."""

    def __init__(
        self, instance: Instance, table: Timetable, sites: Sequence[Position | None], *, careful: bool = True
    ) -> None:
        """Measure all roads once. The search's roads are as long there as back: carefully, the longer time and the mean of
        the kilometres; not carefully, the less of both, below which no plan can be.
        """
        self.roads = table.roads
        self._number: dict[Position, int] = {}
        for position in (*sites, *(b.position for b in instance.booked), *(j.venue for j in instance.jobs)):
            if position is not None:
                self._number.setdefault(position, len(self._number))
        for job in instance.jobs:
            site = table.place_of(job)
            if site is not None:
                self._number.setdefault(site, len(self._number))
        ends = list(self._number)
        rows = [*ends, *(t.home for t in instance.trainers)]
        if self.roads.symmetric:
            km = self.roads.estimated_km(rows, ends)
            # A hair less before rounding up: a distance that is a whole minute stays one.
            minutes = np.ceil(km / instance.travel.speed_kmh * 60 - HAIR)
        else:
            km, minutes = self._measure_both_ways(rows, ends, careful=careful)
        self.points: Reals = (km * instance.weights.per_km).astype(np.float32)
        self.minutes: Minutes = minutes.astype(np.int32)

    def number(self, position: Position | None) -> int:
        """Its number; -1 is at home."""
        return -1 if position is None else self._number[position]

    def _measure_both_ways(
        self, rows: list[Position], ends: list[Position], *, careful: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        roads, shape = self.roads, (len(rows), len(ends))
        km, minutes = np.zeros(shape), np.zeros(shape)
        for i, a in enumerate(rows):
            for j, b in enumerate(ends):
                ways = roads.km(a, b), roads.km(b, a)
                drives = roads.minutes(a, b), roads.minutes(b, a)
                km[i, j] = sum(ways) / 2 if careful else min(ways)
                minutes[i, j] = max(drives) if careful else min(drives)
        return km, minutes


def fixed_rows(book: Greedy, calendars: Calendars, places: Places) -> Ints:
    """What is booked or confirmed, by trainer and day in the order of time; days that it leaves no room on are closed."""
    instance = book.instance
    number = {t.id: n for n, t in enumerate(instance.trainers)}
    opening = minute(instance.working_day.start)
    stops = [(booked_stop(b), b.trainer_ids) for b in instance.booked]
    stops += [(book.placed[p.job_id], frozenset((p.trainer_id, *p.co_trainers))) for p in book.placements]
    rows: list[tuple[int, ...]] = []
    for stop, people in stops:
        for enterprise in stop.enterprises:
            calendars.close(enterprise, stop.days)
        for who in people & number.keys():
            rows += _rows_of(stop, number[who], opening, calendars, places)
    rows.sort()
    return np.array(rows, INT).reshape(-1, FIXED_COLUMNS)


def _rows_of(stop: Stop, trainer: int, opening: int, calendars: Calendars, places: Places) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for ordinal in stop.days:
        day = ordinal - calendars.first
        if 0 <= day < calendars.days:
            if len(stop.days) > 1:
                calendars.taken[trainer, day] = True
            begin = max(stop.start - ordinal * DAY, 0) - opening
            end = min(stop.end - ordinal * DAY, DAY) - opening
            rows.append((trainer, day, places.number(stop.position), begin, end, int(bool(stop.enterprises))))
    return rows


def load_costs(book: Greedy, visits: int) -> Sums:
    """Points per trainer for 0, 1, 2 … visits of the plan, beyond those of what is booked or confirmed."""
    weight, share = book.instance.weights.per_visit_over_share, book.valuation.share
    table = np.zeros((max(1, len(book.instance.trainers)), visits + 2))
    for n, trainer in enumerate(book.instance.trainers):
        had = book.valuation.load[trainer.id]
        had += sum(trainer.id in (p.trainer_id, *p.co_trainers) for p in book.placements)
        over = np.maximum(0, had + np.arange(visits + 2) - share)
        table[n] = (over - over[0]) * weight
    return table


def near_units(place: Ints, low: Ints, high: Ints, points: Reals) -> Ints:
    """For each unit the nearest others whose days can meet its own; -1 where there are no more."""
    units = len(place)
    count = max(1, min(NEIGHBOURS, units - 1))
    near = np.full((units, count), -1, INT)
    at = np.maximum(place, 0)
    for u in range(units):
        others = np.flatnonzero((low <= high[u]) & (high >= low[u]))
        others = others[others != u]
        if place[u] < 0 or not len(others) or not points.size:
            near[u, : len(others)] = others[:count]
            continue
        away = points[place[u], at[others]]
        if len(others) > count:
            pick = np.argpartition(away, count)[:count]
            others, away = others[pick], away[pick]
        others = others[np.argsort(away, kind="stable")]
        near[u, : len(others)] = others
    return near


def farthest(minutes: Minutes) -> int:
    """Minutes of the longest road there is."""
    return int(minutes.max(initial=0))
