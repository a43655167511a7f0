"""A few trainers' visits as one exact model, everybody else's as they are: what the search cannot reach one unit at a time.

The days of all free visits (`freed`) of the trainers are chosen anew together, and a unit that is free as a whole may go to another of
them. The model knows roads of one and two visits a day, bands, calendars, limits of weeks, loads and lateness; not nights, or changes of
trainer across units: whoever uses it counts the whole plan again.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from ortools.sat.python import cp_model

from services.scheduler.planner.search.exact import SCALE, Literal
from services.scheduler.planner.search.freed import Freed
from services.scheduler.planner.search.problem import (
    CALENDAR,
    DOORS,
    FIRST_VISIT,
    GAP_MIN,
    GRID,
    GROUP,
    LONGEST,
    MINUTES,
    NO_LIMIT,
    OFF_TARGET,
    OPENING,
    PER_DAY,
    PER_MINUTE,
    PLACE,
    TARGET,
    UNIT,
    Bools,
    Ints,
    Problem,
)
from services.scheduler.planner.search.state import DAY, LEAD


class Crew:
    """The model of some trainers' free visits in a plan."""

    def __init__(self, problem: Problem, placed: Ints, trainers: Sequence[int], among: Bools | None = None) -> None:
        """State it, with the plan as the hint. `among` [V, T, D] are the trainers and days that visits may have, if not all."""
        self.problem, self.placed, self.cp = problem, placed, cp_model.CpModel()
        self.trainers, self.among = tuple(trainers), among
        self.freed = Freed(problem, placed, self.trainers)
        self.at: dict[tuple[int, int, int], Literal] = {}
        self.points = np.inf
        """What the model counts for the plan it found: of the whole plan's points, those that it can change."""
        self._terms: list[tuple[Literal, int]] = []
        self._units: dict[tuple[int, int], Literal] = {}
        for unit in sorted({int(problem.visits[v, UNIT]) for v in self.freed.visits}):
            self._unit(unit)
        self._bands()
        self._guests()
        for t in self.trainers:
            self._days(t)
            self._weeks(t)
            if len(self.trainers) > 1:
                self._load(t)
        literals, points = [one for one, _ in self._terms], [points for _, points in self._terms]
        self.cp.minimize(cp_model.LinearExpr.weighted_sum(literals, points))
        for (v, t, d), literal in self.at.items():
            self.cp.add_hint(literal, bool(placed[v, LEAD] == t and placed[v, DAY] == d))

    def _cost(self, literal: Literal, points: float) -> None:
        self._terms.append((literal, round(points * SCALE)))

    def _unit(self, unit: int) -> None:
        """A unit that is free as a whole and belongs to nobody else's group may go to any of the trainers."""
        p, cp = self.problem, self.cp
        visits = range(int(p.units[unit, FIRST_VISIT]), int(p.units[unit + 1, FIRST_VISIT]))
        whole = all(v in self.freed for v in visits) and len({int(self.placed[v, LEAD]) for v in visits}) == 1
        if not whole or len(self.trainers) == 1 or not self._is_whole_group(unit):
            for v in visits:
                if v in self.freed:
                    cp.add_exactly_one(self._visit(v, int(self.placed[v, LEAD])))
            return
        able = [t for t in self.trainers if np.isfinite(p.extra[visits, t]).all()]
        if self.among is not None:
            able = [t for t in able if self.among[visits, t].any(1).all()]
        for t in able:
            who = self._units[unit, t] = cp.new_bool_var("")
            self._cost(who, float(p.extra[visits, t].sum()))
            for v in visits:
                cp.add(sum(self._visit(v, t)) == who)
        cp.add_exactly_one(self._units[unit, t] for t in able)

    def _is_whole_group(self, unit: int) -> bool:
        """Whether no visit of another unit would make a change of trainer cost."""
        p = self.problem
        groups = {
            int(g) for g in p.visits[p.units[unit, FIRST_VISIT] : p.units[unit + 1, FIRST_VISIT], GROUP] if g >= 0
        }
        members = [p.lists[p.groups[g] : p.groups[g + 1]] for g in groups]
        return all((p.visits[visits, UNIT] == unit).all() for visits in members)

    def _visit(self, v: int, t: int) -> list[Literal]:
        p, row = self.problem, self.problem.visits[v]
        first, last = self.freed.window(v)
        closed, found = self.freed.closed[t] | self.freed.taken(v), []
        for d in range(first, last + 1):
            if self.among is not None and not self.among[v, t, d]:
                continue
            if d not in closed and p.works[row[CALENDAR], t, d] and p.is_open[row[DOORS], d]:
                literal = self.at[v, t, d] = self.cp.new_bool_var("")
                away = 2.0 * float(p.road[p.road.shape[1] + t, row[PLACE]])
                self._cost(literal, away + abs(d - int(row[TARGET])) * float(p.points[v, OFF_TARGET]))
                found.append(literal)
        return found

    def _bands(self) -> None:
        """Between free visits: none of the later ones too early or too late for the earlier one's day."""
        days: dict[int, dict[int, list[Literal]]] = defaultdict(lambda: defaultdict(list))
        for (v, _, d), literal in self.at.items():
            days[v][d].append(literal)
        for v in self.freed.visits:
            for other, is_later, least, most in self.freed.linked(v):
                if not is_later or other not in self.freed:
                    continue
                for d in sorted(days[v]):
                    upto = [x for e, xs in days[v].items() if e <= d for x in xs]
                    late = [x for e, xs in days[other].items() if e > d - least for x in xs]
                    if late:
                        self.cp.add(sum(late) + sum(upto) <= 1)
                    since = [x for e, xs in days[v].items() if e >= d for x in xs]
                    early = [x for e, xs in days[other].items() if e < d - most for x in xs] if most < NO_LIMIT else ()
                    if early:
                        self.cp.add(sum(early) + sum(since) <= 1)

    def _guests(self) -> None:
        """No enterprise has two visits on a day."""
        there: dict[tuple[int, int], list[Literal]] = defaultdict(list)
        for (v, _, d), literal in self.at.items():
            for guest in self.freed.guests(v):
                there[guest, d].append(literal)
        for literals in there.values():
            if len(literals) > 1:
                self.cp.add_at_most_one(literals)

    def _days(self, t: int) -> None:
        """Two visits of a day save road, and the second of them begins later; more than two there are not."""
        by_day: dict[int, list[tuple[int, Literal]]] = defaultdict(list)
        for (v, who, d), literal in self.at.items():
            if who == t:
                by_day[d].append((v, literal))
        for here in by_day.values():
            together: list[Literal] = []
            pairs: dict[int, list[Literal]] = defaultdict(list)
            for n, (a, _) in enumerate(here if self.problem.trainers[t, PER_DAY] > 1 else ()):
                for b, _ in here[n + 1 :]:
                    saved = self._saving(a, b, t)
                    if saved is not None:
                        pair = self.cp.new_bool_var("")
                        together.append(pair)
                        pairs[a].append(pair)
                        pairs[b].append(pair)
                        self._cost(pair, -saved)
            for v, literal in here:
                if pairs[v]:
                    self.cp.add(sum(pairs[v]) <= literal)
            if len(here) > 1:
                self.cp.add(sum(literal for _, literal in here) - sum(together) <= 1)
            if len(here) > 2:
                self.cp.add(sum(literal for _, literal in here) <= 2)

    def _saving(self, a: int, b: int, t: int) -> float | None:
        """Points that two visits save by sharing a day, in the better order; None when they cannot."""
        p, homes, rows = self.problem, self.problem.road.shape[1] + t, self.problem.visits
        here, there, grid = int(rows[a, PLACE]), int(rows[b, PLACE]), max(1, int(p.rules[GRID]))
        if int(rows[a, UNIT]) == int(rows[b, UNIT]) and abs(a - b) == 1 and rows[max(a, b), GAP_MIN] > 0:
            return None
        late = []
        for one, other, x, y in ((a, b, here, there), (b, a, there, here)):
            second = -(-int(rows[one, MINUTES] + p.drive[x, y]) // grid) * grid
            end = second + int(rows[other, MINUTES])
            if end <= p.rules[OPENING] and p.drive[homes, x] + end + p.drive[homes, y] <= p.rules[LONGEST]:
                late.append(second)
        if not late:
            return None
        road = float(p.road[homes, here] + p.road[homes, there] - p.road[here, there])
        return road - min(late) * float(p.rules[PER_MINUTE])

    def _weeks(self, t: int) -> None:
        by_week: dict[int, list[Literal]] = defaultdict(list)
        for (_, who, d), literal in self.at.items():
            if who == t:
                by_week[int(self.problem.week[d])].append(literal)
        room = self.freed.room(t)
        for week, literals in by_week.items():
            if len(literals) > room[week]:
                self.cp.add(sum(literals) <= max(0, room[week]))

    def _load(self, t: int) -> None:
        """The load's cost is convex: level after level, each dearer than the one before."""
        p = self.problem
        size = np.diff(p.units[:, FIRST_VISIT])
        mine = [(int(size[unit]), x) for (unit, who), x in self._units.items() if who == t]
        moving = {unit for unit, _ in self._units}
        stays = sum(int(p.visits[v, UNIT]) not in moving for v in self.freed.of(t))
        levels = [self.cp.new_bool_var("") for _ in range(sum(n for n, _ in mine))]
        if levels:
            self.cp.add(sum(levels) == sum(n * x for n, x in mine))
        for n, level in enumerate(levels):
            if n:
                self.cp.add_implication(level, levels[n - 1])
            self._cost(level, float(p.load_cost[t, stays + n + 1] - p.load_cost[t, stays + n]))

    def solve(self, work: float, seconds: float | None = None) -> tuple[Ints | None, float]:
        """The plan with what was found, or None where nothing was, and the work it took (deterministic time)."""
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 2
        solver.parameters.cp_model_probing_level = 0
        solver.parameters.symmetry_level = 0
        solver.parameters.add_lp_constraints_lazily = False
        solver.parameters.max_deterministic_time = work
        if seconds is not None:
            solver.parameters.max_time_in_seconds = seconds
        status = solver.solve(self.cp)
        taken = float(solver.response_proto.deterministic_time)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, taken
        self.points = solver.objective_value / SCALE
        found = self.placed.copy()
        for (v, t, d), literal in self.at.items():
            if solver.boolean_value(literal):
                found[v, LEAD], found[v, DAY] = t, d
        return found, taken
