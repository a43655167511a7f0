"""Drives the search: a plan at once, then moves in short chunks until the budget is used up or somebody cancels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from services.scheduler.planner.search.anneal import anneal, seed_random
from services.scheduler.planner.search.budget import CELLS_PER_WORK, Budget
from services.scheduler.planner.search.cells import STARTS, Scratch, scratch
from services.scheduler.planner.search.choose import FEW, GAINED, SPENT, WAYS, WEIGHT, Memory, memory
from services.scheduler.planner.search.merge import COOL, Seen, merge, seen
from services.scheduler.planner.search.polish import Polish, pinned
from services.scheduler.planner.search.problem import (
    CANDIDATES_FROM,
    EARLIEST,
    FIRST_VISIT,
    INT,
    LATEST,
    RANK,
    UNIT,
    Ints,
    Problem,
)
from services.scheduler.planner.search.regions import Regions
from services.scheduler.planner.search.seat import open_book, start_times
from services.scheduler.planner.search.state import CELLS, DAY, State, empty
from services.scheduler.planner.search.together import search_together

CHUNK_SECONDS = 0.1

MOST_POLISHING = 60.0
"""Seconds or work that the exact model gets at most: then it has seen every two neighbours of a country of 200 enterprises."""

REPAIRS, MOVES_EACH = 3, 20
"""Rounds of repair in a row that place nothing more, after which it is left at that; moves a round for each unit left out."""

_NOTHING = np.zeros(0, INT)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the search goes about it: temperatures in points, most units in a move, noise in the choice of trainers."""

    hot: float = 60.0
    cold: float = 2.0
    most: int = 4
    noise: float = 0.1
    shake: float = 2.0
    """points, by the temperature, by which half of the moves shake the days of what they put in first"""
    polished: float = 0.0
    """Of the budget, what is kept for exact models (`merge`, `polish`). It pays where the search has stalled, which with bands between units it
    has not for long (measured: ADR 0020)."""
    cycle: float = 8.0
    """A processor's seconds, or work, of which it then cools down anew, so that there are other plans to put together."""


@dataclass(slots=True)
class Found:
    """The best plan, and how it came about."""

    placed: Ints
    """[V, 4] lead, second, day, who stays away"""
    slots: Ints
    """[T, D, K] stops in the order of the day"""
    total: float
    first_total: float
    moves: int = 0
    work: float = 0.0
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    """(seconds, work, points) whenever the best had become better"""


def schedule_for(problem: Problem) -> Schedule:
    """Many units begin hotter: what the first plan got wrong as a whole, such as the loads of distant trainers, is undone in
    many steps, each of which may cost something (2,500 units, 20 s: 2 % cheaper from 120 points than from 60).
    """
    return Schedule() if len(problem.units) - 1 <= FEW else Schedule(hot=120.0)


Tell = Callable[[float], None]


class Search:
    """One search over one problem. The random generator of compiled code is one per thread: one search at a time on each."""

    def __init__(
        self, problem: Problem, *, slots: int, enterprises: int, seed: int, schedule: Schedule | None = None
    ) -> None:
        """Open the book: nothing is placed but what is booked."""
        self.problem = problem
        self.schedule = schedule or schedule_for(problem)
        self.state: State = empty(problem, slots, enterprises)
        visits = int(np.diff(problem.units[:, FIRST_VISIT]).max(initial=1))
        window = int((problem.visits[:, LATEST] - problem.visits[:, EARLIEST]).max(initial=0)) + 1
        candidates = int(np.diff(problem.units[:, CANDIDATES_FROM]).max(initial=1))
        self.room: Scratch = scratch(
            max(1, candidates),
            visits,
            max(1, window),
            slots,
            len(problem.lists),
            len(problem.units),
            len(problem.trainers),
        )
        self.memory: Memory = memory(problem, self.state)
        self.seed, self._slots, self._enterprises = seed, slots, enterprises
        self.cells, self.moves, self.chunk = 0, 0, 200
        self.seen: Seen | None = None
        seed_random(seed)
        open_book(problem, self.state, self.room.rows[STARTS])

    def construct(self) -> float:
        """A first plan: in the order of bands, those with the fewest candidates first. Returns its points."""
        p = self.problem
        order = np.lexsort((np.diff(p.units[:, CANDIDATES_FROM]), p.units[:-1, RANK])).astype(INT)
        anneal(p, self.state, self.memory, self.room, order, 0, 0, 1.0, 1.0, 1, 0.0, 0.0)
        return float(self.memory.best_total[0])

    def improve(
        self,
        *,
        seconds: float | None = None,
        work: float | None = None,
        workers: int = 1,
        tell: Tell | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Found:
        """Search from the present state until the seconds or the work (whichever is given) are used up, on so many processors. Work
        is that of all of them.
        """
        first = float(self.memory.best_total[0])
        found = Found(self.memory.best_placed, self.memory.best_slots, first, first)
        budget = Budget(monotonic(), seconds, work)
        found.trace.append((0.0, 0.0, first))
        self.cells, self.moves = 0, 0

        def better() -> None:
            best = float(self.memory.best_total[0])
            if best < found.trace[-1][2]:
                found.trace.append((monotonic() - budget.begun, found.work, best))
                if tell is not None:
                    tell(best)

        self._repair()
        kept = min(MOST_POLISHING / budget.whole, self.schedule.polished)
        searched = budget.part(0.0, 1.0 - kept)
        cycles = (
            max(1, round(searched.amount(1.0 if seconds is None else workers) / self.schedule.cycle)) if kept else 1
        )
        parts = [searched.part(i / cycles, (i + 1) / cycles) for i in range(cycles)]
        self.seen = seen(self.problem) if kept > 0.0 else None
        if workers > 1:
            search_together(self, workers, parts, found, better, cancelled)
        else:
            for part in parts:
                self._anneal(part, found, better, cancelled)
        if kept > 0.0 and not (cancelled is not None and cancelled()):
            self._polish(budget, found, workers, better, cancelled)
        found.total = float(self.memory.best_total[0])
        return found

    def _anneal(
        self, budget: Budget, found: Found, better: Callable[[], None], cancelled: Callable[[], bool] | None
    ) -> None:
        """Moves while it cools down once."""
        share, chunk, before = budget.used(self.cells / CELLS_PER_WORK), 200, self.moves
        while share < 1.0 and not (cancelled is not None and cancelled()):
            begun, cells, done = monotonic(), self.cells, self.moves - before
            upto = min(1.0, share * (1.0 + chunk / done)) if done else share
            self.move(_NOTHING, chunk, share, upto)
            self.reward()
            if self.seen is not None and share >= COOL:
                self.seen.remember(self.state.placed)
            found.moves, found.work = self.moves, self.cells / CELLS_PER_WORK
            better()
            share = budget.used(found.work)
            if budget.work is not None:
                chunk = max(20, int(chunk * 0.05 * CELLS_PER_WORK / max(1, self.cells - cells)))
            else:
                chunk = max(20, int(chunk * CHUNK_SECONDS / max(1e-4, monotonic() - begun)))

    def another(self, problem: Problem) -> "Search":
        """A search with nothing placed yet, for the same tables or some of their numbers changed."""
        return Search(problem, slots=self._slots, enterprises=self._enterprises, seed=self.seed, schedule=self.schedule)

    def _polish(
        self,
        budget: Budget,
        found: Found,
        workers: int,
        better: Callable[[], None],
        cancelled: Callable[[], bool] | None,
    ) -> None:
        """Let exact models finish the best plan with what is left of the budget."""

        def recount(placed: Ints) -> tuple[float, Ints]:
            other = self.another(pinned(self.problem, placed))
            total = other.construct()
            same = bool((other.memory.best_placed == placed).all())
            return (total if same else np.inf), other.memory.best_slots

        def told(total: float, placed: Ints, slots: Ints) -> None:
            self.memory.best_total[0] = total
            self.memory.best_placed[:], self.memory.best_slots[:] = placed, slots
            found.work = polish.done
            better()

        polish = Polish(
            self.problem, self.memory.best_placed.copy(), float(self.memory.best_total[0]), budget=budget, done=found.work,
            workers=workers, recount=recount, tell=told, cancelled=cancelled,
        )  # fmt: skip
        if self.seen is not None:
            merge(polish, self.seen, Regions(self.problem, self._enterprises), self.seed)
        polish.everybody()
        found.work = polish.done

    def move(self, order: Ints, moves: int, since: float, until: float) -> None:
        """So many moves at the temperatures between two shares of the budget."""
        s = self.schedule
        hot, cold = (s.hot * (s.cold / s.hot) ** share for share in (since, until))
        self.state.sums[CELLS] = 0.0
        anneal(
            self.problem, self.state, self.memory, self.room, order, moves, self.moves, hot, cold, s.most, s.noise, s.shake
        )  # fmt: skip
        self.cells += int(self.state.sums[CELLS]) + 20 * moves
        self.moves += moves

    def _repair(self) -> None:
        """Moves that begin with what the first plan left out, as long as they place some of it."""
        fewest, patience = len(self.problem.points) + 1, REPAIRS
        while patience > 0:
            missing = self.problem.visits[:-1, UNIT][self.state.placed[:, DAY] < 0]
            if not len(missing):
                return
            patience = REPAIRS if len(missing) < fewest else patience - 1
            fewest = min(fewest, len(missing))
            order = np.unique(missing).astype(INT)
            self.move(order, MOVES_EACH * len(order), 0.0, 0.0)

    def left_out(self) -> int:
        """Visits that the best plan does not place."""
        return int((self.memory.best_placed[:, DAY] < 0).sum())

    def start_times(self, found: Found) -> Ints:
        """Minutes after opening at which each visit of a plan begins."""
        begins = np.zeros(len(found.placed), INT)
        start_times(self.problem, found.slots, begins, self.room.rows[STARTS])
        return begins

    def reward(self) -> None:
        """Move the shares of the ways towards what they gained per cell; none is ever left out."""
        ways = self.memory.ways
        rate = ways[GAINED] / np.maximum(1.0, ways[SPENT])
        if rate.sum() > 0:
            ways[WEIGHT] = 0.9 * ways[WEIGHT] + 0.1 * np.maximum(0.25 / WAYS, rate / rate.sum()) * WAYS
        ways[GAINED] *= 0.8
        ways[SPENT] *= 0.8
