"""Raises the bound: credits in sweeps that never lower it, and the prices of loads towards what is used too much, by less and
less (subgradient steps). Sweeps of the credits get stuck below what they could reach; from there on they are walked along the
subgradient as well: up where only the unit wants a cell, down where only the week does.
"""

from collections.abc import Callable
from time import monotonic

import numpy as np

from services.scheduler.planner.search.bound import unit_room, units_by_themselves
from services.scheduler.planner.search.problem import (
    EARLIEST,
    FIRST_VISIT,
    INT,
    LATEST,
    PER_WEEK,
    UNIT,
    Ints,
    Problem,
)
from services.scheduler.planner.search.shares import shares
from services.scheduler.planner.search.week import Credits, week_room, weeks_by_themselves

PARTS = (0.9, 0.4)
"""Of what one side does not need, handed over in one sweep and in the next: all of it would leave nothing to choose by."""

STEP, SLOWING = 0.5, 40
"""How far the prices of loads move (of what is missing to the best plan), and after how many sweeps only half as far."""

SWEEPS, WALKS, STRIDE, SHORTEST = 40, 10, 0.3, 0.002
"""Sweeps before the first walk, then steps of a walk to one sweep; their length (of what is missing to the best plan) at first,
and when it is left at that.
"""

PATIENCE, LITTLE = 15, 2e-5
"""Steps in a row that gain less than this part of the bound, after which they become half as long."""

WORTH, MOST = 30_000_000, 150
"""Cells (one visit, trainer and day) that a fixed number of sweeps looks at, and the most of them. Above as many cells there is the
quick bound alone: a sweep over 39 million, 2,500 enterprises, takes a minute and a half.
"""

QUICK = 4e-7
"""Seconds that the quick bound takes for each cell."""

FIRST_SWEEP = 12.0
"""What the first sweep is taken to last, in times of the quick bound."""


def credits_of(p: Problem) -> Credits:
    """Every visit pays its least share of the road; on days with something booked, nothing."""
    units, trainers = len(p.units) - 1, len(p.trainers)
    can = np.zeros((units, trainers), bool)
    for u in range(units):
        can[u] = np.isfinite(p.extra[p.units[u, FIRST_VISIT] : p.units[u + 1, FIRST_VISIT]]).any(0)
    counts = can.sum(1)
    crews = np.concatenate([[0], np.cumsum(counts)]) + units + 1
    unit, trainer = np.nonzero(can)
    number = np.arange(len(unit)) - (crews[unit] - units - 1)
    by_trainer = np.lexsort((unit, trainer))
    asked = np.concatenate([
        np.searchsorted(trainer[by_trainer], np.arange(trainers + 1)),
        np.column_stack([unit, number])[by_trainer].reshape(-1),
    ])  # fmt: skip
    visits = p.visits[:-1]
    days = np.maximum(0, visits[:, LATEST] - visits[:, EARLIEST] + 1)
    begins = np.concatenate([[0], np.cumsum(days * counts[visits[:, UNIT]])])
    share = shares(p)
    free = np.zeros((trainers, len(p.week)), np.bool_)
    free[p.fixed[:, 0], p.fixed[:, 1]] = True
    cells = np.zeros(int(begins[-1]))
    for v in range(len(visits)):
        u = visits[v, UNIT]
        mine = trainer[crews[u] - units - 1 : crews[u + 1] - units - 1]
        block = np.repeat(share[v, mine].astype(float)[:, None], days[v], axis=1)
        if free.any() and days[v]:
            block[free[mine, visits[v, EARLIEST] : visits[v, LATEST] + 1]] = 0.0
        cells[begins[v] : begins[v + 1]] = block.reshape(-1)
    return Credits(
        cells,
        begins.astype(INT),
        np.concatenate([crews, trainer]).astype(INT),
        asked.astype(INT),
        share,
        free,
        _room(p),
    )


def _room(p: Problem) -> Ints:
    """Visits that each week of a trainer still takes; what may be counted twice counts as room."""
    booked = np.zeros((len(p.trainers), int(p.week.max(initial=0)) + 1), INT)
    for row in p.fixed:
        booked[row[0], p.week[row[1]]] += row[-1]
    left: Ints = np.maximum(0, p.trainers[:, PER_WEEK : PER_WEEK + 1] - booked)
    return left


def quick_seconds(p: Problem) -> float:
    """What the quick bound will take, about."""
    able = np.isfinite(p.extra[: len(p.points)]).sum(1)
    days = np.maximum(0, p.visits[:-1, LATEST] - p.visits[:-1, EARLIEST] + 1)
    return float(QUICK * (able * days).sum())


class Dual:
    """The best bound so far for one problem."""

    def __init__(self, problem: Problem) -> None:
        """The quick bound: the least shares of the road, and no prices."""
        self.problem = problem
        self.credits = credits_of(problem)
        units = len(problem.units) - 1
        self.units = unit_room(problem, int(np.diff(self.credits.crews[: units + 1]).max(initial=1)))
        self._week = week_room(problem, self.credits)
        self._sweeps, self._steps, self._idle, self._stride = 0, 0, 0, STRIDE
        rise = np.diff(problem.load_cost, axis=1)
        self._cheapest, self._dearest = rise.min(1, initial=0.0), rise.max(1, initial=0.0)
        self.best = -np.inf
        begun = monotonic()
        self.step(target=None)
        self._longest = FIRST_SWEEP * (monotonic() - begun)

    def step(self, target: float | None) -> float:
        """One sweep. `target` is the cost of the best plan known, without which only the units are looked at. Returns the best
        bound.
        """
        p, b = self.problem, self.units
        part = 0.0 if target is None else PARTS[self._sweeps % 2]
        total = units_by_themselves(p, self.credits, b, part)
        settled = p.load_cost - b.price[:, None] * np.arange(p.load_cost.shape[1])
        total += settled.min(1).sum()
        if target is not None:
            total += weeks_by_themselves(p, self.credits, self._week, part)
            slope = b.used - settled.argmin(1)
            norm = float((slope**2).sum())
            if norm > 0:
                length = STEP * max(1.0, target - total) / (1.0 + self._sweeps / SLOWING)
                b.price[:] += length / norm * slope
                np.clip(b.price, self._cheapest, self._dearest, out=b.price)
            self._sweeps += 1
        self._note(float(total))
        return self.best

    def walk(self, target: float) -> float:
        """One step of the credits along the subgradient. Returns the best bound."""
        p, b, w = self.problem, self.units, self._week.wanted
        total = units_by_themselves(p, self.credits, b, 0.0) + weeks_by_themselves(p, self.credits, self._week, 0.0)
        total += (p.load_cost - b.price[:, None] * np.arange(p.load_cost.shape[1])).min(1).sum()
        units, weeks = b.wanted[b.wanted >= 0], w[1 : 1 + w[0]]
        more, less = np.setdiff1d(units, weeks), np.setdiff1d(weeks, units)
        length = self._stride * max(1.0, target - total) / max(1, len(more) + len(less))
        self.credits.cells[more] += length
        self.credits.cells[less] -= length
        self._note(float(total))
        if self._idle >= PATIENCE:
            self._idle, self._stride = 0, self._stride / 2
        return self.best

    def _note(self, total: float) -> None:
        self._idle = 0 if total > self.best + LITTLE * abs(self.best) else self._idle + 1
        self.best = max(self.best, total)

    def sweeps(self) -> int:
        """A number of sweeps and steps that depends on the problem alone, for a budget that must repeat."""
        return int(min(MOST, WORTH // max(1, len(self.credits.cells))))

    def raise_to(
        self, target: float, *, steps: int, seconds: float | None = None, cancelled: Callable[[], bool] | None = None
    ) -> float:
        """So many sweeps and steps, or fewer when nothing is left to gain, or when the next one, by the one before, would not end
        in time.
        """
        start = monotonic()
        for _ in range(steps):
            if cancelled is not None and cancelled():
                break
            begun = monotonic()
            if seconds is not None and begun - start + self._longest >= seconds:
                break
            if self._stride < SHORTEST or self.best >= target - 1e-6:
                break
            if self._steps < SWEEPS or self._steps % (WALKS + 1) == 0:
                self.step(target)
            else:
                self.walk(target)
            self._steps += 1
            self._longest = monotonic() - begun
        return self.best
