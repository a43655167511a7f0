"""Raises the bound: prices move towards what is used too much, by less and less (subgradient steps)."""

from collections.abc import Callable
from time import monotonic

import numpy as np

from services.scheduler.planner.search.bound import Prices, prices, relaxed
from services.scheduler.planner.search.problem import PER_WEEK, Problem

PATIENCE = 8
"""Steps without a better bound after which the next ones are half as long."""


class Dual:
    """The best bound so far for one problem."""

    def __init__(self, problem: Problem) -> None:
        """The quick bound: no prices."""
        self.problem = problem
        self.prices: Prices = prices(problem)
        trainers, weeks = self.prices.week.shape
        self._room = np.maximum(0, problem.trainers[:, PER_WEEK : PER_WEEK + 1] - self._booked(trainers, weeks))
        self._floor = 0.0
        self._length, self._since = 1.0, 0
        self.best = -np.inf
        self._best_prices = (self.prices.week.copy(), self.prices.visit.copy())
        self.step(target=None)

    def _booked(self, trainers: int, weeks: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Visit days that are booked; what may be counted twice counts as room."""
        booked = np.zeros((trainers, weeks), np.int64)
        for row in self.problem.fixed:
            booked[row[0], self.problem.week[row[1]]] += row[-1]
        return booked

    def value(self) -> float:
        """The bound at the present prices, and how the loads are settled against them."""
        b, p = self.prices, self.problem
        total = relaxed(p, b)
        n = np.arange(p.load_cost.shape[1])
        settled = p.load_cost - b.visit[:, None] * n
        self._loads = settled.argmin(1)
        return float(total + settled.min(1).sum() - (b.week * self._room).sum())

    def step(self, target: float | None) -> float:
        """Value the prices and move them; `target` is the cost of the best plan known. Returns the best bound."""
        b = self.prices
        value = self.value()
        if value > self.best:
            self.best, self._since = value, 0
            self._best_prices = (b.week.copy(), b.visit.copy())
        else:
            self._since += 1
            if self._since >= PATIENCE:
                self._length, self._since = self._length / 2, 0
                b.week[:], b.visit[:] = self._best_prices
        if target is not None:
            slope_week = b.used_week - self._room
            slope_week[(b.week <= 0) & (slope_week < 0)] = 0.0
            slope_visit = b.used_visit - self._loads
            norm = (slope_week**2).sum() + (slope_visit**2).sum()
            if norm > 0:
                length = self._length * max(1.0, target - value) / norm
                b.week[:] = np.maximum(0.0, b.week + length * slope_week)
                b.visit[:] = b.visit + length * slope_visit
        return self.best

    def raise_to(
        self, target: float, *, steps: int, seconds: float | None = None, cancelled: Callable[[], bool] | None = None
    ) -> float:
        """So many steps, or fewer when time is up or nothing is left to gain."""
        start = monotonic()
        for _ in range(steps):
            if cancelled is not None and cancelled():
                break
            if seconds is not None and monotonic() - start >= seconds:
                break
            if self._length < 1e-4 or self.best >= target - 1e-6:
                break
            self.step(target)
        return self.best
