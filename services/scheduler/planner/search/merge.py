"""Plans that the search went through, put together: the exact model takes from each what fits best.

While the search cools down, plans that it stands at are remembered: for each visit, the trainers and days that it had. These are few
(three or four for each visit), so one model of a dozen trainers is small, and proven in seconds: of all plans that can be made of those
pieces it finds the best. That is the step that neither single moves nor all the days of one trainer reach.
"""

import numpy as np

from services.scheduler.planner.search.polish import Polish
from services.scheduler.planner.search.problem import INT, Bools, Ints, Problem
from services.scheduler.planner.search.regions import Regions
from services.scheduler.planner.search.state import DAY, LEAD

COOL = 0.5
"""The share of a search from which its plans are remembered: before, it goes through too many that are of no use."""

MOST_CELLS = 50_000_000
"""Visits x trainers x days up to which they are: a byte each."""

TOGETHER = 12
"""Trainers in one model, about."""

EACH, MOST = 0.15, 0.6
"""Of the budget, what one model may take of it, and all of them."""

PATIENCE = 1
"""Ways in a row to draw the parts that gain nothing, after which it is left at that: mostly the first leaves nothing to the second."""


class Seen:
    """Trainers and days that visits had."""

    def __init__(self, p: Problem) -> None:
        """None so far."""
        self.cells: Bools = np.zeros((len(p.points), len(p.trainers), len(p.week)), np.bool_)
        self._visits = np.arange(len(p.points), dtype=INT)

    def remember(self, placed: Ints) -> None:
        """Those of a plan."""
        there = placed[:, DAY] >= 0
        self.cells[self._visits[there], placed[there, LEAD], placed[there, DAY]] = True


def seen(p: Problem) -> Seen | None:
    """Room for what a search goes through; None where that would be too much."""
    return Seen(p) if len(p.points) * len(p.trainers) * len(p.week) <= MOST_CELLS else None


def merge(polish: Polish, known: Seen, regions: Regions, seed: int) -> None:
    """Put the plan together anew, part by part, of what is known; the parts are drawn again until that gains nothing."""
    random, patience = np.random.default_rng([seed, 1]), PATIENCE
    known.remember(polish.placed)
    enough = polish.left() - polish.budget.amount(MOST)
    each = polish.budget.amount(EACH)
    while patience > 0 and polish.left() > max(0.0, enough):
        busy = len(np.unique(polish.placed[polish.placed[:, LEAD] >= 0, LEAD]))
        parts = regions.draw(polish.placed, max(1, round(busy / TOGETHER)), random)
        crews = [tuple(np.flatnonzero(part.trainers).tolist()) for part in parts]
        patience = PATIENCE if polish.crews(crews, each, known.cells) else patience - 1
