"""The checker's rules about what happens next to what: nobody in two places, time for the road, days and weeks that
are not too full. Only pairs that the plan is party to are judged: what was booked before is not its doing.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations

from services.scheduler.planner.checker_road import Attendance, attendances, drive, whereabouts
from services.scheduler.planner.instance import Instance, Trainer
from services.scheduler.planner.plan import Placement, Violation

CLOCK = timedelta(milliseconds=1)
"""Tolerance for the last digits of a distance."""


def day_violations(instance: Instance, placements: tuple[Placement, ...]) -> Iterator[Violation]:
    """Overlaps, travel, long days, blocks, and limits per day and week."""
    diary = attendances(instance, placements)
    for trainer in instance.trainers:
        stays = diary[trainer.id]
        for first, second in combinations(stays, 2):
            if first.new or second.new:
                yield from _pair(instance, trainer, first, second)
        yield from _limits(trainer, stays)
    yield from _enterprises(instance, placements)


def _pair(instance: Instance, trainer: Trainer, first: Attendance, second: Attendance) -> Iterator[Violation]:
    both = tuple(s.visit for s in (first, second) if s.new)
    if second.start < first.end:
        yield Violation("trainer_overlap", "is in two places at once", both, trainer.id, day=second.first)
        return
    road = drive(instance, whereabouts(first, trainer), whereabouts(second, trainer))
    if second.start - first.end + CLOCK < road:
        yield Violation("travel", f"needs {road} on the road between them", both, trainer.id, day=second.first)
    if not first.enterprises or not second.enterprises or second.first > first.last:
        return
    if first.first != first.last or second.first != second.last:
        yield Violation("block_alone", "a block shares a day", both, trainer.id, day=second.first)
        return
    leaves = first.start - drive(instance, trainer.home, whereabouts(first, trainer))
    returns = second.end + drive(instance, whereabouts(second, trainer), trainer.home)
    if returns - leaves > instance.travel.longest_day + CLOCK:
        yield Violation("longest_day", f"away for {returns - leaves}", both, trainer.id, day=second.first)


def _limits(trainer: Trainer, stays: list[Attendance]) -> Iterator[Violation]:
    per_day: Counter[date] = Counter()
    for stay in stays:
        if stay.enterprises:
            per_day.update(stay.first + timedelta(days=n) for n in range((stay.last - stay.first).days + 1))
    per_week: Counter[date] = Counter()
    for day, visits in per_day.items():
        per_week[day - timedelta(days=day.weekday())] += visits
    for day, visits in per_day.items():
        mine = tuple(s.visit for s in stays if s.new and s.first <= day <= s.last)
        if visits > trainer.max_visits_per_day and mine:
            yield Violation("visits_per_day", f"{visits} visits in a day", mine, trainer.id, day=day)
    for monday, visits in per_week.items():
        sunday = monday + timedelta(days=6)
        mine = tuple(s.visit for s in stays if s.new and s.first <= sunday and monday <= s.last)
        if visits > trainer.max_visits_per_week and mine:
            yield Violation("visits_per_week", f"{visits} visits in a week", mine, trainer.id, day=monday)


def _enterprises(instance: Instance, placements: tuple[Placement, ...]) -> Iterator[Violation]:
    """One visit at a time at every enterprise, whoever comes."""
    seen: dict[str, Attendance] = {}
    for stays in attendances(instance, placements).values():
        seen.update({s.visit: s for s in stays})
    for b in instance.booked:
        seen[b.id] = Attendance(b.id, b.start, b.end, b.position, b.enterprise_ids, new=False)
    for enterprise in instance.enterprises:
        here = sorted((s for s in seen.values() if enterprise.id in s.enterprises), key=lambda s: (s.start, s.end))
        for first, second in combinations(here, 2):
            if second.start < first.end and (first.new or second.new):
                both = tuple(s.visit for s in (first, second) if s.new)
                text = "two visits at once"
                yield Violation("enterprise_overlap", text, both, None, enterprise.id, second.first)
