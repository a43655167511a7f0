"""Several searches of one plan side by side, each on a processor of its own.

In each round the plan is drawn into parts that do not touch each other (`regions`); every search anneals one of them on its own copy of
the whole state, and afterwards all take over what each has found for its part: as the parts share nothing, what they gained adds up.
With a budget of work rounds and what each search does in them are counted in cells, so the plan depends on the seed, the work and how
many search, and not on who was faster.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from services.scheduler.planner.search.anneal import EPSILON, seed_random
from services.scheduler.planner.search.budget import CELLS_PER_WORK, Budget
from services.scheduler.planner.search.choose import FEW
from services.scheduler.planner.search.merge import COOL
from services.scheduler.planner.search.problem import INT
from services.scheduler.planner.search.regions import Region, Regions
from services.scheduler.planner.search.state import TOTAL, State

if TYPE_CHECKING:
    from services.scheduler.planner.search.run import Found, Search

ROUNDS, MANY_ROUNDS = 30, 100
"""Each time it cools down; many where there are few units. Each costs copies of the state, and the waiting for the slower search."""

LONGEST = 2.0
"""Seconds, or work, of one: only then is a better plan told."""

LEAST = 0.1
"""Of a round, below which the rest of a budget is left."""

CHUNKS, CHUNK_SECONDS = 5, 0.1
"""Parts of a round, at least, after which a search looks how far it is, and seconds (or as many cells) after which it does at least."""

POLL_SECONDS = 0.05

_NOTHING = np.zeros(0, INT)


def search_together(
    first: "Search",
    workers: int,
    parts: Sequence[Budget],
    found: "Found",
    better: Callable[[], None],
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Anneal the plan of a search by so many of them, once in each part of the budget. `better` looks whether there is a better plan."""
    searches = [first, *(first.another(first.problem) for _ in range(workers - 1))]
    for search in searches:
        search.seen = first.seen
    together = Together(searches, first.seed)
    rounds = MANY_ROUNDS if len(first.problem.units) - 1 <= FEW else ROUNDS
    try:
        for budget in parts:
            share = budget.used(together.work())
            while share < 1.0 - LEAST / rounds and not (cancelled is not None and cancelled()):
                until = min(1.0, share + min(1.0 / rounds, LONGEST / budget.amount(1.0)))
                amount = budget.amount(until - share)
                cells = None if budget.work is None else amount * CELLS_PER_WORK
                together.round(share, until, cells=cells, seconds=amount, cancelled=cancelled)
                found.moves, found.work = sum(s.moves for s in searches), together.work()
                better()
                share = budget.used(found.work)
    finally:
        together.close()


class Together:
    """Searches with the same plan in all of their states."""

    def __init__(self, searches: Sequence["Search"], seed: int) -> None:
        """The first one's plan is everybody's."""
        self.searches = list(searches)
        first = self.searches[0]
        self.regions = Regions(first.problem, len(first.state.taken))
        self._random = np.random.default_rng([seed, len(self.searches)])
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix="planner-search") for _ in self.searches]
        for search, thread in zip(self.searches, self._threads, strict=True):
            thread.submit(seed_random, int(self._random.integers(1 << 31))).result()
            if search is not first:
                for mine, its in zip(search.state, first.state, strict=True):
                    mine[...] = its
        self._best = float(first.memory.best_total[0])
        self._best_placed, self._best_slots = first.memory.best_placed.copy(), first.memory.best_slots.copy()

    def work(self) -> float:
        """Of all of them."""
        return sum(search.cells for search in self.searches) / CELLS_PER_WORK

    def close(self) -> None:
        """End the threads; the first search may change everything again."""
        for thread in self._threads:
            thread.shutdown()
        self.searches[0].memory.mine[:] = True
        self.searches[0].room.open[:] = True

    def round(
        self,
        since: float,
        until: float,
        *,
        cells: float | None,
        seconds: float,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """From one share of the budget to another, for so many cells in all or for so many seconds. The best plan is in the first
        search's memory then.
        """
        first, stop = self.searches[0], Event()
        regions = self.regions.draw(first.state.placed, len(self.searches), self._random)
        base = float(first.state.sums[TOTAL])
        teams = list(zip(self.searches, regions, strict=False))
        waiting: set[Future[None]] = set()
        for (search, region), thread in zip(teams, self._threads, strict=False):
            _begin(search, region, base, self._random)
            each = None if cells is None else cells / len(teams)
            waiting.add(thread.submit(_anneal, search, since, until, each, seconds, stop))
        everyone = list(waiting)
        while waiting:
            _, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
            if cancelled is not None and not stop.is_set() and cancelled():
                stop.set()
        for one in everyone:
            one.result()
        self._keep_best(teams, base)
        self._take_over(teams, base)

    def _keep_best(self, teams: Sequence[tuple["Search", Region]], base: float) -> None:
        """The best of each part, together, is a plan as well, and maybe the best one."""
        best = base + sum(float(search.memory.best_total[0]) - base for search, _ in teams)
        if best < self._best - EPSILON:
            self._best = best
            first = self.searches[0].memory
            self._best_placed[:], self._best_slots[:] = first.best_placed, first.best_slots
            for search, region in teams:
                self._best_placed[region.visits] = search.memory.best_placed[region.visits]
                self._best_slots[region.trainers] = search.memory.best_slots[region.trainers]
        memory = self.searches[0].memory
        memory.best_total[0] = self._best
        memory.best_placed[:], memory.best_slots[:] = self._best_placed, self._best_slots

    def _take_over(self, teams: Sequence[tuple["Search", Region]], base: float) -> None:
        total = base + sum(float(search.state.sums[TOTAL]) - base for search, _ in teams)
        for search, region in teams:
            for other in self.searches:
                if other is not search:
                    hand_over(search.state, other.state, region)
                    other.memory.floor[:-1][region.units] = search.memory.floor[:-1][region.units]
                    other.room.usual[:-1][region.units] = search.room.usual[:-1][region.units]
        for search in self.searches:
            search.state.sums[TOTAL] = total


def hand_over(giving: State, taking: State, region: Region) -> None:
    """Everything that a state knows of a part, but the total."""
    visits, trainers, enterprises = (np.flatnonzero(x) for x in (region.visits, region.trainers, region.enterprises))
    taking.placed[visits] = giving.placed[visits]
    for name in ("slots", "on_day", "in_week", "of_trainer", "day_cost", "places", "at_place", "seats"):
        getattr(taking, name)[trainers] = getattr(giving, name)[trainers]
    rows = np.concatenate([trainers, len(region.trainers) + enterprises])
    taking.marks[rows] = giving.marks[rows]
    taking.taken[enterprises] = giving.taken[enterprises]


def _begin(search: "Search", region: Region, base: float, random: np.random.Generator) -> None:
    """With a part to itself, and the present plan as the best of it."""
    memory = search.memory
    memory.mine[:-1], search.room.open[: len(region.trainers)] = region.units, region.trainers
    memory.home[0] = random.choice(np.flatnonzero(region.units))
    memory.best_total[0] = base
    memory.best_placed[:], memory.best_slots[:] = search.state.placed, search.state.slots


def _anneal(search: "Search", since: float, until: float, cells: float | None, seconds: float, stop: Event) -> None:
    """Moves until the cells or the seconds are used up."""
    begun, before, share, step, chunk = monotonic(), search.cells, 0.0, 0.0, search.chunk
    whole = max(1e-4, seconds if cells is None else cells / CELLS_PER_WORK)
    part = min(1.0 / CHUNKS, CHUNK_SECONDS / whole)
    while share < 1.0 and not stop.is_set():
        now = since + share * (until - since)
        search.move(_NOTHING, chunk, now, min(until, now + step * (until - since)))
        search.reward()
        if search.seen is not None and now >= COOL:
            search.seen.remember(search.state.placed)
        done = monotonic() - begun if cells is None else (search.cells - before) / CELLS_PER_WORK
        step, share = max(1e-9, done / whole - share), done / whole
        search.chunk = max(20, int(chunk * min(2.0, part / step)))
        chunk = max(20, int(search.chunk * min(1.0, (1.0 - share) / part)))
