"""The tables as one exact model, for problems small enough to be proven: units with one trainer or none, at most two visits a
day, nothing booked, no bands across units.

A unit's choice of trainer bounds every row of its bands, and all rows are in the linear relaxation from the start, which
proved eight units and three trainers with less work than rows added lazily.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from ortools.sat.python import cp_model

from services.scheduler.planner.search.problem import (
    CALENDAR,
    CREW,
    DOORS,
    EARLIEST,
    FIRST_VISIT,
    GAP_MAX,
    GAP_MIN,
    GRID,
    INT,
    LATEST,
    LEFT_OUT,
    LONGEST,
    MINUTES,
    NO_LIMIT,
    OFF_TARGET,
    OPENING,
    PER_DAY,
    PER_MINUTE,
    PER_WEEK,
    PLACE,
    TARGET,
    TOGETHER,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import AWAY, DAY, LEAD

SCALE = 100
"""Whole units per point."""

Literal = cp_model.IntVar


def is_stated(p: Problem) -> bool:
    """Whether the model can say all that the tables ask."""
    visits = p.visits[:-1]
    return bool(
        p.units[:-1, TOGETHER].all()
        and (p.trainers[:, PER_DAY] <= 2).all()
        and not len(p.fixed)
        and not len(p.bands)
        and (visits[:, CREW] == 1).all()
        and (visits[:, GAP_MAX] >= NO_LIMIT).all()
        and p.rules[PER_MINUTE] == 0
        and p.rules[GRID] <= 1
    )


class Exact:
    """The model of one problem."""

    def __init__(self, problem: Problem) -> None:
        """State it; `is_stated` must hold."""
        self.problem, self.cp = problem, cp_model.CpModel()
        self.chosen: dict[tuple[int, int], Literal] = {}
        self.at: dict[tuple[int, int, int], Literal] = {}
        self._terms: list[tuple[Literal, int]] = []
        self._constant = 0
        for unit in range(len(problem.units) - 1):
            self._unit(unit)
        self._days()
        self._weeks()
        self._loads()
        literals, points = [t[0] for t in self._terms], [t[1] for t in self._terms]
        self.cp.minimize(cp_model.LinearExpr.weighted_sum(literals, points) + self._constant)

    def _cost(self, literal: Literal, points: float) -> None:
        self._terms.append((literal, round(points * SCALE)))

    def _unit(self, unit: int) -> None:
        p, cp = self.problem, self.cp
        first, last = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]
        trainers = [t for t in range(len(p.trainers)) if np.isfinite(p.extra[first:last, t]).all()]
        for t in trainers:
            who = self.chosen[unit, t] = cp.new_bool_var("")
            before: dict[int, Literal] = {}
            for v in range(first, last):
                here = self._visit(int(v), t)
                cp.add(sum(here.values()) == who)
                gap = int(p.visits[v, GAP_MIN])
                for d in here if before else ():
                    late = [x for e, x in before.items() if e > d - gap]
                    if late:
                        cp.add(sum(late) + sum(x for e, x in here.items() if e <= d) <= who)
                before = here
        out = cp.new_bool_var("")
        cp.add_exactly_one([*(self.chosen[unit, t] for t in trainers), out])
        self._cost(out, float(p.points[first:last, LEFT_OUT].sum()))

    def _visit(self, v: int, t: int) -> dict[int, Literal]:
        p, row = self.problem, self.problem.visits[v]
        found = {}
        alone = float(p.extra[v, t]) + 2.0 * float(p.road[p.road.shape[1] + t, row[PLACE]])
        for d in range(row[EARLIEST], row[LATEST] + 1):
            if p.works[row[CALENDAR], t, d] and p.is_open[row[DOORS], d]:
                found[d] = self.at[v, t, d] = self.cp.new_bool_var("")
                self._cost(found[d], alone + abs(d - int(row[TARGET])) * float(p.points[v, OFF_TARGET]))
        return found

    def _days(self) -> None:
        """Two visits of one trainer on a day save road; a visit is in at most one pair, and unpaired ones exclude others."""
        by_day: dict[tuple[int, int], dict[int, list[Literal]]] = defaultdict(lambda: defaultdict(list))
        visit_at: dict[tuple[int, int, int], int] = {}
        for (v, t, d), literal in self.at.items():
            unit = int(self.problem.visits[v, 0])
            by_day[t, d][unit].append(literal)
            visit_at[t, d, unit] = v
        for (t, d), units in by_day.items():
            several = int(self.problem.trainers[t, PER_DAY]) > 1
            pairs: dict[int, list[Literal]] = defaultdict(list)
            both = []
            for a in units if several else ():
                for b in units:
                    saved = self._saving(visit_at[t, d, a], visit_at[t, d, b], t) if a < b else None
                    if saved is not None:
                        pair = self.cp.new_bool_var("")
                        both.append(pair)
                        pairs[a].append(pair)
                        pairs[b].append(pair)
                        self._cost(pair, -saved)
            for unit, literals in pairs.items():
                self.cp.add(sum(literals) <= sum(units[unit]))
            here = [x for literals in units.values() for x in literals]
            if len(here) > 1:
                self.cp.add(sum(here) - sum(both) <= 1)
            if len(here) > 2:
                self.cp.add(sum(here) <= 2)

    def _saving(self, v: int, w: int, t: int) -> float | None:
        """Points of road that two visits save by sharing a day; None when they cannot."""
        p, homes = self.problem, self.problem.road.shape[1] + t
        a, b = int(p.visits[v, PLACE]), int(p.visits[w, PLACE])
        minutes = int(p.visits[v, MINUTES] + p.visits[w, MINUTES] + p.drive[a, b])
        if minutes > p.rules[OPENING] or minutes + p.drive[homes, a] + p.drive[homes, b] > p.rules[LONGEST]:
            return None
        return float(p.road[homes, a] + p.road[homes, b] - p.road[a, b])

    def _weeks(self) -> None:
        p = self.problem
        by_week: dict[tuple[int, int], list[Literal]] = defaultdict(list)
        for (_, t, d), literal in self.at.items():
            by_week[t, int(p.week[d])].append(literal)
        for (t, _), literals in by_week.items():
            if len(literals) > p.trainers[t, PER_WEEK]:
                self.cp.add(sum(literals) <= int(p.trainers[t, PER_WEEK]))

    def _loads(self) -> None:
        """The load's cost is convex: level after level, each dearer than the one before."""
        p = self.problem
        size = np.diff(p.units[:, FIRST_VISIT])
        for t in range(len(p.trainers)):
            mine = [(int(size[u]), x) for (u, who), x in self.chosen.items() if who == t]
            levels = [self.cp.new_bool_var("") for _ in range(sum(n for n, _ in mine))]
            if levels:
                self.cp.add(sum(levels) == sum(n * x for n, x in mine))
            for n, level in enumerate(levels):
                if n:
                    self.cp.add_implication(level, levels[n - 1])
                self._cost(level, float(p.load_cost[t, n + 1] - p.load_cost[t, n]))

    def hint(self, placed: Ints) -> None:
        """Begin with a plan."""
        for (v, t, d), literal in self.at.items():
            self.cp.add_hint(literal, bool(placed[v, LEAD] == t and placed[v, DAY] == d))
        for (unit, t), literal in self.chosen.items():
            self.cp.add_hint(literal, bool(placed[self.problem.units[unit, FIRST_VISIT], LEAD] == t))

    def solve(
        self, *, seconds: float | None = None, work: float | None = None, tell: Callable[[float], None] | None = None
    ) -> tuple[Ints | None, float, bool]:
        """The plan (lead, second and day by visit), the bound in points, and whether both are the same."""
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 2
        solver.parameters.cp_model_probing_level = 0
        solver.parameters.symmetry_level = 0
        solver.parameters.add_lp_constraints_lazily = False
        if seconds is not None:
            solver.parameters.max_time_in_seconds = seconds
        if work is not None:
            solver.parameters.max_deterministic_time = work
        status = solver.solve(self.cp)
        bound = solver.best_objective_bound / SCALE
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, bound, False
        placed = np.zeros((len(self.problem.points), 4), INT)
        placed[:, :AWAY] = -1
        for (v, t, d), literal in self.at.items():
            if solver.boolean_value(literal):
                placed[v, LEAD], placed[v, DAY] = t, d
        if tell is not None:
            tell(solver.objective_value / SCALE)
        return placed, bound, status == cp_model.OPTIMAL
