"""Days as arrays: when trainers can begin a block they are certified for, and when enterprises can take one."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from services.scheduler.planner.eligibility import RANK, level_needed
from services.scheduler.planner.instance import DateSpan, Instance, Job, Trainer

Days = NDArray[np.bool_]


class Calendars:
    """Whole weeks around the horizon, as indices from `first`; rows are made when first asked for."""

    def __init__(self, instance: Instance, *, careful: bool) -> None:
        """Lay out the days. `careful`: days that something booked leaves little of are closed altogether."""
        self.instance, self._careful = instance, careful
        monday = instance.horizon.first - timedelta(days=instance.horizon.first.weekday() + 7)
        self.first = monday.toordinal()
        self.days = -(-(instance.horizon.last.toordinal() + 8 - self.first) // 7) * 7
        self._weekday = np.arange(self.days) % 7 + 1
        self._trainers = np.stack([self._trainer(t) for t in instance.trainers] or [self._none()])
        self._sites = {e.id: self._open(e.working_weekdays, e.closed, e.region) for e in instance.enterprises}
        self.taken = np.zeros_like(self._trainers)
        """days on which something booked leaves a trainer no room at all"""
        self.works: list[Days] = []
        self.is_open: list[Days] = []
        self._works_rows: dict[tuple[str | None, int, int], int] = {}
        self._open_rows: dict[tuple[tuple[str, ...], int], int] = {}

    def index(self, day: date) -> int:
        """Index of a day, which may lie outside."""
        return day.toordinal() - self.first

    def _none(self) -> Days:
        return np.zeros(self.days, np.bool_)

    def _span(self, span: DateSpan) -> slice:
        return slice(max(0, self.index(span.first)), max(0, self.index(span.last) + 1))

    def _open(self, weekdays: Iterable[int], closed: Iterable[DateSpan], region: str) -> Days:
        row = np.isin(self._weekday, list(weekdays))
        for span in closed:
            row[self._span(span)] = False
        for day in self.instance.holidays.get(region, ()):
            if 0 <= self.index(day) < self.days:
                row[self.index(day)] = False
        return row

    def _trainer(self, trainer: Trainer) -> Days:
        return self._open(trainer.working_weekdays, trainer.leave, trainer.region)

    def close(self, enterprise: str, days: Iterable[int]) -> None:
        """An enterprise has something booked on these ordinals; the search leaves it alone then."""
        for day in days:
            if self._careful and enterprise in self._sites and 0 <= day - self.first < self.days:
                self._sites[enterprise][day - self.first] = False

    def works_row(self, job: Job, role: int) -> int:
        """Row of `works` for a role in a job."""
        key = (job.module, RANK[level_needed(job, role)] if job.module else 0, job.days)
        if key not in self._works_rows:
            self._works_rows[key] = len(self.works)
            held = np.stack([self._holds(t, key[0], key[1]) for t in self.instance.trainers] or [self._none()])
            self.works.append(self._blocks(self._trainers & held & ~(self.taken & self._careful), job.days))
        return self._works_rows[key]

    def open_row(self, job: Job, optional: Sequence[str] = ()) -> int:
        """Row of `is_open` for a job's enterprises, aside from those who may stay away."""
        key = (tuple(e for e in job.enterprise_ids if e not in optional), job.days)
        if key not in self._open_rows:
            self._open_rows[key] = len(self.is_open)
            together = np.logical_and.reduce([~self._none(), *(self._sites[e] for e in key[0])])
            self.is_open.append(self._blocks(together, job.days))
        return self._open_rows[key]

    def guest_row(self, job: Job, enterprise: str, low: int, high: int) -> int:
        """Row of `is_open` for one enterprise of a classroom, which can begin for it from one index to another."""
        within = np.arange(self.days)
        self.is_open.append(self._blocks(self._sites[enterprise], job.days) & (within >= low) & (within <= high))
        return len(self.is_open) - 1

    def _holds(self, trainer: Trainer, module: str | None, rank: int) -> Days:
        if module is None:
            return np.ones(self.days, np.bool_)
        row = self._none()
        for c in trainer.certificates:
            if c.module == module and RANK[c.level] >= rank:
                row[self._span(DateSpan(c.valid_from, max(c.valid_from, c.valid_to or date.max)))] = True
        return row

    @staticmethod
    def _blocks(row: Days, length: int) -> Days:
        """Days from which on `length` days are all open."""
        begins = row.copy()
        for n in range(1, length):
            shifted = np.zeros_like(row)
            shifted[..., :-n] = row[..., n:]
            begins &= shifted
        return begins
