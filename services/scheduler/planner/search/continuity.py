"""The price of an enterprise having more than one trainer."""

from services.scheduler.planner.search.compiled import compiled
from services.scheduler.planner.search.day import NEVER
from services.scheduler.planner.search.problem import FIRST_VISIT, GROUP, PER_CHANGE, WHOLE, Problem
from services.scheduler.planner.search.state import LEAD, State


@compiled
def changes(p: Problem, s: State, group: int) -> int:
    """Trainers beyond the first among a group's visits."""
    found = 0
    for i in range(p.groups[group], p.groups[group + 1]):
        mine = s.placed[p.lists[i], LEAD]
        if mine >= 0:
            new = 1
            for j in range(p.groups[group], i):
                if s.placed[p.lists[j], LEAD] == mine:
                    new = 0
                    break
            found += new
    return max(0, found - 1)


@compiled
def stranger(p: Problem, s: State, unit: int, trainer: int) -> float:
    """Points for a trainer who is new to the enterprise because of visits outside the unit; without end where one trainer
    for all is a rule.
    """
    first, last = p.units[unit, FIRST_VISIT], p.units[unit + 1, FIRST_VISIT]
    group = p.visits[first, GROUP]
    if group < 0 or p.groups[group + 1] - p.groups[group] == last - first:
        return 0.0
    known = 0
    for i in range(p.groups[group], p.groups[group + 1]):
        visit = p.lists[i]
        lead = s.placed[visit, LEAD]
        if lead >= 0 and not first <= visit < last:
            if lead == trainer:
                return 0.0
            known += 1
    if known == 0:
        return 0.0
    return NEVER if p.units[unit, WHOLE] else float(p.rules[PER_CHANGE])
