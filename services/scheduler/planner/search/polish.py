"""The end of a search: its plans are put together by the exact model (`merge`), then one trainer after another, two and three
neighbours at a time are planned again (`crew`).

The search moves a few visits at a time and ends where no such step gains; the exact model moves all days of a trainer at once, mostly
proven within tenths of a second. Crews that share no trainer are solved side by side. What is found is counted again by the search's own
book, and kept only where it is cheaper.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from services.scheduler.planner.search.agenda import Agenda
from services.scheduler.planner.search.budget import Budget
from services.scheduler.planner.search.crew import Crew
from services.scheduler.planner.search.problem import EARLIEST, LATEST, PAIR_ROW, Bools, Ints, Problem
from services.scheduler.planner.search.state import DAY, LEAD, SECOND

GAIN = 1e-6

EACH, MOST_EACH = 0.1, 10.0
"""Of the whole budget, what one model may take of it, and the most in seconds or work: nobody cancels it meanwhile."""

DETERMINISTIC, STATED = 2.0, 2e-5
"""Work that a unit of the solver's deterministic time counts for, and each of a model's variables, because stating it takes time as well."""

BATCH = 4
"""Models for each processor that are solved from the same plan, so that nobody waits long for the slowest of them."""

Recount = Callable[[Ints], tuple[float, Ints]]
Tell = Callable[[float, Ints, Ints], None]


def pinned(p: Problem, placed: Ints) -> Problem:
    """The problem in which every visit can be nowhere but where it is, and what is left out nowhere."""
    extra = np.full_like(p.extra, np.inf)
    visits = p.visits.copy()
    for v in range(len(p.points)):
        lead, second, day = placed[v, LEAD], placed[v, SECOND], placed[v, DAY]
        visits[v, EARLIEST], visits[v, LATEST] = (day, day) if day >= 0 else (1, 0)
        if lead >= 0:
            extra[v, lead] = p.extra[v, lead]
        if second >= 0:
            row = p.visits[v, PAIR_ROW]
            extra[row, second] = p.extra[row, second]
    return p._replace(visits=visits, extra=extra)


class Polish:
    """A plan, and what is left of a budget to make it better by exact models of parts of it."""

    def __init__(
        self,
        problem: Problem,
        placed: Ints,
        total: float,
        *,
        budget: Budget,
        done: float = 0.0,
        workers: int = 1,
        recount: Recount,
        tell: Tell,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """`done` is the work so far. `recount` gives the points and the days' stops of a plan; `tell` is called with every better one."""
        self.problem, self.placed, self.total, self.budget, self.done = problem, placed, total, budget, done
        self.workers = workers
        self._recount, self._tell, self._cancelled = recount, tell, cancelled

    def left(self) -> float:
        """Seconds or work; nothing once somebody cancelled."""
        if self._cancelled is not None and self._cancelled():
            return 0.0
        return self.budget.amount(1.0 - self.budget.used(self.done))

    def crews(
        self, batch: Sequence[tuple[int, ...]], most: float, among: Bools | None = None
    ) -> dict[tuple[int, ...], list[int]]:
        """Plan crews that share no trainer again, side by side, each with so many seconds or so much work at most; `among` as in `Crew`.
        Returns, of the crews whose plans are others now, the trainers whose are.
        """
        base, work, limit = self.placed, self.budget.work is not None, min(most, self.left())

        def solve(crew: tuple[int, ...]) -> tuple[Ints | None, float]:
            share = limit if work else min(limit, self.left())
            if share <= 0.0:
                return None, 0.0
            model = Crew(self.problem, base, crew, among)
            found, taken = model.solve(share / DETERMINISTIC, None if work else share)
            return found, DETERMINISTIC * taken + STATED * len(model.cp.proto.variables)

        with ThreadPoolExecutor(self.workers, thread_name_prefix="planner-polish") as pool:
            answers = list(pool.map(solve, batch))
        self.done += sum(taken for _, taken in answers)
        found = [
            (crew, plan)
            for crew, (plan, _) in zip(batch, answers, strict=True)
            if plan is not None and not np.array_equal(plan, base)
        ]
        changed: dict[tuple[int, ...], list[int]] = {}
        for those in ([found] if len(found) > 1 else []) + [[one] for one in found]:
            if all(crew in changed for crew, _ in those):
                continue
            trial = self.placed.copy()
            for _, plan in those:
                moved = (plan != base).any(1)
                trial[moved] = plan[moved]
            total, slots = self._recount(trial)
            if total < self.total - GAIN:
                self.placed, self.total = trial, total
                self._tell(total, trial, slots)
                changed |= {crew: _changed(crew, base, plan) for crew, plan in those}
        return changed

    def everybody(self) -> None:
        """Go through all crews, in the order of the agenda, until nothing is left to look at or to use."""
        each = min(self.budget.amount(EACH), MOST_EACH)
        agenda = Agenda(self.problem, self.placed)
        while (left := self.left()) > 0.0:
            several = 1 if self.workers == 1 else max(self.workers, min(BATCH * self.workers, int(left / each)))
            batch = agenda.following(several)
            if not batch:
                break
            changed = self.crews(batch, each)
            for crew in batch:
                agenda.looked_at(crew, changed.get(crew, ()))


def _changed(crew: Sequence[int], before: Ints, after: Ints) -> list[int]:
    """Those whose visits or days are others."""
    moved = (before != after).any(1)
    return [t for t in crew if t in before[moved, LEAD] or t in after[moved, LEAD]]
