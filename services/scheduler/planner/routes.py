"""Trainers on the road: enough time between any two visits of one trainer, days not longer than the longest day, and
the kilometres saved when visits share a day.

Almost every drive fits into the night, so what matters is who shares a day: `same[u, v]` says that two stops do, and
`before[u, v]` that on that day u ends and the road to v is driven before v begins. Drives longer than a night are kept
apart minute by minute. Booked visits take part in the savings as constants; the model has seen to their times.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations, permutations

from ortools.sat.python import cp_model

from services.scheduler.planner.instance import Trainer
from services.scheduler.planner.model import JobVars, Literal, Model
from services.scheduler.planner.timetable import DAY, Stop, minute, minutes_of
from services.scheduler.planner.travel import Position


@dataclass(frozen=True, slots=True)
class Node:
    """A job's or a booked visit's place on a day of one trainer. `job` None: booked, always there."""

    id: str
    job: JobVars | None
    here: Literal | bool
    covers: dict[int, Literal | bool]
    start: cp_model.IntVar | int
    minutes: int
    place: Position | None
    block: bool

    @property
    def routed(self) -> bool:
        """On site, one day."""
        return self.place is not None and not self.block


class Routes:
    """Adds the road to a model."""

    def __init__(self, model: Model) -> None:
        """State the order of visits on shared days, then the savings, trainer by trainer."""
        self.model, self.cp = model, model.cp
        self._roads = model.table.roads
        self._longest = model.valuation.longest_day
        hours = model.instance.working_day
        self._open_minutes = minute(hours.end) - minute(hours.start)
        self._least = model.bands.least_days(model.bands.order(model.instance))
        self._covers = {i: self._cover(j) for i, j in model.jobs.items()}
        self._same: dict[tuple[str, str], Literal | bool] = {}
        self._before: dict[tuple[str, str], Literal] = {}
        self._apart: dict[tuple[str, str], Literal] = {}
        for trainer in model.instance.trainers:
            self._trainer(trainer)

    def _cover(self, job: JobVars) -> dict[int, Literal | bool]:
        """For each day that the job can touch, whether it does."""
        if job.job.days == 1:
            return dict(job.on_day)
        touching: dict[int, list[Literal]] = defaultdict(list)
        for first, literal in job.on_day.items():
            for day in range(first, first + job.job.days):
                touching[day].append(literal)
        return {day: self.model.any_of(literals) for day, literals in touching.items()}

    def _trainer(self, trainer: Trainer) -> None:
        nodes = [self._job_node(j, j.at[trainer.id]) for j in self.model.jobs.values() if trainer.id in j.at]
        for u, v in combinations(nodes, 2):
            if max(self._minutes(u, v, trainer), self._minutes(v, u, trainer)) > DAY - self._open_minutes:
                self._drive_over_days(u, v, trainer)
            if trainer.max_visits_per_day > 1 and self._same_day(u, v) is not False:
                self._share_day(u, v, trainer)
        if trainer.max_visits_per_day > 1:
            routed = [n for n in (*nodes, *self._booked_nodes(trainer)) if n.routed]
            self._save_driving(routed, trainer)

    def _job_node(self, job: JobVars, here: Literal) -> Node:
        place, covers = self.model.table.place_of(job.job), self._covers[job.job.id]
        return Node(job.job.id, job, here, covers, job.start, minutes_of(job.job), place, job.job.days > 1)

    def _booked_nodes(self, trainer: Trainer) -> list[Node]:
        """Booked visits on days on which a job is open for the trainer."""
        days = sorted({day for (_, _, who, day) in self.model.x if who == trainer.id})
        found: dict[str, Stop] = {}
        for day in days:
            found.update({s.id: s for s in self.model.valuation.routed.get((trainer.id, day), ())})
        return [
            Node(s.id, None, True, {s.days[0] - self.model.base: True}, s.start % DAY, s.end - s.start, s.position, False)
            for s in found.values()
        ]  # fmt: skip

    def _minutes(self, u: Node, v: Node, trainer: Trainer) -> int:
        return self._roads.minutes(u.place or trainer.home, v.place or trainer.home)

    def _out_and_back(self, first: Node, last: Node, trainer: Trainer) -> int:
        """From home to the first of a day, and from its last back home."""
        out = self._roads.minutes(trainer.home, first.place or trainer.home)
        return out + self._roads.minutes(last.place or trainer.home, trainer.home)

    def _same_day(self, u: Node, v: Node) -> Literal | bool:
        """A literal that is true exactly when both touch one day; False when they never can."""
        if v.job is None or (u.job is not None and v.id < u.id):
            u, v = v, u
        if u.job is None:
            (day,) = u.covers
            return v.covers.get(day, False)
        key = (u.id, v.id)
        if key not in self._same:
            self._same[key] = self._new_same(u, v)
        return self._same[key]

    def _new_same(self, u: Node, v: Node) -> Literal | bool:
        shared = sorted(u.covers.keys() & v.covers.keys())
        if not shared or max(self._least.get((u.id, v.id), 0), self._least.get((v.id, u.id), 0)) > 0:
            return False
        same = self.cp.new_bool_var("")
        for day in shared:
            self.cp.add_bool_or(~u.covers[day], ~v.covers[day], same)
        if u.block or v.block:
            return same
        for day, literal in u.covers.items():
            self.cp.add_bool_or(~same, ~literal, v.covers.get(day, False))
        for node in (u, v):
            if node.job is not None:
                self.cp.add_implication(same, node.job.placed)
        return same

    def _order(self, a: Node, b: Node) -> Literal:
        """On a shared day a ends, and the road to b is driven, before b begins."""
        key = (a.id, b.id)
        if key not in self._before:
            before = self._before[key] = self.cp.new_bool_var("")
            drive = self._roads.minutes(a.place, b.place) if a.place and b.place else 0
            self.cp.add(b.start >= a.start + (a.minutes + drive)).only_enforce_if(before)
        return self._before[key]

    def _share_day(self, u: Node, v: Node, trainer: Trainer) -> None:
        """Two visits of one trainer on one day need an order, and the day an end. Blocks share no day."""
        same = self._same_day(u, v)
        orders = []
        for a, b in () if u.block or v.block else ((u, v), (v, u)):
            drive = self._minutes(a, b, trainer)
            room = self._longest - self._out_and_back(a, b, trainer) - b.minutes
            least = a.minutes + drive
            if (b.id, a.id) in self._least or least + b.minutes > self._open_minutes or room < least:
                continue
            before = self._order(a, b)
            orders.append(before)
            if a.place is None or b.place is None:
                self.cp.add(b.start >= a.start + least).only_enforce_if(before, a.here, b.here)
            if room < self._open_minutes - b.minutes:
                self.cp.add(b.start <= a.start + room).only_enforce_if(before, a.here, b.here)
        self.cp.add_bool_or(~u.here, ~v.here, ~same, *orders)

    def _drive_over_days(self, u: Node, v: Node, trainer: Trainer) -> None:
        """A road longer than the night between two working days: whoever has both has the time to drive it."""
        if u.job is None or v.job is None:
            return
        orders = []
        for first, second in ((u, v), (v, u)):
            a, b = first.job, second.job
            if a is None or b is None:
                continue
            key = (a.job.id, b.job.id)
            if key not in self._apart:
                self._apart[key] = self.cp.new_bool_var("")
                drive = self._minutes(first, second, trainer) if u.place and v.place else 0
                later = self.model.begin(b) >= self.model.begin(a) + (a.minutes + drive)
                self.cp.add(later).only_enforce_if(self._apart[key])
            orders.append(self._apart[key])
            if u.place is None or v.place is None:
                later = self.model.begin(b) >= self.model.begin(a) + (a.minutes + self._minutes(first, second, trainer))
                self.cp.add(later).only_enforce_if(self._apart[key], u.here, v.here)
        self.cp.add_bool_or(~u.here, ~v.here, *orders)

    def _save_driving(self, routed: list[Node], trainer: Trainer) -> None:
        """Kilometres saved between neighbours on a day's route; a visit put between two others takes theirs away.

        With two visits a day neighbours need no order where the road is as long there as back. Two booked neighbours are
        the baseline: only losing them counts.
        """
        many = trainer.max_visits_per_day > 2 or not self._roads.symmetric
        leaving: dict[str, list[Literal]] = defaultdict(list)
        reaching: dict[str, list[Literal]] = defaultdict(list) if many else leaving
        for a, b in permutations(routed, 2) if many else combinations(routed, 2):
            points = self._saving(a, b, trainer)
            same = self._both_booked(a, b) if a.job is None and b.job is None else self._same_day(a, b)
            if points <= 0 or same is False:
                continue
            saved = self.cp.new_bool_var("")
            needs: list[Literal | bool] = [same, a.here, b.here]
            if many:
                needs.append(self._order(a, b))
                for c in routed:
                    if c.id not in (a.id, b.id):
                        self.cp.add_bool_or(~saved, *self._not_between(a, c, b))
            self.cp.add_bool_and(needs).only_enforce_if(saved)
            self.model.cost.append(saved * -points)
            if a.job is None and b.job is None:
                self.model.cost.append(points if self._neighbours(a, b, routed) else 0)
            leaving[a.id].append(saved)
            reaching[b.id].append(saved)
        for literals in (*leaving.values(), *(reaching.values() if many else ())):
            self.cp.add_at_most_one(literals)

    def _saving(self, a: Node, b: Node, trainer: Trainer) -> int:
        if a.place is None or b.place is None:
            return 0
        km = self._roads.km(a.place, trainer.home) + self._roads.km(trainer.home, b.place)
        return self.model.points((km - self._roads.km(a.place, b.place)) * self.model.instance.weights.per_km)

    def _not_between(self, a: Node, c: Node, b: Node) -> list[cp_model.LiteralT]:
        """Ways for c not to be between a and b on their day."""
        same = self._both_booked(a, c) if a.job is None and c.job is None else self._same_day(a, c)
        apart = not same if isinstance(same, bool) else ~same
        absent = False if isinstance(c.here, bool) else ~c.here
        return [apart, absent, self._order(c, a), self._order(b, c)]

    @staticmethod
    def _both_booked(a: Node, b: Node) -> bool:
        return a.covers.keys() == b.covers.keys()

    @staticmethod
    def _neighbours(a: Node, b: Node, routed: list[Node]) -> bool:
        """Whether two booked visits follow each other directly, without the plan; counted once, in their order."""
        booked = [n for n in routed if n.job is None and n.covers.keys() == a.covers.keys()]
        ordered = [i for _, i in sorted((n.start if isinstance(n.start, int) else 0, n.id) for n in booked)]
        return ordered.index(b.id) - ordered.index(a.id) == 1
